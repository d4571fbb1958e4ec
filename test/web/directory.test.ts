import { afterAll, beforeAll, expect, it } from 'vitest'
import { createAccount, setAccountStatus } from '../../src/accounts/accounts.ts'
import { createUser, setUserStatus } from '../../src/accounts/users.ts'
import { DEFAULT_SETTINGS } from '../../src/clients/client-settings.ts'
import { type Database, openDatabase } from '../../src/database/open.ts'
import { createClient } from '../../src/tokens/client-changes.ts'
import { allow } from '../../src/tokens/consents.ts'
import { createDirectory, type Directory } from '../../src/web/directory.ts'
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts'

const ACTOR = { type: 'system', id: 'tests' } as const

let created: TestDatabase
let database: Database
let directory: Directory

beforeAll(async () => {
  created = await createTestDatabase()
  database = openDatabase(created.url)
  directory = createDirectory(database.knex)
})
afterAll(async () => {
  await database.close()
  await created.drop()
})

async function createPerson() {
  const account = await createAccount(database.knex, 'Analytical Engines')
  const email = `ada-${account.id}@example.com`
  const { user } = await createUser(database.knex, { email, role: 'admin', accountId: account.id })
  return { account, user }
}

async function createApplication(accountId: string) {
  const redirectUris = ['https://sync.example.com/callback']
  const settings = { ...DEFAULT_SETTINGS, name: 'Calendar Sync', grants: ['authorization_code'], redirectUris }
  return (await createClient(database.knex, { accountId, settings, apis: [], scopes: null }, ACTOR)).client
}

it('knows people who may act, with their account', async () => {
  const { account, user } = await createPerson()
  expect(await directory.person(user.id)).toMatchObject({ email: user.email, accountName: 'Analytical Engines' })
  await setAccountStatus(database.knex, account.id, 'disabled')
  expect(await directory.person(user.id)).toBeUndefined()
})

it('knows nobody who is switched off or was never there', async () => {
  const { user } = await createPerson()
  await database.knex.transaction((trx) => setUserStatus(trx, user.id, 'disabled'))
  expect(await directory.person(user.id)).toBeUndefined()
  expect(await directory.person('nobody')).toBeUndefined()
})

it('knows applications, with the account that answers for them', async () => {
  const { account } = await createPerson()
  const { clientId } = await createApplication(account.id)
  expect(await directory.application(clientId)).toEqual({
    clientId,
    name: 'Calendar Sync',
    accountName: 'Analytical Engines',
  })
  expect(await directory.application('kwc_\0nothing')).toBeUndefined()
  expect(await directory.apiScopesOf(clientId)).toEqual([])
})

it('withdraws what a person has allowed, once or twice', async () => {
  const { account, user } = await createPerson()
  const client = await createApplication(account.id)
  const permissions = { identityScopes: ['openid'], claims: [], apis: {} }
  await allow(database.knex, { userId: user.id, clientKey: client.key }, permissions, ACTOR)
  expect(await directory.connections(user.id)).toMatchObject([{ clientId: client.clientId, name: 'Calendar Sync' }])
  for (const _ of ['once', 'twice']) {
    await directory.withdraw({ userId: user.id, clientId: client.clientId }, ACTOR)
    expect(await directory.connections(user.id)).toEqual([])
  }
})

it('has a look before anybody chose one', async () => {
  expect(await directory.look()).toMatchObject({ name: 'Keywright', logo: null })
  expect(await directory.scopeTexts({})).toEqual([])
})
