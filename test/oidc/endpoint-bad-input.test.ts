import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { rotateSecret } from '../../src/management/client-secret-rotation.ts'
import { changeClientStatus } from '../../src/management/client-status.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { rawPost, sendRaw } from '../support/raw-http.ts'
import { type Answer, basicHeader, type Credentials, send } from '../support/requests.ts'
import { untilRetired } from '../support/secret-retirement.ts'

const FORM = 'application/x-www-form-urlencoded'
const ACTOR = { type: 'system' } as const
const MACHINE = 'grant_type=client_credentials'

let server: Keywright
let client: Credentials
let queryClient: Credentials
let refreshing: Credentials

beforeAll(async () => {
  server = await startKeywright()
  client = await server.make.client()
  queryClient = await server.make.client({ queryCredentials: true })
  refreshing = await server.make.client({ clientCredentialsRefresh: true })
})

afterAll(() => server.stop())

interface Sent {
  readonly body?: string | Buffer
  readonly basic?: Credentials
  readonly headers?: Record<string, string>
  readonly path?: string
  readonly method?: string
}

function post({ body = MACHINE, basic, headers, path = '/oauth2/token', method = 'POST' }: Sent): Promise<Answer> {
  const authorization = basic && { authorization: basicHeader(basic) }
  const withBody = method === 'GET' || method === 'HEAD' ? {} : { body: body as RequestInit['body'] }
  return send(server.url + path, {
    method,
    headers: { 'content-type': FORM, ...authorization, ...headers },
    ...withBody,
  })
}

