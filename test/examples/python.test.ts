/** examples/python: Authlib's resource protector, with status lists that are fetched by their ttl. */
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import { deflateSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AUDIENCE, type FakeIssuer, makeKey, startFakeIssuer } from '../resource-server/fake-issuer.ts'
import { findPython } from '../support/debian.ts'
import { freePort, type Program, startProgram } from '../support/program.ts'
import { ask, askTwice, examplePath, refused, type Stage, startStage } from './example-environment.ts'

const python = await findPython('authlib')

/** Seconds. */
const TTL = 5

async function startApp(issuer: string, audience: string): Promise<Program> {
  const port = await freePort()
  const env = { ISSUER: issuer, AUDIENCE: audience, PORT: String(port), PYTHONDONTWRITEBYTECODE: '1' }
  return await startProgram([python!, examplePath('python/app.py')], port, env)
}

describe.skipIf(!python)('Authlib with status lists', () => {
  let stage: Stage
  let api: Program

  beforeAll(async () => {
    stage = await startStage({ STATUS_LIST_TTL: String(TTL) })
    api = await startApp(stage.issuer, stage.api.identifier)
  })
  afterAll(async () => {
    await api?.stop()
    await stage?.stop()
  })

  test('a good token passes', async () => {
    const { status, body } = await ask(api, await stage.token('read write'))
    expect({ status, body }).toEqual({
      status: 200,
      body: { client: stage.client.clientId, subject: stage.client.clientId },
    })
  })

  test('without a token, with one that is none, and with one of another API it is 401 with a challenge', async () => {
    const [head, body] = (await stage.token()).split('.')
    const forged = `${head}.${body}.${'A'.repeat(86)}`
    for (const token of [undefined, 'nonsense', forged, await stage.token('read', 'other')]) {
      expect(await ask(api, token)).toMatchObject({ status: 401, challenge: expect.stringMatching(/^bearer error=/i) })
    }
  })

  test('a request with two tokens is refused, though the first is good', async () => {
    for (const status of await askTwice(api, stage)) expect([400, 401]).toContain(status)
  })

  test('a token without the scope is 403', async () => {
    expect(await ask(api, await stage.token('write'))).toMatchObject({
      status: 403,
      body: { error: 'insufficient_scope' },
    })
  })

  test('a token that demands an x-api-key passes with that key only', async () => {
    const client = await stage.server.make.client({ apiKeyRequired: true }, [stage.api.identifier])
    const { body } = await stage.server.machineToken(
      client,
      { scope: 'read' },
      { headers: { 'x-api-key': client.apiKey } },
    )
    const [right, wrong, none] = [{ 'x-api-key': client.apiKey }, { 'x-api-key': 'other' }, {}]
    expect((await ask(api, body.access_token, right)).status).toBe(200)
    for (const headers of [wrong, none]) expect((await ask(api, body.access_token, headers)).status).toBe(401)
  })

  test('a revoked token is refused within the ttl, and stays so when the server is away', async () => {
    const [token, kept] = [await stage.token(), await stage.token()]
    expect((await ask(api, token)).status).toBe(200)
    await stage.revoke(token)
    const revokedAt = performance.now()
    const { status, body } = await refused(api, token)
    expect({ status, error: body.error_description }).toEqual({ status: 401, error: 'the access token was revoked' })
    // The rest is for a busy machine.
    expect(performance.now() - revokedAt).toBeLessThan((TTL + 5) * 1000)
    expect((await ask(api, kept)).status).toBe(200)
    await stage.server.stopServing()
    expect((await ask(api, token)).status).toBe(401)
  })
})

