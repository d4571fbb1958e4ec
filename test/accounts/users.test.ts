import { afterAll, beforeAll, expect, test } from 'vitest'
import { savePassword } from '../../src/accounts/credentials.ts'
import { revokeSessionsOfUser } from '../../src/accounts/user-access.ts'
import { createUser, findUserById, listUsers } from '../../src/accounts/users.ts'
import { newId } from '../../src/shared/ids.ts'
import { gatherPeople, type People } from './user-fixtures.ts'

let on: People

beforeAll(async () => {
  on = await gatherPeople()
})

afterAll(() => on?.stop())

const add = (name?: string) =>
  createUser(on.knex, { email: on.nextEmail(), role: 'member', accountId: on.accountId, name })

test('a person has a name where one was given, without the blanks around it', async () => {
  expect((await add('  Ann Ångström ')).user.name).toBe('Ann Ångström')
  expect((await add('   ')).user.name).toBeNull()
  expect((await add()).user.name).toBeNull()
  expect((await add('ø'.repeat(200))).user.name).toHaveLength(200)
})

test.each(['n'.repeat(201), 'Ann\0'])('a name that is too long or holds NUL is refused', async (name) => {
  await expect(add(name)).rejects.toMatchObject({ code: 'invalid_input' })
})

/** In seconds, as at the first start. */
const SESSION_LIFETIMES = { idle: 3 * 86_400, absolute: 7 * 86_400 }

test('a person is found with their account; an operator has none', async () => {
  const { user } = await on.invite()
  const found = await findUserById(on.knex, user.id)
  expect(found).toEqual({
    ...user,
    accountStatus: 'active',
    accountName: 'ACME Corp',
    hasOpenLeak: false,
    hasFailedWebhook: false,
    hasSecondFactor: false,
    isProven: false,
    hasOtherAccounts: false,
    memberSince: expect.any(Date),
    sessionLifetimes: SESSION_LIFETIMES,
  })
  expect(found).toMatchObject({
    emailVerified: false,
    sessionsValidFrom: expect.any(Date),
    updatedAt: expect.any(Date),
  })
  const operator = (await on.invite(null, 'operator')).user
  const warnings = { hasOpenLeak: false, hasFailedWebhook: false }
  const own = {
    accountStatus: null,
    accountName: null,
    ...warnings,
    hasSecondFactor: false,
    isProven: false,
    hasOtherAccounts: false,
    memberSince: null,
    sessionLifetimes: SESSION_LIFETIMES,
  }
  expect(await findUserById(on.knex, operator.id)).toEqual({ ...operator, ...own })
})

test.each([newId(), 'nobody', "' OR true --", '\0'])('nobody is found by the id %j', async (id) => {
  expect(await findUserById(on.knex, id)).toBeUndefined()
})

test('people are listed by address, all of them or those of one account', async () => {
  const account = await on.account()
  const { user } = await on.invite(account)
  expect(await listUsers(on.knex, { accountId: account })).toEqual([user])
  const all = (await listUsers(on.knex)).map(({ email }) => email)
  expect(all).toContain(user.email)
  expect(all.length).toBeGreaterThan(1)
})

test('each revocation of sessions, and each new password, is later than the one before by a millisecond or more', async () => {
  const { user } = await on.invite()
  const [sessions, passwords]: [number[], number[]] = [[], []]
  await on.knex.transaction(async (trx) => {
    for (let n = 0; n < 200; n++) {
      sessions.push(Number((await savePassword(trx, user.id, `hash ${n}`)).sessionsValidFrom))
      sessions.push(Number((await revokeSessionsOfUser(trx, user.id)).sessionsValidFrom))
      passwords.push(Number((await trx('users').where({ id: user.id }).first()).password_changed_at))
    }
  })
  expect([new Set(sessions).size, new Set(passwords).size]).toEqual([400, 200])
})
