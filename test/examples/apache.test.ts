/** examples/apache: mod_oauth2, which verifies tokens by the key set, or has the server say whether they are good. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AUDIENCE, startFakeIssuer } from '../resource-server/fake-issuer.ts'
import { findProgram } from '../support/debian.ts'
import { freePort, openDirectory, type Program, removeDirectory, startProgram } from '../support/program.ts'
import {
  ask,
  askTwice,
  examplePath,
  noTrickWorks,
  refused,
  type Stage,
  startStage,
  tryTricks,
} from './example-environment.ts'

const apache = await findProgram('/usr/sbin/apache2', 'apache2', 'libapache2-mod-oauth2')

/** What Debian enables of itself as far as it is needed, and what the example says to enable. */
const MODULES = 'mpm_event authn_core authz_core env alias headers rewrite proxy proxy_http oauth2'.split(' ')

/** What a distribution's apache2.conf says, with its files where a test may write. */
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

type How = 'by the key set' | 'by introspection'

let stage: Stage
let home: string

async function startApache(how: How, env: { ISSUER?: string; AUDIENCE?: string } = {}): Promise<Program> {
  const port = await freePort()
  const config = join(home, `${port}.conf`)
  await writeFile(config, mainConfig(home, port))
  const mode = how === 'by the key set' ? ['-D', 'KEY_SET'] : []
  return await startProgram([apache!, '-f', config, '-D', 'FOREGROUND', ...mode], port, {
    ISSUER: stage.issuer,
    AUDIENCE: stage.api.identifier,
    API: stage.upstream,
    API_ID: stage.api.clientId,
    API_SECRET: stage.api.clientSecret,
    ...env,
  })
}

beforeAll(async () => {
  if (!apache) return
  home = await openDirectory()
  stage = await startStage()
})
afterAll(async () => {
  await stage?.stop()
  if (home) await removeDirectory(home)
})

describe.skipIf(!apache).each<How>(['by the key set', 'by introspection'])('Apache with mod_oauth2, %s', (how) => {
  let gateway: Program

  beforeAll(async () => {
    gateway = await startApache(how)
  })
  afterAll(() => gateway?.stop())

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
    const [head, body] = (await stage.token()).split('.')
    const unsigned = `${Buffer.from('{"alg":"none","typ":"at+jwt"}').toString('base64url')}.${body}.`
    const forged = `${head}.${body}.${'A'.repeat(86)}`
    for (const token of [undefined, 'nonsense', forged, unsigned, await stage.token('read', 'other')]) {
      expect(await ask(gateway, token)).toMatchObject({
        status: 401,
        challenge: expect.stringMatching(/^Bearer error=/),
      })
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
    expect((await ask(gateway, await stage.token('read'))).status).toBe(200)
  })

  test('refuses tokens that are bound to what it does not check', async () => {
    const client = await stage.server.make.client({ apiKeyRequired: true }, [stage.api.identifier])
    const headers = { 'x-api-key': client.apiKey }
    const { body } = await stage.server.machineToken(client, { scope: 'read' }, { headers })
    expect((await ask(gateway, body.access_token, headers)).status).toBe(401)
  })

  test('ends a revoked token soon by introspection, and else only when it expires', async () => {
    const [token, kept] = [await stage.token(), await stage.token()]
    expect((await ask(gateway, token)).status).toBe(200)
    await stage.revoke(token)
    if (how === 'by the key set') {
      expect((await ask(gateway, token)).status).toBe(200)
      return
    }
    const { status } = await refused(gateway, token)
    expect(status).toBe(401)
    expect((await ask(gateway, kept)).status).toBe(200)
  })
})

test.skipIf(!apache)('a token that Apache verified before is refused when it has expired', async () => {
  const issuer = await startFakeIssuer()
  const gateway = await startApache('by the key set', { ISSUER: issuer.url, AUDIENCE })
  const token = await issuer.token({ exp: Math.floor(Date.now() / 1000) + 3 })
  expect((await ask(gateway, token)).status).toBe(200)
  const { status } = await refused(gateway, token)
  expect(status).toBe(401)
  await gateway.stop()
  await issuer.close()
})

test.skipIf(!apache)('nothing passes while the server that Apache is to ask is away', async () => {
  const gateway = await startApache('by introspection', { ISSUER: `http://127.0.0.1:${await freePort()}` })
  expect((await ask(gateway, await stage.token())).status).toBe(401)
  await gateway.stop()
})
