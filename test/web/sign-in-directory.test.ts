import { afterAll, beforeAll, expect, it } from 'vitest'
import { createAccount, setAccountStatus } from '../../src/accounts/accounts.ts'
import { saveUserStatus } from '../../src/accounts/user-access.ts'
import { createUser } from '../../src/accounts/users.ts'
import { DEFAULT_SETTINGS } from '../../src/clients/client-settings.ts'
import { grantConsent } from '../../src/consents/consents.ts'
import { type Database, openDatabase } from '../../src/database/open-database.ts'
import { createApi } from '../../src/management/api-changes.ts'
import { createClient } from '../../src/management/client-registration.ts'
import { changeClientStatus } from '../../src/management/client-status.ts'
import { createDirectory, type Directory } from '../../src/web/sign-in-directory.ts'
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts'

const ACTOR = { type: 'system', id: 'tests' } as const

const API = ['https://api.example.com/']

let created: TestDatabase
let database: Database
let directory: Directory

beforeAll(async () => {
  created = await createTestDatabase()
  database = openDatabase(created.url)
  directory = createDirectory(database)
  const scopes = ['calendar.read', 'calendar.write']
  const api = { identifier: API[0]!, scopes, tokenTtl: 3600, policy: 'single', signingAlg: 'ES256' } as const
  await createApi(database.knex, { ...api, isDefault: false }, ACTOR)
})
afterAll(async () => {
  await database.close()
  await created.drop()
})

async function createTestUser() {
  const account = await createAccount(database.knex, { name: 'Analytical Engines' })
  const email = `ada-${account.id}@example.com`
  const { user } = await createUser(database.knex, { email, role: 'admin', accountId: account.id })
  return { account, user }
}

async function createApplication(accountId: string, redirectUris = ['https://sync.example.com/callback']) {
  const settings = { ...DEFAULT_SETTINGS, name: 'Calendar Sync', grants: ['authorization_code'], redirectUris }
  return (await createClient(database.knex, { accountId, settings, apis: API, scopes: null }, ACTOR)).client
}

it('knows people who may execute, with their account', async () => {
  const { account, user } = await createTestUser()
  expect(await directory.user(user.id)).toMatchObject({ email: user.email, accountName: 'Analytical Engines' })
  await setAccountStatus(database.knex, account.id, 'disabled')
  expect(await directory.user(user.id)).toBeUndefined()
})

it('knows nobody who is switched off or was never there', async () => {
  const { user } = await createTestUser()
  await database.knex.transaction((trx) => saveUserStatus(trx, user.id, 'disabled'))
  expect(await directory.user(user.id)).toBeUndefined()
  expect(await directory.user('nobody')).toBeUndefined()
})

it('knows applications, with the account that answers for them', async () => {
  const { account } = await createTestUser()
  const { clientId } = await createApplication(account.id)
  expect(await directory.application(clientId)).toEqual({
    clientId,
    name: 'Calendar Sync',
    accountName: 'Analytical Engines',
    pages: { clientUri: null, policyUri: null, tosUri: null },
    logo: null,
    accent: null,
    isSelfRegistered: false,
    documentHost: null,
    isOnLoopback: false,
    isTrusted: false,
  })
  expect(await directory.application('kwc_nothing')).toBeUndefined()
})

it('tells the scopes of the active application that comes back to the demo, and of no other', async () => {
  const { account } = await createTestUser()
  const demo = await createApplication(account.id, ['http://127.0.0.1/demo/callback', 'http://localhost/elsewhere'])
  expect(await directory.demoScopesOf(demo.clientId)).toEqual(['calendar.read', 'calendar.write'])
  const others = [
    ['https://sync.example.com/callback'],
    ['https://sync.example.com/demo/callback/'],
    ['https://sync.example.com/?/demo/callback'],
  ]
  for (const redirectUris of others) {
    const { clientId } = await createApplication(account.id, redirectUris)
    expect([redirectUris, await directory.demoScopesOf(clientId)]).toEqual([redirectUris, undefined])
  }
  await changeClientStatus(database.knex, demo.clientId, 'archived', ACTOR)
  expect(await directory.demoScopesOf(demo.clientId)).toBeUndefined()
  expect(await directory.demoScopesOf('kwc_nothing')).toBeUndefined()
})

it('withdraws what a person has allowed, once or twice', async () => {
  const { account, user } = await createTestUser()
  const client = await createApplication(account.id)
  const permissions = { identityScopes: ['openid'], claims: ['zoneinfo'], apis: {} }
  await grantConsent(
    database.knex,
    { userId: user.id, accountId: account.id, clientKey: client.key },
    permissions,
    ACTOR,
  )
  expect(await directory.connections(user.id)).toMatchObject([
    { clientId: client.clientId, name: 'Calendar Sync', identityScopes: ['openid'], claims: ['zoneinfo'], apis: [] },
  ])
  for (const _ of ['once', 'twice']) {
    await directory.withdraw({ userId: user.id, clientId: client.clientId }, ACTOR)
    expect(await directory.connections(user.id)).toEqual([])
  }
})

it('keeps the language that a person selected, with its event, once', async () => {
  const { user } = await createTestUser()
  for (const _ of ['once', 'twice']) {
    await directory.keepLanguage({ userId: user.id, language: 'ja' }, ACTOR)
    expect(await directory.user(user.id)).toMatchObject({ language: 'ja', revision: user.revision + 1 })
  }
  const events = await database.knex('audit_log').where({ action: 'user.updated', target_id: user.id })
  expect(events).toHaveLength(1)
})

it('has a look before anybody chose one', async () => {
  expect(await directory.instanceBrand()).toMatchObject({ name: 'Keywright', logo: null })
  expect(await directory.scopeTexts({}, 'en')).toEqual([])
})
