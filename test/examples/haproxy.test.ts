/** examples/haproxy: HAProxy verifies the JWT by itself, and asks keywright-verify whether it was revoked. */
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AUDIENCE, makeKey, startFakeIssuer } from '../resource-server/fake-issuer.ts'
import { type Environment, runCli } from '../support/cli.ts'
import { findProgram } from '../support/debian.ts'
import { freePort, openDirectory, type Program, removeDirectory, startProgram } from '../support/program.ts'
import {
  ask,
  askBound,
  askTwice,
  examplePath,
  noTrickWorks,
  refused,
  type Stage,
  startStage,
  startVerifier,
  tryTricks,
} from './example-environment.ts'

const haproxy = await findProgram('/usr/sbin/haproxy', 'haproxy')

let stage: Stage
let home: string

/** Answers the exit code. */
async function fetchKeys(issuer = stage.issuer, into = home): Promise<number> {
  const run = promisify(execFile)(process.execPath, [examplePath('haproxy/fetch-keys.mjs'), issuer, into])
  return await run.then(
    () => 0,
    (error) => error.code,
  )
}

async function startHaproxy(verifier?: Program, env: Environment = {}): Promise<Program> {
  const port = await freePort()
  return await startProgram([haproxy!, '-db', '-f', examplePath('haproxy/haproxy.cfg')], port, {
    ISSUER: stage.issuer,
    AUDIENCE: stage.api.identifier,
    KEYS: home,
    LUA: examplePath('haproxy'),
    LISTEN: `127.0.0.1:${port}`,
    API: stage.upstream,
    ...(verifier && { VERIFIER: verifier.url }),
    ...env,
  })
}

beforeAll(async () => {
  if (!haproxy) return
  home = await openDirectory()
  stage = await startStage()
  await fetchKeys()
})
afterAll(async () => {
  await stage?.stop()
  if (home) await removeDirectory(home)
})

describe.skipIf(!haproxy).each(['by itself', 'with keywright-verify'])('HAProxy %s', (how) => {
  let verifier: Program | undefined
  let gateway: Program

  beforeAll(async () => {
    if (how === 'with keywright-verify') verifier = await startVerifier(stage)
    gateway = await startHaproxy(verifier)
  })
  afterAll(async () => {
    await gateway?.stop()
    await verifier?.stop()
  })

  test('lets a good token pass, and tells the API who calls, whatever the caller says of that', async () => {
    const lies = { 'x-client-id': 'somebody', 'x-subject': 'else', 'x-scope': 'admin' }
    const { status, body } = await ask(gateway, await stage.token('write read'), lies)
    expect(status).toBe(200)
    expect(body).toMatchObject({ method: 'GET', url: '/weather?city=Bern' })
    const { clientId } = stage.client
    expect(body.headers).toMatchObject({ 'x-client-id': clientId, 'x-subject': clientId, 'x-scope': 'write read' })
    expect(body.headers).not.toHaveProperty('authorization')
  })

  test('answers 401 with a challenge without a token, to one that is none, and to one of another API', async () => {
    expect(await ask(gateway)).toMatchObject({ status: 401, challenge: 'Bearer' })
    const [head, body] = (await stage.token()).split('.')
    const unsigned = Buffer.from('{"alg":"none","typ":"at+jwt"}').toString('base64url')
    const other = await stage.token('read', 'other')
    for (const token of ['nonsense', `${head}.${body}.${'A'.repeat(86)}`, `${unsigned}.${body}.`, other]) {
      expect(await ask(gateway, token)).toMatchObject({ status: 401, challenge: 'Bearer error="invalid_token"' })
    }
  })

  test('lets no caller pass for another by names that look alike, by Connection, or by another protocol', async () => {
    expect(await tryTricks(gateway, await stage.token())).toEqual(noTrickWorks(stage.client))
  })

  test('refuses a request with two tokens, though the first is good', async () => {
    for (const status of await askTwice(gateway, stage)) expect([400, 401]).toContain(status)
  })

  test('answers 403 to a token without the scope', async () => {
    const expected = { status: 403, challenge: 'Bearer error="insufficient_scope", scope="read"' }
    expect(await ask(gateway, await stage.token('write'))).toMatchObject(expected)
  })

  test('holds a token that demands an x-api-key to it', async () => {
    const client = await stage.server.make.client({ apiKeyRequired: true }, [stage.api.identifier])
    const key = { 'x-api-key': client.apiKey }
    const { body } = await stage.server.machineToken(client, { scope: 'read' }, { headers: key })
    expect((await ask(gateway, body.access_token)).status).toBe(401)
    expect((await ask(gateway, body.access_token, key)).status).toBe(verifier ? 200 : 401)
  })

  test('holds a token that is bound to a key to it', async () => {
    const { right, elsewhere, bearer } = await askBound(gateway, stage)
    const statuses = [right, elsewhere, bearer].map(({ status }) => status)
    expect(statuses).toEqual([verifier ? 200 : 401, 401, 401])
  })

  test('ends a revoked token soon if the verifier is asked, and else only when it expires', async () => {
    const [token, kept] = [await stage.token(), await stage.token()]
    expect((await ask(gateway, token)).status).toBe(200)
    await stage.revoke(token)
    if (!verifier) {
      expect((await ask(gateway, token)).status).toBe(200)
      return
    }
    const { status, challenge } = await refused(gateway, token)
    expect(status).toBe(401)
    expect(challenge).toContain('was revoked')
    expect((await ask(gateway, kept)).status).toBe(200)
  })
})

