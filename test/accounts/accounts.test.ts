import type { Knex } from 'knex'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  addAccount,
  findAccountByIdOrExternalId,
  getAccount,
  lockAccountWithApiShared,
  saveAccount,
} from '../../src/accounts/accounts.ts'
import { changeAccountApi } from '../../src/management/account-changes.ts'
import { memberOf } from '../../src/management/users-of-product.ts'
import { newId } from '../../src/shared/ids.ts'
import { operator } from '../management/principals.ts'
import { ACTOR } from '../support/factory.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { until } from '../support/load.ts'

let on: Keywright

beforeAll(async () => {
  on = await startKeywright()
})

afterAll(() => on?.stop())

const actionsOn = (id: string): Promise<string[]> =>
  on.knex('audit_log').where('target_id', id).orderBy('at').orderBy('id').pluck('action')

const BAD_NAMES = ['', '   ', 'a'.repeat(201), 'a'.repeat(10_000), 'NUL\0', 'line\nbreak', 'half \ud800']

describe('an account', () => {
  test('is added and renamed, with its audit entries, by the names it has without the blanks around them', async () => {
    const account = await addAccount(on.knex, { name: '  ACME ' }, ACTOR)
    expect(account).toMatchObject({ name: 'ACME', status: 'active', apiEnabled: true, revision: 1 })
    const renamed = await saveAccount(on.knex, account.id, { name: ' ø'.repeat(100) }, ACTOR)
    expect(renamed).toEqual({ ...account, name: ' ø'.repeat(100).trim(), revision: 2 })
    expect(await getAccount(on.knex, account.id)).toEqual(renamed)
    expect(await actionsOn(account.id)).toEqual(['account.created', 'account.updated'])
  })

  test.each(BAD_NAMES)('cannot be called %j', async (name) => {
    const refused = { code: 'invalid_input', fieldErrors: [{ field: 'name', message: expect.any(String) }] }
    await expect(addAccount(on.knex, { name }, ACTOR)).rejects.toMatchObject(refused)
    const { id } = await addAccount(on.knex, { name: 'ACME' }, ACTOR)
    await expect(saveAccount(on.knex, id, { name }, ACTOR)).rejects.toMatchObject(refused)
    expect(await actionsOn(id)).toEqual(['account.created'])
  })

  test('that somebody else renamed meanwhile is not renamed; of two at once, one is', async () => {
    const { id, revision } = await addAccount(on.knex, { name: 'ACME' }, ACTOR)
    const rename = (name: string) => saveAccount(on.knex, id, { name }, ACTOR, revision)
    const outcomes = await Promise.allSettled([rename('One'), rename('Other')])
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    await expect(rename('Third')).rejects.toMatchObject({ code: 'stale' })
    expect(await actionsOn(id)).toEqual(['account.created', 'account.updated'])
  })

  test('is not changed by the values that it has, nor without values', async () => {
    const account = await addAccount(on.knex, { name: 'ACME' }, ACTOR)
    expect(await saveAccount(on.knex, account.id, { name: ' ACME ' }, ACTOR)).toEqual(account)
    await expect(saveAccount(on.knex, account.id, {}, ACTOR)).rejects.toMatchObject({ code: 'invalid_input' })
    await saveAccount(on.knex, account.id, { name: 'Other' }, ACTOR)
    const details = await on
      .knex('audit_log')
      .where({ target_id: account.id, action: 'account.updated' })
      .pluck('detail')
    expect(details).toEqual([{ changes: { name: { from: 'ACME', to: 'Other' } } }])
  })

  test.each([newId(), 'none', '\0'])('that is not there is not found: %j', async (id) => {
    await expect(saveAccount(on.knex, id, { name: 'x' }, ACTOR)).rejects.toMatchObject({ code: 'not_found' })
    await expect(changeAccountApi(on.knex, id, false, ACTOR)).rejects.toMatchObject({ code: 'not_found' })
  })
})

describe('an account that is named by its ID or external ID', () => {
  test('is found by either, and by an external ID that looks like an ID', async () => {
    const [externalId, other] = [`crm-${newId()}`, newId()]
    const account = await addAccount(on.knex, { name: 'ACME', externalId }, ACTOR)
    const alike = await addAccount(on.knex, { name: 'Alike', externalId: other }, ACTOR)
    for (const name of [account.id, externalId])
      expect(await findAccountByIdOrExternalId(on.knex, name)).toEqual(account)
    expect(await findAccountByIdOrExternalId(on.knex, other)).toEqual(alike)
    for (const name of [newId(), 'none', ''])
      expect(await findAccountByIdOrExternalId(on.knex, name), name).toBeUndefined()
  })

  test('is not unknown because a statement failed', async () => {
    const failure = new Error('connection terminated')
    let isFirst = true
    const knex = new Proxy(on.knex, {
      apply(target, self, given) {
        if (isFirst) {
          isFirst = false
          throw failure
        }
        return Reflect.apply(target, self, given)
      },
    })
    const management = { knex, encryptionKeys: on.instance.encryptionKeys }
    const find = () => memberOf(management, operator, { user: { id: newId() }, account: newId() })
    await expect(find()).rejects.toBe(failure)
    await expect(find()).rejects.toMatchObject({ code: 'invalid_input' })
  })
})

describe("the API of an account, switched off, is as if the account's clients were not there", () => {
  const api = () => on.firstStart.api
  const tokenOf = async (client: { clientId: string; clientSecret: string }) =>
    (await on.machineToken(client)).body.access_token
  const isActive = async (token: string) => (await on.introspect(token, api())).body.active

  test('every token of theirs is dead at once and no new one comes; on again, new ones do, and old ones stay dead', async () => {
    const account = await on.make.account()
    const client = await on.make.register({ account })
    const bystander = await on.make.register({})
    const tokens = [await tokenOf(client), await tokenOf(bystander)]
    expect(await changeAccountApi(on.knex, account, false, ACTOR)).toMatchObject({
      apiEnabled: false,
      status: 'active',
    })
    expect(await Promise.all(tokens.map(isActive))).toEqual([false, true])
    expect((await on.machineToken(client)).body.error).toBe('invalid_client')
    await changeAccountApi(on.knex, account, false, ACTOR)
    await changeAccountApi(on.knex, account, true, ACTOR)
    expect(await isActive(tokens[0]!)).toBe(false)
    expect(await isActive(await tokenOf(client))).toBe(true)
    expect(await actionsOn(account)).toEqual(['account.api_disabled', 'account.api_enabled'])
  })

  test('nothing is registered for it and no key pair made, while people can be added', async () => {
    const account = await on.make.account()
    const admin = await on.make.person(account)
    await on.knex('users').where({ id: admin.id }).update({ role: 'admin' })
    await changeAccountApi(on.knex, account, false, ACTOR)
    const refused = { code: 'conflict', message: expect.stringContaining('API of the account') }
    await expect(on.make.register({ account })).rejects.toMatchObject(refused)
    await expect(on.make.keyPair(admin.id)).rejects.toMatchObject(refused)
    expect(await on.make.person(account)).toMatchObject({ accountId: account })
  })

  test('disabling waits for a transaction that adds a client, and disables that client too', async () => {
    const account = await on.make.account()
    let ended = false
    let switching: Promise<unknown> | undefined
    await on.knex.transaction(async (trx: Knex) => {
      await lockAccountWithApiShared(trx, account)
      switching = changeAccountApi(on.knex, account, false, ACTOR).then(() => {
        ended = true
      })
      const waiting = `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`
      await until(async () => (await on.knex.raw(waiting)).rows.length > 0)
      expect(ended).toBe(false)
    })
    await switching
  })
})