describe.skipIf(!python)('its status lists', () => {
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

  const addList = () => issuer.addList(`/oauth2/status/${++lists}`)
  const askAbout = async (uri: string, idx: unknown, claims: Record<string, unknown> = {}) =>
    await ask(api, await issuer.token({ status: { status_list: { idx, uri } }, ...claims }))

  test('that cannot be trusted leave it untold: 503', async () => {
    const bomb = deflateSync(Buffer.alloc(64 * 1024 * 1024)).toString('base64url')
    const noise = deflateSync(crypto.getRandomValues(new Uint8Array(8192))).toString('base64url')
    const now = Math.floor(Date.now() / 1000)
    const fieldErrors: Record<string, Record<string, unknown>> = {
      'of another issuer': { iss: 'https://evil.example' },
      'another list': { sub: `${issuer.url}/oauth2/status/0` },
      expired: { iat: now - 600, exp: now - 300 },
      old: { iat: now - 600 },
      'of the future': { iat: now + 600 },
      'too large': { status_list: { bits: 1, lst: bomb } },
      'cut off': { status_list: { bits: 1, lst: noise.slice(0, -100) } },
      'no list': { status_list: 'x' },
    }
    for (const [fieldError, claims] of Object.entries(fieldErrors)) {
      const list = addList()
      list.claims = claims
      const { status, headers } = await askAbout(list.uri, 1)
      expect({ fieldError, status, retry: headers.get('retry-after') }).toEqual({ fieldError, status: 503, retry: '5' })
    }
    const untyped = addList()
    untyped.header = { typ: 'jwt' }
    const strange = addList()
    strange.answer = async (req, res) => void res.end(await issuer.listToken(req.url!, strange, issuer.stranger))
    const moved = addList()
    moved.answer = (_req, res) => void res.writeHead(302, { location: addList().uri }).end()
    const torn = addList()
    torn.answer = (_req, res) => void res.write('x', () => res.destroy())
    const garbled = addList()
    garbled.answer = (req) => void req.socket.end('none of HTTP\r\n\r\n')
    for (const { uri } of [untyped, strange, moved, torn, garbled]) expect((await askAbout(uri, 1)).status).toBe(503)
    expect((await askAbout(`${issuer.url}/oauth2/status/none`, 1)).status).toBe(503)
  })

  test('that are not the issuer’s, or do not reach to the token, are 401', async () => {
    const list = addList()
    expect((await askAbout(list.uri, 65_535)).status).toBe(200)
    for (const idx of [65_536, -1, '1', 1e300, true, null]) expect((await askAbout(list.uri, idx)).status).toBe(401)
    expect((await askAbout('https://evil.example/oauth2/status/1', 1)).status).toBe(401)
    expect((await askAbout(list.uri, 1, { status: undefined })).status).toBe(401)
  })

  test('are fetched once, however many ask', async () => {
    const list = addList()
    const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => askAbout(list.uri, n)))
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200))
    expect(issuer.count(new URL(list.uri).pathname)).toBe(1)
  })

  test('of an older copy bring nothing back to life', async () => {
    const list = addList()
    list.claims = { ttl: 1 }
    list.revoke(5)
    expect((await askAbout(list.uri, 5)).status).toBe(401)
    list.bitmap = new Uint8Array(8192)
    list.claims = { ttl: 1, iat: Math.floor(Date.now() / 1000) - 5 }
    const asked = () => issuer.count(new URL(list.uri).pathname)
    const before = asked()
    while (asked() === before) await askAbout(list.uri, 4)
    expect((await askAbout(list.uri, 5)).status).toBe(401)
  })

  test('do not serve tokens that are bound in a way that is not known: those are 401', async () => {
    const { uri } = addList()
    expect((await askAbout(uri, 1)).status).toBe(200)
    for (const cnf of [{ jkt: 'x' }, { 'x5t#S256': 'x' }, 'x', {}]) {
      expect((await askAbout(uri, 1, { cnf })).status).toBe(401)
    }
  })

  test('accept the token type JWT, and no ID token', async () => {
    const status = { status_list: { idx: 1, uri: addList().uri } }
    const asking = async (claims: object) =>
      (await ask(api, await issuer.token({ status, ...claims }, { typ: 'JWT' }))).status
    expect(await asking({})).toBe(200)
    expect(await asking({ client_id: undefined })).toBe(401)
  })

  test('are not asked about while the keys cannot be had: 503', async () => {
    const other = await startFakeIssuer()
    other.settings.jwksDown = true
    const unkeyed = await startApp(other.url, AUDIENCE)
    const { status, headers } = await ask(unkeyed, await other.token())
    expect({ status, retry: headers.get('retry-after') }).toEqual({ status: 503, retry: '5' })
    await unkeyed.stop()
    await other.close()
  })
})

/** Of the keys, when it is time to fetch them anew: how long ten requests wait. */
const HANG = `
import sys, time
sys.path.insert(0, sys.argv[1])
import issuer
issuer.TIMEOUT = issuer.RETRY_AFTER = 0.5
keys = issuer.IssuerKeys(sys.argv[2])
keys.find({"kid": "one"}, None)
keys.fetched_at -= 1000
keys.tried_at -= 1000
begun_at = time.monotonic()
for _ in range(10):
    keys.find({"kid": "one"}, None)
print(time.monotonic() - begun_at)
`

test.skipIf(!python)('while the server hangs, the keys at hand serve on, and few requests wait for it', async () => {
  const { jwk } = await makeKey('one')
  let asked = 0
  const server = createServer((_req, res) => {
    if (++asked === 1) res.end(JSON.stringify({ keys: [jwk] }))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/oauth2/jwks`
  const { stdout } = await promisify(execFile)(python!, ['-B', '-c', HANG, examplePath('python'), url])
  expect(Number(stdout)).toBeLessThan(2)
  server.close().closeAllConnections()
})
