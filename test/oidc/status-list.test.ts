import { randomUUID } from 'node:crypto'
import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { revokeToken } from '../../src/tokens/revocation.ts'
import { ACTOR } from '../support/factory.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { until } from '../support/load.ts'
import { type Credentials, claimsOf, send } from '../support/requests.ts'
import { fetchList, placeOf, statusAt } from '../support/status.ts'

let server: Keywright
let client: Credentials
let token: string
let uri: string

beforeAll(async () => {
  server = await startKeywright({ env: { STATUS_LIST_TTL: '30' } })
  client = await server.make.client({}, [(await server.make.api()).identifier])
  token = (await server.machineToken(client)).body.access_token
  uri = placeOf(token).uri
})
afterAll(() => server.stop())

const issue = async () => (await server.machineToken(client)).body.access_token as string
const revoke = (jwt: string) => revokeToken(server.knex, String(claimsOf(jwt).jti), ACTOR)

describe('a status list', () => {
  test('is a signed JWT of the issuer at the URI in the token, with its lifetime', async () => {
    const { status, headers, text } = await fetchList(server, uri)
    expect(status).toBe(200)
    expect(headers.get('content-type')).toBe('application/statuslist+jwt')
    expect(headers.get('cache-control')).toBe('public, max-age=30')
    expect(headers.get('access-control-allow-origin')).toBe('*')
    expect(headers.get('pragma')).toBeNull()
    expect(uri.startsWith(`${server.issuer}/oauth2/status/`)).toBe(true)
    const keys = createLocalJWKSet((await send(`${server.url}/oauth2/jwks`)).body)
    const { payload, protectedHeader } = await jwtVerify(text, keys, { issuer: server.issuer, subject: uri })
    expect(protectedHeader).toEqual({ alg: 'ES256', typ: 'statuslist+jwt', kid: expect.any(String) })
    expect(payload).toEqual({
      iss: server.issuer,
      sub: uri,
      iat: expect.any(Number),
      exp: payload.iat! + 150,
      ttl: 30,
      status_list: { bits: 1, lst: expect.any(String) },
    })
    expect(Math.abs(payload.iat! - Date.now() / 1000)).toBeLessThan(5)
  })

  test('is signed with its API’s algorithm', async () => {
    for (const signingAlg of ['RS256', 'PS256', 'EdDSA'] as const) {
      const api = await server.make.api({ signingAlg })
      const { body } = await server.machineToken(await server.make.client({}, [api.identifier]))
      const { text } = await fetchList(server, placeOf(body.access_token).uri)
      expect(decodeProtectedHeader(text).alg).toBe(signingAlg)
      expect(await statusAt(server, body.access_token)).toBe(0)
    }
  })

  test('is answered with 304 while it is unchanged; it holds a revocation at once, and keeps it', async () => {
    const doomed = await issue()
    const first = await fetchList(server, uri)
    const etag = first.headers.get('etag')!
    const again = await fetchList(server, uri, { headers: { 'if-none-match': etag } })
    expect([again.status, again.text, again.headers.get('cache-control')]).toEqual([304, '', 'public, max-age=30'])
    expect(await statusAt(server, doomed)).toBe(0)
    await revoke(doomed)
    await until(async () => (await statusAt(server, doomed)) === 1)
    const changed = await fetchList(server, uri, { headers: { 'if-none-match': etag } })
    expect(changed.status).toBe(200)
    expect([await statusAt(server, doomed), await statusAt(server, token)]).toEqual([1, 0])
  })

  test('is compressed for a client that accepts gzip, and has an entity tag in either form', async () => {
    const ask = (headers: Record<string, string>) => fetch(server.url + new URL(uri).pathname, { headers })
    const plain = await ask({ 'accept-encoding': 'identity' })
    const packed = await ask({ 'accept-encoding': 'gzip, br' })
    expect([plain, packed].map(({ headers }) => headers.get('content-encoding'))).toEqual([null, 'gzip'])
    expect([plain, packed].map(({ headers }) => headers.get('vary'))).toEqual(Array(2).fill('Accept, Accept-Encoding'))
    expect(Number(packed.headers.get('content-length'))).toBeLessThan(Number(plain.headers.get('content-length')))
    expect(await packed.text()).toBe(await plain.text())
    const tags = [plain, packed].map(({ headers }) => headers.get('etag')!)
    expect(tags[0]).not.toBe(tags[1])
    expect((await ask({ 'accept-encoding': 'identity', 'if-none-match': tags[0]! })).status).toBe(304)
    expect((await ask({ 'accept-encoding': 'gzip', 'if-none-match': tags[1]! })).status).toBe(304)
    expect((await ask({ 'accept-encoding': 'gzip', 'if-none-match': tags[0]! })).status).toBe(200)
  })

  test('that was not requested for some time is complete', async () => {
    const other = await startKeywright({
      databaseUrl: server.env.DATABASE_URL!,
      env: { ...server.env, ISSUER: server.issuer },
    }).catch((error) => error)
    const doomed = await issue()
    await revoke(doomed)
    expect(await statusAt({ url: other.url }, doomed)).toBe(1)
    await other.stop()
  })

  test('holds the current state and its time', async () => {
    const iats: number[] = []
    await until(async () => {
      await revoke(await issue())
      iats.push(decodeJwt((await fetchList(server, uri)).text).iat!)
      return iats.at(-1)! > iats[0]!
    })
    expect(iats).toEqual([...iats].sort((a, b) => a - b))
  })
})