test.skipIf(!haproxy)('nothing passes while the verifier that HAProxy is to ask is away: 503', async () => {
  const verifier = await startVerifier(stage)
  const gateway = await startHaproxy(verifier)
  const token = await stage.token()
  expect((await ask(gateway, token)).status).toBe(200)
  await verifier.stop()
  const { status, headers } = await ask(gateway, token)
  expect({ status, retry: headers.get('retry-after') }).toEqual({ status: 503, retry: '5' })
  await gateway.stop()
})

test.skipIf(!haproxy)(
  'a verifier that does not answer is waited for no longer than it waits for a list: 503',
  async () => {
    const silent = createServer((socket) => void socket.on('error', () => {})).listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const gateway = await startHaproxy(undefined, {
      VERIFIER: `http://127.0.0.1:${(silent.address() as AddressInfo).port}`,
    })
    const [token, askedAt] = [await stage.token(), performance.now()]
    expect((await ask(gateway, token)).status).toBe(503)
    expect(performance.now() - askedAt).toBeLessThan(15_000)
    await gateway.stop()
    silent.close()
  },
)

test.skipIf(!haproxy)('without a verifier HAProxy says at its start that revoked tokens pass', async () => {
  const gateway = await startHaproxy()
  expect(gateway.written()).toContain('revoked tokens pass until they expire')
  await gateway.stop()
})

test.skipIf(!haproxy)('what the server never signs as an access token of now is 401', async () => {
  const issuer = await startFakeIssuer()
  const keys = await openDirectory()
  expect(await fetchKeys(issuer.url, keys)).toBe(0)
  const gateway = await startHaproxy(undefined, { ISSUER: issuer.url, AUDIENCE, KEYS: keys })
  expect((await ask(gateway, await issuer.token())).status).toBe(200)
  const now = Math.floor(Date.now() / 1000)
  const claims = [
    { exp: now - 1 },
    { exp: undefined },
    { exp: 'never' },
    { iss: 'https://evil.example' },
    { aud: undefined },
  ]
  const wrong = await Promise.all(claims.map((claim) => issuer.token(claim)))
  expect((await ask(gateway, await issuer.token({}, { typ: 'JWT' }))).status).toBe(200)
  const idToken = await issuer.token({ client_id: undefined }, { typ: 'JWT' })
  const others = [
    idToken,
    await issuer.token({}, { typ: 'statuslist+jwt' }),
    await issuer.token({}, {}, issuer.otherKey),
  ]
  for (const token of [...wrong, ...others]) expect((await ask(gateway, token)).status).toBe(401)
  expect((await ask(gateway, await issuer.token({ scope: 'reads unread read-all' }))).status).toBe(403)
  await gateway.stop()
  await issuer.close()
  await removeDirectory(keys)
})

test.skipIf(!haproxy)(
  'fetch-keys.mjs keeps the keys that sign, where there are more than HAProxy has names for',
  async () => {
    const issuer = await startFakeIssuer()
    const older = await Promise.all(['b', 'c', 'd', 'e', 'f'].map(makeKey))
    issuer.settings.jwks.push(...older.map(({ jwk }) => jwk))
    const keys = await openDirectory()
    expect(await fetchKeys(issuer.url, keys)).toBe(0)
    const gateway = await startHaproxy(undefined, { ISSUER: issuer.url, AUDIENCE, KEYS: keys })
    expect((await ask(gateway, await issuer.token())).status).toBe(200)
    await gateway.stop()
    await issuer.close()
    await removeDirectory(keys)
  },
)

test.skipIf(!haproxy)(
  'fetch-keys.mjs says by its exit code whether HAProxy must be reloaded: after a rotation',
  async () => {
    expect(await fetchKeys()).toBe(3)
    const before = await readFile(join(home, '1.pem'), 'utf8')
    expect(before).toMatch(/^-----BEGIN PUBLIC KEY-----/)
    await runCli(['signing-key', 'rotate'], stage.server.env)
    // The node publishes the new key at its next reading of the key ring.
    await expect.poll(() => fetchKeys(), { timeout: 10_000 }).toBe(0)
    const token = await stage.token()
    const gateway = await startHaproxy()
    expect((await ask(gateway, token)).status).toBe(200)
    await gateway.stop()
  },
)
