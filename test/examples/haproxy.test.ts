/** examples/haproxy: HAProxy verifies the JWT, and asks keywright-verify for its revocation status. */
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AUDIENCE, makeKey, startFakeIssuer } from '../resource-server/fake-issuer.ts'
import { runCli } from '../support/cli-in-process.ts'
import { findProgram } from '../support/debian.ts'
import type { Environment } from '../support/environment.ts'
import { until } from '../support/load.ts'
import { freePort, openDirectory, type Program, removeDirectory, startProgram } from '../support/program.ts'
import {
  ask,
  askWithBoundToken,
  askWithoutAccount,
  askWithTwoTokens,
  type ExampleEnvironment,
  examplePath,
  identityOf,
  sendForgedRequests,
  startExampleEnvironment,
  startVerifier,
  untilRejected,
  withoutForgery,
} from './example-environment.ts'

const haproxy = await findProgram('/usr/sbin/haproxy', 'haproxy')

let environment: ExampleEnvironment
let home: string

/** Returns the exit code of fetch-keys.mjs. */
async function fetchKeys(issuer = environment.issuer, into = home): Promise<number> {
  const run = promisify(execFile)(process.execPath, [examplePath('haproxy/fetch-keys.mjs'), issuer, into])
  return await run.then(
    () => 0,
    (error) => error.code,
  )
}

async function startHaproxy(verifier?: Program, env: Environment = {}): Promise<Program> {
  const port = await freePort()
  return await startProgram([haproxy!, '-db', '-f', examplePath('haproxy/haproxy.cfg')], port, {
    ISSUER: environment.issuer,
    AUDIENCE: environment.api.identifier,
    KEYS: home,
    LUA: examplePath('haproxy'),
    LISTEN: `127.0.0.1:${port}`,
    API: environment.upstream,
    ...(verifier && { VERIFIER: verifier.url }),
    ...env,
  })
}

beforeAll(async () => {
  if (!haproxy) return
  home = await openDirectory()
  environment = await startExampleEnvironment()
  await fetchKeys()
})
afterAll(async () => {
  await environment?.stop()
  if (home) await removeDirectory(home)
})

describe.skipIf(!haproxy).each(['without a verifier', 'with keywright-verify'])('HAProxy %s', (mode) => {
  let verifier: Program | undefined
  let gateway: Program

  beforeAll(async () => {
    if (mode === 'with keywright-verify') verifier = await startVerifier(environment)
    gateway = await startHaproxy(verifier)
  })
  afterAll(async () => {
    await gateway?.stop()
    await verifier?.stop()
  })

  test('forwards a request with a valid token and the identity of the caller, which forged headers do not change', async () => {
    const forged = { 'x-client-id': 'somebody', 'x-account-id': 'foreign', 'x-subject': 'else', 'x-scope': 'admin' }
    const { status, body } = await ask(gateway, await environment.token('write read'), forged)
    expect(status).toBe(200)
    expect(body).toMatchObject({ method: 'GET', url: '/weather?city=Bern' })
    expect(body.headers).toMatchObject({ ...identityOf(environment), 'x-scope': 'write read' })
    expect(body.headers).not.toHaveProperty('authorization')
  })

  test('forwards no account with a token that has none, whatever the caller sent', async () => {
    expect(await askWithoutAccount(gateway, environment)).toMatchObject({ status: 200, account: '' })
  })

  test('responds with 401 and a challenge without a token, and to one that is invalid or for another API', async () => {
    expect(await ask(gateway)).toMatchObject({ status: 401, challenge: 'Bearer' })
    const [head, body] = (await environment.token()).split('.')
    const unsigned = Buffer.from('{"alg":"none","typ":"at+jwt"}').toString('base64url')
    const other = await environment.token('read', 'other')
    for (const token of ['nonsense', `${head}.${body}.${'A'.repeat(86)}`, `${unsigned}.${body}.`, other]) {
      expect(await ask(gateway, token)).toMatchObject({ status: 401, challenge: 'Bearer error="invalid_token"' })
    }
  })

  test('keeps the identity of the caller in spite of headers with underscores, Connection and Upgrade', async () => {
    expect(await sendForgedRequests(gateway, await environment.token())).toEqual(withoutForgery(environment))
  })

  test('rejects a request with two tokens, even if the first is valid', async () => {
    for (const status of await askWithTwoTokens(gateway, environment)) expect([400, 401]).toContain(status)
  })

  test('responds with 403 to a token without the scope', async () => {
    const expected = { status: 403, challenge: 'Bearer error="insufficient_scope", scope="read"' }
    expect(await ask(gateway, await environment.token('write'))).toMatchObject(expected)
  })

  test('accepts a token that is bound to an x-api-key only if the verifier checks that key', async () => {
    const client = await environment.server.make.client({ apiKeyRequired: true }, [environment.api.identifier])
    const key = { 'x-api-key': client.apiKey }
    const { body } = await environment.server.machineToken(client, { scope: 'read' }, { headers: key })
    expect((await ask(gateway, body.access_token)).status).toBe(401)
    expect((await ask(gateway, body.access_token, key)).status).toBe(verifier ? 200 : 401)
  })

  test('accepts a token that is bound to a key only if the verifier checks its proof', async () => {
    const { matching, forOtherUrl, bearer } = await askWithBoundToken(gateway, environment)
    const statuses = [matching, forOtherUrl, bearer].map(({ status }) => status)
    expect(statuses).toEqual([verifier ? 200 : 401, 401, 401])
  })

  test('rejects a revoked token soon with the verifier, and accepts it until it expires without', async () => {
    const [token, kept] = [await environment.token(), await environment.token()]
    expect((await ask(gateway, token)).status).toBe(200)
    await environment.revoke(token)
    if (!verifier) {
      expect((await ask(gateway, token)).status).toBe(200)
      return
    }
    const { status, challenge } = await untilRejected(gateway, token)
    expect(status).toBe(401)
    expect(challenge).toContain('was revoked')
    expect((await ask(gateway, kept)).status).toBe(200)
  })
})

