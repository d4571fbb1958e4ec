/** Redirect URIs with a scheme without a dot, which an operator allows for the instance. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  getInstanceSettings,
  type InstanceChanges,
  updateInstanceSettings,
} from '../../src/clients/instance-settings.ts'
import { updateClient } from '../../src/management/client-registration.ts'
import { createApplication, getTokens } from '../oidc/application-fixtures.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { openBrowser } from '../support/scriptless-browser.ts'
import { createTestUser } from '../support/test-users.ts'

const ACTOR = { type: 'system' } as const
const CURSOR = 'cursor://anysphere.cursor-retrieval/oauth/callback'

let server: Keywright
beforeAll(async () => {
  server = await startKeywright()
})
afterAll(() => server.stop())

const change = (changes: InstanceChanges) =>
  server.knex.transaction((trx) => updateInstanceSettings(trx, changes, ACTOR))
const register = (uri: string, more: object = {}) =>
  createApplication(server, { redirectUris: [uri], isPublic: true, ...more })

describe('a scheme without a dot', () => {
  test('is rejected until an operator allows it, and the application keeps it when it is removed again', async () => {
    await expect(register(CURSOR)).rejects.toMatchObject({ code: 'invalid_input' })
    await change({ redirectSchemes: ['cursor', 'vscode'] })
    expect((await getInstanceSettings(server.knex)).redirectSchemes).toEqual(['cursor', 'vscode'])
    const app = await register(CURSOR, { postLogoutRedirectUris: ['vscode://vscode.example/bye'] })
    await expect(register('zed://callback')).rejects.toMatchObject({ code: 'invalid_input' })
    const person = await createTestUser(server.knex, server.firstStart.accountId)
    const browser = openBrowser(server.url)
    expect(await getTokens(server, app, person, { browser })).toMatchObject({ id_token: expect.any(String) })
    await change({ redirectSchemes: [] })
    await expect(register(CURSOR)).rejects.toMatchObject({ code: 'invalid_input' })
    const renamed = await updateClient(server.knex, app.clientId, { settings: { name: 'Renamed' } }, ACTOR)
    expect(renamed.client.name).toBe('Renamed')
    expect(await getTokens(server, app, person, { browser })).toMatchObject({ id_token: expect.any(String) })
  })

  test.each([
    'javascript',
    'data',
    'https',
    'file',
    'Cursor',
    'com.example',
    'cursor:',
    'a b',
    '',
    '1x',
    'x'.repeat(60),
  ])('%j cannot be allowed', async (scheme) => {
    await expect(change({ redirectSchemes: [scheme] })).rejects.toMatchObject({
      code: 'invalid_input',
      fieldErrors: [{ field: 'redirectSchemes' }],
    })
  })
})
