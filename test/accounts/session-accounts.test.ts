/** The account in which the user of a session acts. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { findUserById, findUserOfSession, mayAct, type User } from '../../src/accounts/users.ts'
import { gatherPeople, type People } from './user-fixtures.ts'

let on: People
let user: User
let other: string

beforeAll(async () => {
  on = await gatherPeople()
  user = (await on.person()).user
  other = await on.account()
  await on.knex('memberships').insert({ user_id: user.id, account_id: other, role: 'viewer' })
})
afterAll(() => on?.stop())

const inSession = (id: string, isFixed: boolean) => findUserOfSession(on.knex, user.id, { id, isFixed })
const setMembership = (account: string, change: object) =>
  on.knex('memberships').where({ user_id: user.id, account_id: account }).update(change)

test('a user acts in the account of the session, with the role there', async () => {
  const first = { accountId: on.accountId, accountName: 'ACME Corp', role: 'admin', hasOtherAccounts: true }
  const second = { accountId: other, accountName: 'Other Corp', role: 'viewer', hasOtherAccounts: true }
  expect(await findUserById(on.knex, user.id)).toMatchObject(first)
  expect(await findUserById(on.knex, user.id, on.accountId)).toMatchObject(first)
  expect(await findUserById(on.knex, user.id, other)).toMatchObject(second)
  for (const isFixed of [false, true]) {
    expect(await inSession(other, isFixed)).toMatchObject(second)
    expect(await inSession(on.accountId, isFixed)).toMatchObject(first)
  }
})

test('a user who is no member of an account acts in the first one, unless the session is fixed', async () => {
  const foreign = await on.account()
  expect(await inSession(foreign, false)).toMatchObject({ accountId: on.accountId, role: 'admin' })
  expect(await inSession(foreign, true)).toBeUndefined()
  expect(await findUserById(on.knex, user.id, foreign)).toBeUndefined()
})

test('a user who is disabled in an account acts in another one, unless the session is fixed', async () => {
  await setMembership(other, { status: 'disabled' })
  expect(await inSession(other, false)).toMatchObject({ accountId: on.accountId, status: 'active' })
  const fixed = (await inSession(other, true))!
  expect(fixed).toMatchObject({ accountId: other, status: 'disabled' })
  expect(mayAct(fixed)).toBe(false)
  await setMembership(other, { status: 'active' })
})

test('a user whose first account is disabled acts in another one', async () => {
  await on.knex('accounts').where({ id: on.accountId }).update({ status: 'disabled' })
  expect(await findUserById(on.knex, user.id)).toMatchObject({ accountId: other, role: 'viewer' })
  await on.knex('accounts').where({ id: on.accountId }).update({ status: 'active' })
})

test('an operator acts in no account, whatever the session says', async () => {
  const { user: operator } = await on.invite(null, 'operator')
  const found = { accountId: null, role: 'operator', hasOtherAccounts: false, memberSince: null }
  expect(await findUserById(on.knex, operator.id)).toMatchObject(found)
  const account = { id: on.accountId, isFixed: false }
  expect(await findUserOfSession(on.knex, operator.id, account)).toMatchObject(found)
  expect(await findUserOfSession(on.knex, operator.id, { ...account, isFixed: true })).toBeUndefined()
})
