/** Who may set which policy for token exchange. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { ClientSettings } from '../../src/clients/client-settings.ts'
import { TOKEN_EXCHANGE_GRANT } from '../../src/clients/grant-types.ts'
import { updateApplication } from '../../src/management/application-operations.ts'
import { createApplication } from '../../src/management/new-applications.ts'
import { adminOf, openManagement, operator } from './principals.ts'

let on: Awaited<ReturnType<typeof openManagement>>
let account: string
let own: { clientId: string }
let foreign: { clientId: string }

const GRANTS = { grants: ['client_credentials', TOKEN_EXCHANGE_GRANT] }

beforeAll(async () => {
  on = await openManagement()
  account = await on.make.account()
  own = await on.make.client([], {}, account)
  foreign = await on.make.client([], {}, await on.make.account())
})
afterAll(() => on.close())

const agent = () => on.make.client([], GRANTS, account)

const change = async (who: typeof operator, settings: Partial<ClientSettings>, clientId?: string) =>
  (await updateApplication(on.management, who, { clientId: clientId ?? (await agent()).clientId, settings })).client

it('an admin names applications of their account only, and an unknown one has the same error as one of another account', async () => {
  const admin = adminOf(account)
  expect((await change(admin, { exchangeFrom: [own.clientId] })).exchangeFrom).toEqual([own.clientId])
  const unknown = `kwa_${'0'.repeat(20)}`
  for (const id of [foreign.clientId, unknown]) {
    const message = `there is no application ${id} in this account`
    const error = { code: 'invalid_input', message, fieldErrors: [{ field: 'exchangeFrom', message }] }
    await expect(change(admin, { exchangeFrom: [own.clientId, id] })).rejects.toMatchObject(error)
    const settings = { name: 'Agent', ...GRANTS, exchangeFrom: [id] }
    await expect(createApplication(on.management, admin, { settings })).rejects.toMatchObject(error)
  }
})

it('an operator names any application, and an admin may keep it and not add it', async () => {
  const { clientId } = await change(operator, { exchangeFrom: [foreign.clientId] })
  const both = [foreign.clientId, own.clientId]
  expect((await change(adminOf(account), { exchangeFrom: both }, clientId)).exchangeFrom).toEqual(both)
  await change(adminOf(account), { exchangeFrom: [own.clientId] }, clientId)
  await expect(change(adminOf(account), { exchangeFrom: both }, clientId)).rejects.toMatchObject({
    code: 'invalid_input',
  })
})

it('only operators allow tokens for other APIs', async () => {
  const exchangeApis = ['https://other.example.com']
  await expect(change(adminOf(account), { exchangeApis })).rejects.toMatchObject({ code: 'forbidden' })
  expect((await change(operator, { exchangeApis })).exchangeApis).toEqual(exchangeApis)
})

it('only operators allow tokens for users whom the application names', async () => {
  for (const exchangeAccounts of [[account], ['any']]) {
    await expect(change(adminOf(account), { exchangeAccounts })).rejects.toMatchObject({ code: 'forbidden' })
    expect((await change(operator, { exchangeAccounts })).exchangeAccounts).toEqual(exchangeAccounts)
    const exchangeWithoutUser = exchangeAccounts
    await expect(change(adminOf(account), { exchangeWithoutUser })).rejects.toMatchObject({ code: 'forbidden' })
    expect((await change(operator, { exchangeWithoutUser })).exchangeWithoutUser).toEqual(exchangeWithoutUser)
  }
})

it.each<[string, Partial<ClientSettings>]>([
  ['no client ID', { exchangeFrom: [] }],
  ['a text that is no client ID', { exchangeFrom: ['everyone'] }],
  ['a client ID twice', { exchangeFrom: ['kwa_2Ew9fTbnCN0ZPqTtGKsu', 'kwa_2Ew9fTbnCN0ZPqTtGKsu'] }],
  ['51 client IDs', { exchangeFrom: Array.from({ length: 51 }, (_, n) => `kwa_${String(n).padStart(20, '0')}`) }],
  ['a lifetime of 59 seconds', { exchangeTtl: 59 }],
  ['a lifetime of more than a day', { exchangeTtl: 86_401 }],
  ['no scope', { exchangeScopes: [] }],
  ['no API', { exchangeApis: [] }],
  ['the management API', { exchangeApis: ['urn:keywright:management'] }],
  ['no account', { exchangeAccounts: [] }],
  ['a text that is no account ID', { exchangeAccounts: ['acme'] }],
  ['any account beside an account ID', { exchangeAccounts: ['any', '00000000-0000-4000-8000-000000000000'] }],
  ['an account ID twice', { exchangeAccounts: Array(2).fill('00000000-0000-4000-8000-000000000000') }],
  ['the grant type for a client that acts for itself only', { accessType: 'client' }],
])('a policy has not %s', async (_what, settings) => {
  await expect(change(operator, settings)).rejects.toMatchObject({ code: 'invalid_input' })
})