describe('the status list endpoint refuses', () => {
  const at = (path: string, init?: RequestInit) => send(`${server.url}${path}`, init)
  const accept = (type: string) => ({ headers: { accept: type } })

  test('unknown and malformed ids', async () => {
    for (const id of [randomUUID(), '*', 'x', '%00', 'a'.repeat(10_000), uri.split('/').at(-1)!.slice(0, -1)]) {
      const { status, headers } = await at(`/oauth2/status/${id}`)
      expect([id.slice(0, 40), status]).toEqual([id.slice(0, 40), 404])
      expect(headers.get('cache-control') ?? '').not.toContain('public')
    }
    expect((await fetchList(server, `${uri}/`)).status).toBe(200)
    expect((await fetchList(server, uri.toUpperCase().replace(/.*\//, `${server.issuer}/oauth2/status/`))).status).toBe(
      200,
    )
  })

  test('another media type, another method, and another time', async () => {
    const { pathname } = new URL(uri)
    for (const type of ['application/statuslist+cwt', 'text/html', 'application/json']) {
      expect([type, (await at(pathname, accept(type))).status]).toEqual([type, 406])
    }
    for (const type of ['*/*', 'application/*', 'application/statuslist+cwt, application/statuslist+jwt;q=0.5']) {
      expect([type, (await at(pathname, accept(type))).status]).toEqual([type, 200])
    }
    expect((await at('/oauth2/status', accept('text/html'))).status).toBe(406)
    const posted = await at(pathname, { method: 'POST' })
    expect([posted.status, posted.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
    expect((await at(pathname, { method: 'HEAD' })).status).toBe(200)
    expect((await at(pathname, { method: 'OPTIONS' })).status).toBe(204)
    expect((await at(`${pathname}?time=1700000000`)).status).toBe(501)
  })
})

test('the metadata names the list of all status lists, and each list is for one API', async () => {
  const { body } = await send(`${server.url}/.well-known/oauth-authorization-server`)
  expect(body.status_list_aggregation_endpoint).toBe(`${server.issuer}/oauth2/status`)
  const api = await server.make.api()
  const { uri: other } = placeOf(
    (await server.machineToken(await server.make.client({}, [api.identifier]))).body.access_token,
  )
  expect(other).not.toBe(uri)
  await until(async () => (await send(body.status_list_aggregation_endpoint)).body.status_lists.includes(other))
  const { headers, body: all } = await send(body.status_list_aggregation_endpoint)
  expect(all.status_lists).toContain(uri)
  expect(headers.get('cache-control')).toBe('public, max-age=30')
  expect(headers.get('content-type')).toContain('application/json')
  for (const one of all.status_lists) expect((await fetchList(server, one)).status).toBe(200)
})
