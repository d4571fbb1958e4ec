/** examples/python: Authlib's resource protector with status lists. */
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import { deflateSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AUDIENCE, type FakeIssuer, makeKey, startFakeIssuer } from '../resource-server/fake-issuer.ts'
import { withOtherStart } from '../support/altered-texts.ts'
import { findPython } from '../support/debian.ts'
import { freePort, type Program, startProgram } from '../support/program.ts'
import {
  ask,
  askWithTwoTokens,
  type ExampleEnvironment,
  examplePath,
  startExampleEnvironment,
  untilRejected,
} from './example-environment.ts'

const python = await findPython('authlib')

/** Seconds. */
const TTL = 5

async function startApp(issuer: string, audience: string): Promise<Program> {
  const port = await freePort()
  const env = { ISSUER: issuer, AUDIENCE: audience, PORT: String(port), PYTHONDONTWRITEBYTECODE: '1' }
  return await startProgram([python!, examplePath('python/app.py')], port, env)
}

describe.skipIf(!python)('Authlib with status lists', () => {
  let environment: ExampleEnvironment
  let api: Program

  beforeAll(async () => {
    environment = await startExampleEnvironment({ STATUS_LIST_TTL: String(TTL) })
    api = await startApp(environment.issuer, environment.api.identifier)
  })
  afterAll(async () => {
    await api?.stop()
    await environment?.stop()
  })

  test('a valid token is accepted', async () => {
    const { status, body } = await ask(api, await environment.token('read write'))
    expect({ status, body }).toEqual({
      status: 200,
      body: {
        client: environment.client.clientId,
        account: environment.server.firstStart.accountId,
        subject: environment.client.clientId,
      },
    })
  })

  test('a request without a token, or with one that is invalid or for another API, is rejected with a challenge', async () => {
    const [head, body] = (await environment.token()).split('.')
    const forged = `${head}.${body}.${'A'.repeat(86)}`
    for (const token of [undefined, 'nonsense', forged, await environment.token('read', 'other')]) {
      expect(await ask(api, token)).toMatchObject({ status: 401, challenge: expect.stringMatching(/^bearer error=/i) })
    }
  })

  test('a request with two tokens is rejected, even if the first is valid', async () => {
    for (const status of await askWithTwoTokens(api, environment)) expect([400, 401]).toContain(status)
  })

  test('a token without the scope is rejected with 403', async () => {
    expect(await ask(api, await environment.token('write'))).toMatchObject({
      status: 403,
      body: { error: 'insufficient_scope' },
    })
  })

  test('a token that is bound to an x-api-key is accepted only with that key', async () => {
    const client = await environment.server.make.client({ apiKeyRequired: true }, [environment.api.identifier])
    const { body } = await environment.server.machineToken(
      client,
      { scope: 'read' },
      { headers: { 'x-api-key': client.apiKey } },
    )
    const [right, wrong, none] = [{ 'x-api-key': client.apiKey }, { 'x-api-key': 'other' }, {}]
    expect((await ask(api, body.access_token, right)).status).toBe(200)
    for (const headers of [wrong, none]) expect((await ask(api, body.access_token, headers)).status).toBe(401)
  })

  test('a revoked token is rejected within the ttl, also after the server stops', async () => {
    const [token, kept] = [await environment.token(), await environment.token()]
    expect((await ask(api, token)).status).toBe(200)
    await environment.revoke(token)
    const revokedAt = performance.now()
    const { status, body } = await untilRejected(api, token)
    expect({ status, error: body.error_description }).toEqual({ status: 401, error: 'the access token was revoked' })
    // The difference to the ttl is a margin for a busy machine. The usual ttl is a minute.
    expect(performance.now() - revokedAt).toBeLessThan((TTL + 40) * 1000)
    expect((await ask(api, kept)).status).toBe(200)
    await environment.server.stopServing()
    expect((await ask(api, token)).status).toBe(401)
  })
})

const withOtherSignature = (token: string): string => {
  const [header, payload, signature] = token.split('.')
  return `${header}.${payload}.${withOtherStart(signature!)}`
}