/** What every refusal must be, whatever was wrong. */
async function refused(sent: Sent, status: number, error: string): Promise<Answer> {
  const answer = await post(sent)
  expect([answer.status, answer.body.error]).toEqual([status, error])
  expect(answer.body.error_description).toEqual(expect.any(String))
  expect(answer.headers.get('content-type')).toMatch(/^application\/json/)
  expect(answer.headers.get('cache-control')).toBe('no-store')
  expect(answer.headers.get('x-request-id')).toMatch(/^[\w.-]{1,64}$/)
  if (status === 401) expect(answer.headers.get('www-authenticate')).toMatch(/^Basic realm="/)
  return answer
}

const header = (authorization: string): Sent => ({ headers: { authorization } })
const basicText = (text: string | Buffer): Sent => header(`Basic ${Buffer.from(text).toString('base64')}`)
const inBody = (more = '') =>
  `${MACHINE}&client_id=${client.clientId}&client_secret=${client.clientSecret}${more && `&${more}`}`

test('a valid request succeeds, so that each refusal below has its own reason', async () => {
  for (const sent of [{ basic: client }, { body: inBody() }]) {
    const answer = await post(sent)
    expect(answer.status).toBe(200)
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(answer.headers.get('x-request-id')).toBeTruthy()
  }
})

describe('an unknown client, or a wrong client secret, is invalid_client with 401', () => {
  const other = (clientSecret: string) => ({ ...client, clientSecret })
  const cases: [string, () => Sent][] = [
    ['unknown client', () => ({ basic: { clientId: 'kwc_nobody', clientSecret: client.clientSecret } })],
    ['wrong secret', () => ({ basic: other(queryClient.clientSecret!) })],
    ['secret with one character changed', () => ({ basic: other(`${client.clientSecret!.slice(0, -1)}_`) })],
    ['another letter case of the id', () => ({ basic: { ...client, clientId: client.clientId.toUpperCase() } })],
    ['no authentication at all', () => ({})],
    ['a client id alone', () => ({ body: `${MACHINE}&client_id=${client.clientId}` })],
    ['an empty secret', () => ({ body: `${MACHINE}&client_id=${client.clientId}&client_secret=` })],
    ['an assertion that is no JWT', () => ({ body: `${MACHINE}&client_assertion=a.b.c` })],
    ['a Bearer header', () => header('Bearer abc')],
    ['Basic without credentials', () => header('Basic')],
    ['Basic that is not base64', () => header('Basic ***')],
    ['Basic cut off inside base64', () => header('Basic YTpiY')],
    ['Basic with too much padding', () => header('Basic YTpi==')],
    ['Basic without a colon', () => basicText('abc')],
    ['Basic without an id', () => basicText(`:${client.clientSecret}`)],
    ['Basic without a secret', () => basicText(`${client.clientId}:`)],
    ['Basic with malformed percent-encoding', () => basicText('%zz:%')],
    ['Basic with invalid UTF-8', () => basicText(Buffer.from([0xff, 0xfe, 0x3a, 0xc3, 0x28]))],
    ['Basic with control characters', () => basicText(`${client.clientId}:a\u0001b`)],
    ['Basic with a secret of 10,000 characters', () => basicText(`${client.clientId}:${'x'.repeat(10_000)}`)],
    ['an id of 50,000 characters', () => ({ body: `${MACHINE}&client_secret=x&client_id=${'x'.repeat(50_000)}` })],
  ]
  test.each(cases)('%s', async (_name, sent) => {
    await refused(sent(), 401, 'invalid_client')
  })

  test('an archived client, also one that has just been served', async () => {
    const archived = await server.make.client()
    expect((await post({ basic: archived })).status).toBe(200)
    await changeClientStatus(server.knex, archived.clientId, 'archived', ACTOR)
    await refused({ basic: archived }, 401, 'invalid_client')
  })

  test('a secret past its overlap, also one that has just been served', async () => {
    const rotated = await server.make.client()
    await rotateSecret(server.knex, rotated.clientId, 5, ACTOR)
    expect((await post({ basic: rotated })).status).toBe(200)
    await untilRetired(server.knex, rotated.clientId)
    await refused({ basic: rotated }, 401, 'invalid_client')
  })
})

describe('a request that the client may not make, or that is malformed, is a 400 with its reason', () => {
  const mine = (body: string): Sent => ({ basic: client, body })
  const cases: [string, string, () => Sent][] = [
    ['unknown audience', 'invalid_target', () => mine(`${MACHINE}&audience=https://nowhere.example.com`)],
    ['unknown resource', 'invalid_target', () => mine(`${MACHINE}&resource=https://nowhere.example.com`)],
    ['a resource that is no URI', 'invalid_target', () => mine(`${MACHINE}&resource=nowhere`)],
    ['an audience of 50,000 characters', 'invalid_target', () => mine(`${MACHINE}&audience=${'x'.repeat(50_000)}`)],
    ['audience and resource that differ', 'invalid_target', () => mine(`${MACHINE}&audience=urn:a&resource=urn:b`)],
    ['scope not granted', 'invalid_scope', () => mine(`${MACHINE}&scope=all+more`)],
    ['scope with forbidden characters', 'invalid_scope', () => mine(`${MACHINE}&scope=%22`)],
    ['a scope of 50,000 characters', 'invalid_scope', () => mine(`${MACHINE}&scope=${'x'.repeat(50_000)}`)],
    ['unknown grant type', 'unsupported_grant_type', () => mine('grant_type=password&username=a&password=b')],
    ['a grant type of 50,000 characters', 'unsupported_grant_type', () => mine(`grant_type=${'x'.repeat(50_000)}`)],
    ['grant type in invalid UTF-8', 'unsupported_grant_type', () => mine('grant_type=%ff%fe')],
    ['grant type in malformed percent-encoding', 'unsupported_grant_type', () => mine('grant_type=%zz%')],
    ['grant not registered', 'unauthorized_client', () => mine('grant_type=refresh_token&refresh_token=x')],
    ['no grant type', 'invalid_request', () => mine('scope=all')],
    ['an empty body', 'invalid_request', () => mine('')],
    ['no refresh token', 'invalid_request', () => ({ basic: refreshing, body: 'grant_type=refresh_token' })],
    ['a refresh token that is none', 'invalid_grant', () => ({ basic: refreshing, body: refresh('kwr_x') })],
    ['a huge refresh token', 'invalid_grant', () => ({ basic: refreshing, body: refresh('x'.repeat(50_000)) })],
    ['grant_type twice', 'invalid_request', () => mine(`${MACHINE}&${MACHINE}`)],
    ['scope twice', 'invalid_request', () => mine(`${MACHINE}&scope=all&scope=all`)],
    ['audience twice', 'invalid_request', () => mine(`${MACHINE}&audience=urn:a&audience=urn:a`)],
    ['client_id twice', 'invalid_request', () => ({ body: inBody(`client_id=${client.clientId}`) })],
    ['client_secret twice', 'invalid_request', () => ({ body: inBody(`client_secret=${client.clientSecret}`) })],
    ['Basic and client_secret', 'invalid_request', () => ({ basic: client, body: inBody() })],
    ['Basic and another client_id', 'invalid_request', () => mine(`${MACHINE}&client_id=${queryClient.clientId}`)],
    ['Basic and an assertion', 'invalid_request', () => mine(`${MACHINE}&client_assertion=a.b.c`)],
    ['client_secret and Bearer', 'invalid_request', () => ({ ...header('Bearer abc'), body: inBody() })],
    ['credentials in the query', 'invalid_request', () => ({ path: `/oauth2/token?${inBody()}`, body: '' })],
    ['a parameter in query and body', 'invalid_request', () => twice(queryClient)],
    ['a JSON body', 'invalid_request', () => typed('application/json', `{"grant_type":"client_credentials"}`)],
    ['a text body', 'invalid_request', () => typed('text/plain', inBody())],
    ['a multipart body', 'invalid_request', () => typed('multipart/form-data; boundary=x', '--x--')],
  ]
  const refresh = (token: string) => `grant_type=refresh_token&refresh_token=${token}`
  const typed = (type: string, body: string): Sent => ({ basic: client, headers: { 'content-type': type }, body })
  const twice = (basic: Credentials): Sent => ({ basic, path: `/oauth2/token?${MACHINE}` })
  test.each(cases)('%s: %s', async (_name, error, sent) => {
    await refused(sent(), 400, error)
  })
})

describe('a NUL byte is refused with 400 anywhere', () => {
  const cases: [string, () => Sent][] = [
    ['raw in the body', () => ({ basic: client, body: `${MACHINE}&scope=a\0b` })],
    ['escaped in the body', () => ({ basic: client, body: `${MACHINE}&audience=%00` })],
    ['in the client id', () => ({ body: `${MACHINE}&client_id=a%00b&client_secret=x` })],
    ['in the secret', () => ({ body: `${MACHINE}&client_id=${client.clientId}&client_secret=%00` })],
    ['in the grant type', () => ({ basic: client, body: 'grant_type=%00' })],
    ['in the name of a parameter', () => ({ basic: client, body: `${MACHINE}&a%00b=c` })],
    ['raw in Basic', () => basicText('a\0b:c\0d')],
    ['escaped in Basic', () => basicText(`${client.clientId}:%00`)],
    ['in the query', () => ({ basic: queryClient, path: `/oauth2/token?${MACHINE}&scope=%00`, body: '' })],
    ['in the client id of the query', () => ({ path: '/oauth2/token?client_id=%00&client_secret=a', body: MACHINE })],
    ['in a token to introspect', () => ({ basic: client, path: '/oauth2/introspect', body: 'token=%00' })],
    ['in a token to revoke', () => ({ basic: client, path: '/oauth2/revoke', body: 'token=a\0b' })],
    ['in a refresh token', () => ({ basic: refreshing, body: 'grant_type=refresh_token&refresh_token=kwr_%00' })],
  ]
  test.each(cases)('%s', async (_name, sent) => {
    await refused(sent(), 400, 'invalid_request')
  })

  test('raw in a header or in the request line, which Node itself refuses', async () => {
    const headers = { 'Content-Type': FORM, 'x-api-key': 'a\0b' }
    expect(await sendRaw(server.url, rawPost('/oauth2/token', headers, MACHINE))).toMatch(/^HTTP\/1.1 400 /)
    expect(await sendRaw(server.url, rawPost('/oauth2/to\0ken', {}, MACHINE))).toMatch(/^HTTP\/1.1 400 /)
  })
})

describe('a request that no endpoint accepts gets its status', () => {
  test('a body of 1 MiB gets 413, with or without Content-Length', async () => {
    const body = `scope=${'x'.repeat(1024 * 1024)}`
    for (let n = 0; n < 20; n++) await refused({ basic: client, body }, 413, 'invalid_request')
    const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`
    const head = `POST /oauth2/token HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: ${FORM}\r\nTransfer-Encoding: chunked\r\n\r\n`
    expect(await sendRaw(server.url, `${head}${chunk.repeat(16)}0\r\n\r\n`)).toMatch(/^HTTP\/1.1 413 /)
  })

  test('every other method gets 405 with Allow', async () => {
    for (const path of ['/oauth2/token', '/oauth2/token/', '/oauth2/introspect', '/oauth2/revoke']) {
      for (const method of ['GET', 'PUT', 'DELETE', 'PATCH']) {
        const answer = await refused({ basic: client, path, method }, 405, 'invalid_request')
        expect(answer.headers.get('allow')).toContain('POST')
      }
    }
  })

  test('a header of more than 16 KiB is 431, and the next request is served', async () => {
    const answer = await sendRaw(server.url, rawPost('/oauth2/token', { Authorization: 'x'.repeat(20_000) }, ''))
    expect(answer).toMatch(/^HTTP\/1.1 431 /)
    expect((await post({ basic: client })).status).toBe(200)
  })

  test('a malformed path gets 404, and an aborted request affects no other', async () => {
    for (const path of ['/oauth2/%zz', '/oauth2/token%00', '/%ff', '/oauth2/nothing']) {
      expect((await post({ path })).status).toBe(404)
    }
    const half = rawPost('/oauth2/token', { 'Content-Length': '1000' }, 'grant')
    const { hostname, port } = new URL(server.url)
    const socket = (await import('node:net')).connect(Number(port), hostname, () => socket.end(half))
    await new Promise((resolve) => socket.resume().once('close', resolve))
    expect((await post({ basic: client })).status).toBe(200)
  })

  test('every request gets an ID; a short ID of the caller is logged beside it', async () => {
    for (const [given, logged] of [
      ['order-42', 'order-42'],
      ['a b"c', undefined],
      ['x'.repeat(65), undefined],
    ] as const) {
      const answer = await post({ basic: client, headers: { 'x-request-id': given } })
      const id = answer.headers.get('x-request-id')
      expect(id).toMatch(/^[\da-f-]{36}$/)
      const line = server.logLines().find(({ request_id }) => request_id === id)
      expect([given, line?.caller_request_id]).toEqual([given, logged])
    }
  })

  test('no request above was logged as a server error', () => {
    const fieldErrors = server
      .logLines()
      .filter((line) => (line.level as number) >= 50 || (line.status as number) >= 500)
    expect(fieldErrors).toEqual([])
  })
})
