import { afterAll, beforeAll, expect, test } from 'vitest'
import { readApplicationForm } from '../../src/management/application-forms.ts'
import { restoreApplication } from '../../src/management/application-operations.ts'
import { listClients } from '../../src/management/client-list.ts'
import { updateClient } from '../../src/management/client-registration.ts'
import { readKeyPairDetails, stopKeyPair } from '../../src/management/key-pair-details.ts'
import { generateKeyPair, readKeyPair } from '../../src/management/key-pair-operations.ts'
import { MANAGEMENT_API } from '../../src/management/management-scopes.ts'
import { commandLinePrincipal, type Principal } from '../../src/management/principal.ts'
import { ACTOR } from '../support/factory.ts'
import { adminOf, openManagement, operator } from './principals.ts'

let on: Awaited<ReturnType<typeof openManagement>>
let account: string
let owner: { id: string; email: string }
let application: { clientId: string }
let clientId: string
let stranger: Principal

beforeAll(async () => {
  on = await openManagement()
  account = await on.make.account()
  owner = (await on.make.user(account, 'admin')) as never
  application = await on.make.register({ settings: { name: 'Billing' }, account })
  clientId = (await generate()).clientId
  stranger = adminOf(await on.make.account())
})
afterAll(async () => await on.close())

const self = () => adminOf(account, owner.id)

const generate = (apis: readonly string[] = []) => generateKeyPair(on.management, self(), { apis })

const idsOf = async (query: object, who: Principal = adminOf(account)) =>
  (await listClients(on.management, who, query)).items.map((one) => one.clientId)

test('key pairs are listed beside applications, newest first, with a filter by kind', async () => {
  expect(await idsOf({})).toEqual([clientId, application.clientId])
  expect(await idsOf({ kind: 'key_pair' })).toEqual([clientId])
  expect(await idsOf({ kind: 'application' })).toEqual([application.clientId])
  expect(await idsOf({ accountId: account }, operator)).toEqual([clientId, application.clientId])
})

test("a key pair is found by its client ID and by its owner's email address, and by no admin of another account", async () => {
  for (const search of [clientId, owner.email, owner.email.toUpperCase()]) {
    expect(await idsOf({ search, kind: 'key_pair' })).toEqual([clientId])
    expect(await idsOf({ search }, operator)).toEqual([clientId])
    expect(await idsOf({ search }, stranger)).toEqual([])
  }
})

test('an access token without the scope for key pairs lists no clients', async () => {
  const who = { ...adminOf(account), scopes: new Set(['applications:read']) }
  await expect(listClients(on.management, who, {})).rejects.toMatchObject({ code: 'forbidden' })
})

test('another admin of the account and an operator read a key pair; an admin of another account finds none', async () => {
  const { management } = on
  for (const who of [adminOf(account), operator]) {
    const pair = await readKeyPairDetails(management, who, { clientId })
    expect(pair).toMatchObject({ owner: { id: owner.id }, client: { clientId, status: 'active' } })
  }
  const missing = { code: 'not_found' }
  for (const read of [readKeyPairDetails, stopKeyPair]) {
    await expect(read(management, stranger, { clientId })).rejects.toMatchObject(missing)
    await expect(read(management, operator, { clientId: application.clientId })).rejects.toMatchObject(missing)
    await expect(read(management, operator, { clientId: 'kwc_none' })).rejects.toMatchObject(missing)
  }
})

test('admins do not see the scopes that only operators use', async () => {
  await generate([MANAGEMENT_API])
  const scopesFor = async (who: Principal) => {
    const { pair, choosableApis } = await readKeyPair(on.management, who, { userId: owner.id })
    const details = await readKeyPairDetails(on.management, who, { clientId: pair!.client.clientId })
    const form = await readApplicationForm(on.management, who, { clientId: application.clientId })
    const built = [choosableApis, pair!.apis, details.apis].flat().filter((api) => api.identifier === MANAGEMENT_API)
    const ofForm = form.choosableApis.find(({ builtIn }) => builtIn)!.scopes.map(({ scope }) => scope)
    return [...built.map(({ scopes }) => scopes), ofForm]
  }
  for (const scopes of await scopesFor(self())) {
    expect(scopes).toContain('accounts:read')
    expect(
      scopes.filter((scope) => /^(instance|.*:write$)/.test(scope) && /^(instance|accounts|apis)/.test(scope)),
    ).toEqual([])
  }
  for (const scopes of await scopesFor(operator)) expect(scopes).toContain('instance:write')
})

test('an admin stops the key pair of another admin for good, and new keys of its owner keep its settings', async () => {
  const stopped = (await generate()).clientId
  await updateClient(on.knex, stopped, { settings: { accessTokenTtl: 900 } }, ACTOR)
  const other = adminOf(account)
  const first = await stopKeyPair(on.management, other, { clientId: stopped })
  expect(first).toMatchObject({ client: { status: 'archived' }, revoked: 0 })
  expect(await stopKeyPair(on.management, other, { clientId: stopped })).toMatchObject({ revoked: 0 })
  expect(await idsOf({ status: 'archived' })).toEqual([stopped])
  const events = await on.knex('audit_log').where({ action: 'key_pair.stopped', target_id: stopped })
  expect(events).toHaveLength(1)
  const next = await generateKeyPair(on.management, self(), { replaces: stopped })
  const { client } = await readKeyPairDetails(on.management, other, { clientId: next.clientId })
  expect(client).toMatchObject({ status: 'active', accessTokenTtl: 900 })
  await expect(stopKeyPair(on.management, other, { clientId: stopped })).rejects.toMatchObject({ code: 'conflict' })
})

test('nobody restores a stopped key pair, not even the command line', async () => {
  const { clientId: stopped } = await generate()
  await stopKeyPair(on.management, adminOf(account), { clientId: stopped })
  for (const keepSecret of [false, true]) {
    const restoring = restoreApplication(on.management, commandLinePrincipal('root'), { clientId: stopped, keepSecret })
    await expect(restoring).rejects.toMatchObject({ code: 'conflict' })
  }
  const { client } = await readKeyPairDetails(on.management, operator, { clientId: stopped })
  expect(client.status).toBe('archived')
})
