/** examples/spring: Spring Boot's resource server, built with Maven, by configuration alone and with a decoder for at+jwt. */
import { execFile } from 'node:child_process'
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { signJwt } from '../../src/keys/jwt.ts'
import { openKeyRings } from '../../src/keys/key-ring.ts'
import { updateApi } from '../../src/management/api-changes.ts'
import { createApplication, getTokens } from '../oidc/application-fixtures.ts'
import { cleanEnvironment } from '../support/cli.ts'
import { findMaven } from '../support/debian.ts'
import { freePort, openDirectory, type Program, removeDirectory, startProgram } from '../support/program.ts'
import { claimsOf } from '../support/requests.ts'
import { createTestUser } from '../support/test-users.ts'
import { ask, examplePath, type Stage, startStage } from './example-environment.ts'

const maven = await findMaven()

/** Milliseconds: Maven fetches what the project needs at its first build. */
const BUILD = 900_000

async function build(directory: string): Promise<string> {
  const project = join(directory, 'spring')
  await cp(examplePath('spring'), project, { recursive: true })
  const env = cleanEnvironment({}) as NodeJS.ProcessEnv
  await promisify(execFile)(maven!, ['-q', '-B', '-ntp', 'package'], { cwd: project, env, timeout: BUILD })
  return join(project, 'target/weather.jar')
}

describe.skipIf(!maven)('Spring Boot', () => {
  let stage: Stage
  let directory: string
  let jar: string

  beforeAll(async () => {
    stage = await startStage()
    directory = await openDirectory()
    jar = await build(directory)
  }, BUILD)
  afterAll(async () => {
    await stage?.stop()
    if (directory) await removeDirectory(directory)
  })

  async function startApi(profile: string): Promise<Program> {
    const port = await freePort()
    const env = {
      ISSUER: stage.issuer,
      AUDIENCE: stage.api.identifier,
      PORT: String(port),
      SPRING_PROFILES_ACTIVE: profile,
    }
    return await startProgram(['/usr/bin/java', '-Xmx256m', '-jar', jar], port, env, BUILD / 3)
  }

  const setTokenType = async (tokenType: 'at+jwt' | 'JWT') =>
    await updateApi(stage.server.knex, stage.api.identifier, { tokenType }, { type: 'system' })

  describe.each([
    ['by configuration alone', '', 'JWT', 'at+jwt'],
    ['with a decoder for at+jwt', 'at-jwt', 'at+jwt', 'JWT'],
  ] as const)('%s', (_title, profile, accepted, refused) => {
    let api: Program
    beforeAll(async () => {
      api = await startApi(profile)
      await setTokenType(accepted)
    }, BUILD)
    afterAll(() => api?.stop())

    test(`accepts a token of the type ${accepted}`, async () => {
      const { status, body } = await ask(api, await stage.token())
      const { clientId } = stage.client
      expect([status, body]).toEqual([200, { client: clientId, subject: clientId }])
    })

    test(`refuses a token of the type ${refused}`, async () => {
      await setTokenType(refused)
      const token = await stage.token()
      await setTokenType(accepted)
      expect((await ask(api, token)).status).toBe(401)
    })

    test('refuses no token, a forged one, one of another API, and an ID token', async () => {
      const [head, body] = (await stage.token()).split('.')
      const application = await createApplication(stage.server)
      const person = await createTestUser(stage.server.knex, stage.server.firstStart.accountId)
      const { id_token } = await getTokens(stage.server, application, person)
      const wrong = [undefined, 'x', `${head}.${body}.${'A'.repeat(86)}`, await stage.token('read', 'other'), id_token]
      for (const token of wrong) {
        const { status, challenge } = await ask(api, token)
        expect([status, challenge]).toEqual([401, expect.stringMatching(/^Bearer/)])
      }
    })

    test('refuses an expired token', async () => {
      const { database, encryptionKeys } = stage.server.instance
      const key = (await openKeyRings(database, encryptionKeys)).ring.current('ES256')
      const claims = { ...claimsOf(await stage.token()), exp: Math.floor(Date.now() / 1000) - 120 }
      expect((await ask(api, await signJwt(key, accepted, claims))).status).toBe(401)
    })

    test('answers 403 to a token without the scope', async () => {
      expect((await ask(api, await stage.token('write'))).status).toBe(403)
    })
  })
})
