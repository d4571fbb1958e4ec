/** examples/apache: mod_oauth2, which verifies tokens with the key set or by introspection. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AUDIENCE, startFakeIssuer } from '../resource-server/fake-issuer.ts'
import { findProgram } from '../support/debian.ts'
import { until } from '../support/load.ts'
import { freePort, openDirectory, type Program, removeDirectory, startProgram } from '../support/program.ts'
import {
  ask,
  askWithoutAccount,
  askWithTwoTokens,
  type ExampleEnvironment,
  examplePath,
  identityOf,
  sendForgedRequests,
  startExampleEnvironment,
  untilRejected,
  withoutForgery,
} from './example-environment.ts'

const apache = await findProgram('/usr/sbin/apache2', 'apache2', 'libapache2-mod-oauth2')

/** The required modules: some are enabled on Debian by default, and the README of the example enables the others. */
const MODULES = 'mpm_event authn_core authz_core env alias headers rewrite proxy proxy_http oauth2'.split(' ')

/** The apache2.conf of a distribution, with files in a directory of the test. */
const mainConfig = (home: string, port: number) => `
ServerRoot ${home}
Listen 127.0.0.1:${port}
PidFile ${home}/${port}.pid
DefaultRuntimeDir ${home}
ErrorLog ${home}/log
${MODULES.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`).join('\n')}
${process.getuid?.() === 0 ? 'User www-data\nGroup www-data' : ''}
ServerName localhost
Include ${examplePath('apache/keywright.conf')}
`

type Mode = 'with the key set' | 'with introspection'

let environment: ExampleEnvironment
let home: string

async function startApache(mode: Mode, env: { ISSUER?: string; AUDIENCE?: string } = {}): Promise<Program> {
  const port = await freePort()
  const config = join(home, `${port}.conf`)
  await writeFile(config, mainConfig(home, port))
  const define = mode === 'with the key set' ? ['-D', 'KEY_SET'] : []
  return await startProgram([apache!, '-f', config, '-D', 'FOREGROUND', ...define], port, {
    ISSUER: environment.issuer,
    AUDIENCE: environment.api.identifier,
    API: environment.upstream,
    API_ID: environment.api.clientId,
    API_SECRET: environment.api.clientSecret,
    ...env,
  })
}

beforeAll(async () => {
  if (!apache) return
  home = await openDirectory()
  environment = await startExampleEnvironment()
})
afterAll(async () => {
  await environment?.stop()
  if (home) await removeDirectory(home)
})

describe.skipIf(!apache).each<Mode>(['with the key set', 'with introspection'])('Apache with mod_oauth2 %s', (mode) => {
  let gateway: Program

  beforeAll(async () => {
    gateway = await startApache(mode)
  })
  afterAll(() => gateway?.stop())

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
    const [head, body] = (await environment.token()).split('.')
    const unsigned = `${Buffer.from('{"alg":"none","typ":"at+jwt"}').toString('base64url')}.${body}.`
    const forged = `${head}.${body}.${'A'.repeat(86)}`
    for (const token of [undefined, 'nonsense', forged, unsigned, await environment.token('read', 'other')]) {
      expect(await ask(gateway, token)).toMatchObject({
        status: 401,
        challenge: expect.stringMatching(/^Bearer error=/),
      })
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
    expect((await ask(gateway, await environment.token('read'))).status).toBe(200)
  })

  test('rejects tokens that are bound to an x-api-key', async () => {
    const client = await environment.server.make.client({ apiKeyRequired: true }, [environment.api.identifier])
    const headers = { 'x-api-key': client.apiKey }
    const { body } = await environment.server.machineToken(client, { scope: 'read' }, { headers })
    expect((await ask(gateway, body.access_token, headers)).status).toBe(401)
  })

  test('rejects a revoked token soon with introspection, and accepts it until it expires with the key set', async () => {
    const [token, kept] = [await environment.token(), await environment.token()]
    expect((await ask(gateway, token)).status).toBe(200)
    await environment.revoke(token)
    if (mode === 'with the key set') {
      expect((await ask(gateway, token)).status).toBe(200)
      return
    }
    const { status } = await untilRejected(gateway, token)
    expect(status).toBe(401)
    expect((await ask(gateway, kept)).status).toBe(200)
  })
})

test.skipIf(!apache)('a token that Apache has verified is rejected after its exp', async () => {
  const issuer = await startFakeIssuer()
  const gateway = await startApache('with the key set', { ISSUER: issuer.url, AUDIENCE })
  let token = ''
  // On a slow machine a token can expire before the first answer.
  await until(async () => {
    token = await issuer.token({ exp: Math.floor(Date.now() / 1000) + 3 })
    return (await ask(gateway, token)).status === 200
  })
  const { status } = await untilRejected(gateway, token)
  expect(status).toBe(401)
  await gateway.stop()
  await issuer.close()
})

test.skipIf(!apache)('every request is rejected while the introspection endpoint is down', async () => {
  const gateway = await startApache('with introspection', { ISSUER: `http://127.0.0.1:${await freePort()}` })
  expect((await ask(gateway, await environment.token())).status).toBe(401)
  await gateway.stop()
})