describe.skipIf(!python)('the status lists of the Python example', () => {
  let issuer: FakeIssuer
  let api: Program
  let lists = 0

  beforeAll(async () => {
    issuer = await startFakeIssuer()
    api = await startApp(issuer.url, AUDIENCE)
  })
  afterAll(async () => {
    await api?.stop()
    await issuer?.close()
  })

  test.each([
    ['the access token has expired', async () => await issuer.token({ exp: Math.floor(Date.now() / 1000) - 3600 })],
    [
      'the access token is not valid yet',
      async () => await issuer.token({ nbf: Math.floor(Date.now() / 1000) + 3600 }),
    ],
    [
      'the access token is not valid for this API',
      async () => await issuer.token({ aud: 'https://other.example.com' }),
    ],
    ['the access token was not signed by the issuer', async () => withOtherSignature(await issuer.token())],
  ])('the response to a rejected token states the reason: %s', async (error_description, token) => {
    expect(await ask(api, await token())).toMatchObject({ status: 401, body: { error_description } })
  })

  const addList = () => issuer.addList(`/oauth2/status/${++lists}`)
  const askAbout = async (uri: string, idx: unknown, claims: Record<string, unknown> = {}) =>
    await ask(api, await issuer.token({ status: { status_list: { idx, uri } }, ...claims }))

  test('that are invalid or unavailable cause a 503', async () => {
    const bomb = deflateSync(Buffer.alloc(64 * 1024 * 1024)).toString('base64url')
    const noise = deflateSync(crypto.getRandomValues(new Uint8Array(8192))).toString('base64url')
    const now = Math.floor(Date.now() / 1000)
    const invalidClaims: Record<string, Record<string, unknown>> = {
      'of another issuer': { iss: 'https://evil.example' },
      'another list': { sub: `${issuer.url}/oauth2/status/0` },
      expired: { iat: now - 600, exp: now - 300 },
      old: { iat: now - 600 },
      'of the future': { iat: now + 600 },
      'too large': { status_list: { bits: 1, lst: bomb } },
      'cut off': { status_list: { bits: 1, lst: noise.slice(0, -100) } },
      'no list': { status_list: 'x' },
    }
    for (const [defect, claims] of Object.entries(invalidClaims)) {
      const list = addList()
      list.claims = claims
      const { status, headers } = await askAbout(list.uri, 1)
      expect({ defect, status, retry: headers.get('retry-after') }).toEqual({ defect, status: 503, retry: '5' })
    }
    const untyped = addList()
    untyped.header = { typ: 'jwt' }
    const wronglySigned = addList()
    wronglySigned.respond = async (req, res) =>
      void res.end(await issuer.listToken(req.url!, wronglySigned, issuer.otherKey))
    const redirected = addList()
    redirected.respond = (_req, res) => void res.writeHead(302, { location: addList().uri }).end()
    const truncated = addList()
    truncated.respond = (_req, res) => void res.write('x', () => res.destroy())
    const malformed = addList()
    malformed.respond = (req) => void req.socket.end('not HTTP\r\n\r\n')
    for (const { uri } of [untyped, wronglySigned, redirected, truncated, malformed])
      expect((await askAbout(uri, 1)).status).toBe(503)
    expect((await askAbout(`${issuer.url}/oauth2/status/none`, 1)).status).toBe(503)
  })

  test('at another origin, or without the status index of the token, cause a 401', async () => {
    const list = addList()
    expect((await askAbout(list.uri, 65_535)).status).toBe(200)
    for (const idx of [65_536, -1, '1', 1e300, true, null]) expect((await askAbout(list.uri, idx)).status).toBe(401)
    expect((await askAbout('https://evil.example/oauth2/status/1', 1)).status).toBe(401)
    expect((await askAbout(list.uri, 1, { status: undefined })).status).toBe(401)
  })

  test('are fetched once for concurrent requests', async () => {
    const list = addList()
    const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => askAbout(list.uri, n)))
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200))
    expect(issuer.count(new URL(list.uri).pathname)).toBe(1)
  })

  test('in an older copy do not make a revoked token valid again', async () => {
    const list = addList()
    list.claims = { ttl: 1 }
    list.revoke(5)
    expect((await askAbout(list.uri, 5)).status).toBe(401)
    list.bitmap = new Uint8Array(8192)
    list.claims = { ttl: 1, iat: Math.floor(Date.now() / 1000) - 5 }
    const requests = () => issuer.count(new URL(list.uri).pathname)
    const before = requests()
    while (requests() === before) await askAbout(list.uri, 4)
    expect((await askAbout(list.uri, 5)).status).toBe(401)
  })

  test('do not matter for tokens with an unsupported confirmation, which are rejected with 401', async () => {
    const { uri } = addList()
    expect((await askAbout(uri, 1)).status).toBe(200)
    for (const cnf of [{ jkt: 'x' }, { 'x5t#S256': 'x' }, 'x', {}]) {
      expect((await askAbout(uri, 1, { cnf })).status).toBe(401)
    }
  })

  test('are checked for the token type JWT too, but an ID token is rejected', async () => {
    const status = { status_list: { idx: 1, uri: addList().uri } }
    const asking = async (claims: object) =>
      (await ask(api, await issuer.token({ status, ...claims }, { typ: 'JWT' }))).status
    expect(await asking({})).toBe(200)
    expect(await asking({ client_id: undefined })).toBe(401)
  })

  test('are not fetched while the key set is unavailable, which causes a 503', async () => {
    const other = await startFakeIssuer()
    other.settings.jwksDown = true
    const unkeyed = await startApp(other.url, AUDIENCE)
    const { status, headers } = await ask(unkeyed, await other.token())
    expect({ status, retry: headers.get('retry-after') }).toEqual({ status: 503, retry: '5' })
    await unkeyed.stop()
    await other.close()
  })
})

/** Looks keys up ten times when they are due and the server hangs. */
const TEN_LOOKUPS = `
import sys
sys.path.insert(0, sys.argv[1])
import issuer
issuer.TIMEOUT = 0.5
keys = issuer.IssuerKeys(sys.argv[2])
keys.find({"kid": "one"}, None)
keys.fetched_at -= 1000
keys.tried_at -= 1000
for _ in range(10):
    keys.find({"kid": "one"}, None)
`

test.skipIf(!python)('the keys in memory stay in use while the server hangs, and one lookup waits for it', async () => {
  const { jwk } = await makeKey('one')
  let requests = 0
  const server = createServer((_req, res) => {
    if (++requests === 1) res.end(JSON.stringify({ keys: [jwk] }))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/oauth2/jwks`
  await promisify(execFile)(python!, ['-B', '-c', TEN_LOOKUPS, examplePath('python'), url])
  // The first one, and one of the ten: the others find that it was tried within the last half minute.
  expect(requests).toBe(2)
  server.close().closeAllConnections()
})
