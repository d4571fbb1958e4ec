/** examples/spring: Spring Boot's resource server, with configuration alone and with a decoder for at+jwt. */
import { execFile } from 'node:child_process'
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { signJwt } from '../../src/keys/jwt.ts'
import { openKeyRings } from '../../src/keys/key-ring.ts'
import { updateApi } from '../../src/management/api-changes.ts'
import { createApplication, getTokens } from '../oidc/application-fixtures.ts'
import { findMaven } from '../support/debian.ts'
import { cleanEnvironment } from '../support/environment.ts'
import { freePort, openDirectory, type Program, removeDirectory, startProgram } from '../support/program.ts'
import { claimsOf } from '../support/requests.ts'
import { createTestUser } from '../support/test-users.ts'
import { ask, type ExampleEnvironment, examplePath, startExampleEnvironment } from './example-environment.ts'

const maven = await findMaven()

/** Milliseconds: the first build downloads the dependencies. */
const BUILD = 900_000

async function build(directory: string): Promise<string> {
  const project = join(directory, 'spring')
  await cp(examplePath('spring'), project, { recursive: true })
  const env = cleanEnvironment({}) as NodeJS.ProcessEnv
  await promisify(execFile)(maven!, ['-q', '-B', '-ntp', 'package'], { cwd: project, env, timeout: BUILD })
  return join(project, 'target/weather.jar')
}

describe.skipIf(!maven)('Spring Boot', () => {
  let environment: ExampleEnvironment
  let directory: string
  let jar: string

  beforeAll(async () => {
    environment = await startExampleEnvironment()
    directory = await openDirectory()
    jar = await build(directory)
  }, BUILD)
  afterAll(async () => {
    await environment?.stop()
    if (directory) await removeDirectory(directory)
  })

  async function startApi(profile: string): Promise<Program> {
    const port = await freePort()
    const env = {
      ISSUER: environment.issuer,
      AUDIENCE: environment.api.identifier,
      PORT: String(port),
      SPRING_PROFILES_ACTIVE: profile,
    }
    return await startProgram(['/usr/bin/java', '-Xmx256m', '-jar', jar], port, env, BUILD / 3)
  }

  const setTokenType = async (tokenType: 'at+jwt' | 'JWT') =>
    await updateApi(environment.server.knex, environment.api.identifier, { tokenType }, { type: 'system' })

  describe.each([
    ['with configuration alone', '', 'JWT', 'at+jwt'],
    ['with a decoder for at+jwt', 'at-jwt', 'at+jwt', 'JWT'],
  ] as const)('%s', (_title, profile, accepted, rejected) => {
    let api: Program
    beforeAll(async () => {
      api = await startApi(profile)
      await setTokenType(accepted)
    }, BUILD)
    afterAll(() => api?.stop())

    test(`accepts a token of the type ${accepted}`, async () => {
      const { status, body } = await ask(api, await environment.token())
      const { clientId } = environment.client
      expect([status, body]).toEqual([200, { client: clientId, subject: clientId }])
    })

    test(`rejects a token of the type ${rejected}`, async () => {
      await setTokenType(rejected)
      const token = await environment.token()
      await setTokenType(accepted)
      expect((await ask(api, token)).status).toBe(401)
    })

    test('rejects a request without a token, and one with a forged token, one for another API, or an ID token', async () => {
      const [head, body] = (await environment.token()).split('.')
      const application = await createApplication(environment.server)
      const user = await createTestUser(environment.server.knex, environment.server.firstStart.accountId)
      const { id_token } = await getTokens(environment.server, application, user)
      const wrong = [
        undefined,
        'x',
        `${head}.${body}.${'A'.repeat(86)}`,
        await environment.token('read', 'other'),
        id_token,
      ]
      for (const token of wrong) {
        const { status, challenge } = await ask(api, token)
        expect([status, challenge]).toEqual([401, expect.stringMatching(/^Bearer/)])
      }
    })

    test('rejects an expired token', async () => {
      const { database, encryptionKeys } = environment.server.instance
      const key = (await openKeyRings(database, encryptionKeys)).ring.current('ES256')
      const claims = { ...claimsOf(await environment.token()), exp: Math.floor(Date.now() / 1000) - 120 }
      expect((await ask(api, await signJwt(key, accepted, claims))).status).toBe(401)
    })

    test('responds with 403 to a token without the scope', async () => {
      expect((await ask(api, await environment.token('write'))).status).toBe(403)
    })
  })
})