test.skipIf(!haproxy)('every request is rejected with 503 while the verifier is down', async () => {
  const verifier = await startVerifier(environment)
  const gateway = await startHaproxy(verifier)
  const token = await environment.token()
  expect((await ask(gateway, token)).status).toBe(200)
  await verifier.stop()
  const { status, headers } = await ask(gateway, token)
  expect({ status, retry: headers.get('retry-after') }).toEqual({ status: 503, retry: '5' })
  await gateway.stop()
})

test.skipIf(!haproxy)('a request is rejected with 503 if the verifier does not respond in time', async () => {
  const silent = createServer((socket) => void socket.on('error', () => {})).listen(0, '127.0.0.1')
  await once(silent, 'listening')
  const gateway = await startHaproxy(undefined, {
    VERIFIER: `http://127.0.0.1:${(silent.address() as AddressInfo).port}`,
  })
  expect((await ask(gateway, await environment.token())).status).toBe(503)
  await gateway.stop()
  silent.close()
})

test.skipIf(!haproxy)('HAProxy without a verifier warns at its start that revoked tokens are accepted', async () => {
  const gateway = await startHaproxy()
  await until(() => gateway.written().includes('revoked tokens are accepted until they expire'))
  await gateway.stop()
})

test.skipIf(!haproxy)('a JWT that is not a current access token is rejected with 401', async () => {
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

test.skipIf(!haproxy)('fetch-keys.mjs keeps the newest keys if there are more than HAProxy has names for', async () => {
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
})

test.skipIf(!haproxy)('fetch-keys.mjs exits with 0 after a rotation and with 3 if nothing changed', async () => {
  expect(await fetchKeys()).toBe(3)
  const before = await readFile(join(home, '1.pem'), 'utf8')
  expect(before).toMatch(/^-----BEGIN PUBLIC KEY-----/)
  await runCli(['signing-key', 'rotate'], environment.server.env)
  // The node publishes the new key when it reads the key ring again.
  await until(async () => (await fetchKeys()) === 0)
  const token = await environment.token()
  const gateway = await startHaproxy()
  expect((await ask(gateway, token)).status).toBe(200)
  await gateway.stop()
})
