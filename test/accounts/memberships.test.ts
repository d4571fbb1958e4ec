import { afterAll, beforeAll, expect, test } from 'vitest'
import { listAccountsOf } from '../../src/accounts/memberships.ts'
import { saveUserRole } from '../../src/accounts/user-roles.ts'
import { findUserById, lookUpUser, type User } from '../../src/accounts/users.ts'
import { newId } from '../../src/shared/ids.ts'
import { addManyAccounts } from '../support/test-users.ts'
import { gatherPeople, type People } from './user-fixtures.ts'

let on: People

beforeAll(async () => {
  on = await gatherPeople()
})
afterAll(() => on?.stop())

const membershipsOf = async ({ id }: User) =>
  await on.knex('memberships').where({ user_id: id }).select('account_id', 'role')

/** As a node of the previous version changes a role. */
const changeInUsers = (id: string, role: string) => on.knex('users').where({ id }).update({ role })

test('a new user of an account has a membership; an operator has none', async () => {
  const { user } = await on.invite(on.accountId, 'admin')
  expect(await membershipsOf(user)).toEqual([{ account_id: on.accountId, role: 'admin' }])
  expect(await membershipsOf((await on.invite(null, 'operator')).user)).toEqual([])
})

test('a membership follows what a node of the previous version writes', async () => {
  const { user } = await on.invite(on.accountId, 'admin')
  for (const role of ['member', 'admin'] as const) {
    await changeInUsers(user.id, role)
    expect(await membershipsOf(user)).toEqual([{ account_id: on.accountId, role }])
    expect(await findUserById(on.knex, user.id)).toMatchObject({ role })
  }
})

test('a changed role is the same in the membership and in the row that a node of the previous version reads', async () => {
  const { user } = await on.invite(on.accountId, 'admin')
  expect(await saveUserRole(on.knex, (await findUserById(on.knex, user.id))!, 'member')).toMatchObject({
    role: 'member',
    revision: 2,
  })
  expect(await membershipsOf(user)).toEqual([{ account_id: on.accountId, role: 'member' }])
  expect(await on.row(user.id)).toMatchObject({ role: 'member' })
  expect(await lookUpUser(on.knex, user.email)).toMatchObject({ role: 'member' })
})

test('the memberships of a deleted user are deleted', async () => {
  const { user } = await on.invite()
  await on.knex('users').where({ id: user.id }).delete()
  expect(await membershipsOf(user)).toEqual([])
})

test('at most 200 accounts of a user are listed, sorted by name, and some of them in any case', async () => {
  const { user } = await on.invite(on.accountId, 'admin')
  const names = async (...first: string[]) =>
    (await listAccountsOf(on.knex, user.id, first)).map(({ accountName }) => accountName)
  expect(await names()).toEqual(['ACME Corp'])
  await addManyAccounts(on.knex, user)
  const all = await names()
  expect([all.length, all.at(-1)]).toEqual([200, 'a 200'])
  const withThese = await names(newId(), on.accountId, 'x', '\0')
  expect([withThese.length, withThese.at(-2), withThese.at(-1)]).toEqual([200, 'a 199', 'ACME Corp'])
})
