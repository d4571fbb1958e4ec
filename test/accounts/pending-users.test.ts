/** Users who are added with the address of a user of another account, at the level of the features. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { processResetRequests, requestPasswordReset } from '../../src/accounts/password-reset-requests.ts'
import { takeFreeAddress } from '../../src/accounts/pending-users.ts'
import { addUser, resetPassword, saveProfile } from '../../src/accounts/user-administration.ts'
import { createUser, findUser, type NewUser, type User } from '../../src/accounts/users.ts'
import type { Actor } from '../../src/audit/audit-log.ts'
import { isPendingKey } from '../../src/database/address-keys.ts'
import { together } from '../support/load.ts'
import { statementsDuring } from '../support/statements.ts'
import { freshIp, gatherPeople, type People } from './user-fixtures.ts'

const ACTOR: Actor = { type: 'user', id: 'admin' }
const MUST_NOT_LEARN = { mayBePending: true }

let on: People

beforeAll(async () => {
  on = await gatherPeople()
})

afterAll(() => on?.stop())

const add = (email: string, accountId: string, more: Partial<NewUser> = MUST_NOT_LEARN) =>
  addUser(on.knex, { email, role: 'member', accountId, ...more }, ACTOR)

const isPending = async ({ id }: User): Promise<boolean> => isPendingKey((await on.row(id)).email_key)

test('a user with the address of a user of another account is pending, and the address still means the other user', async () => {
  const { user } = await on.person()
  const [second, third] = [await on.account(), await on.account()]
  const pending = [await add(user.email.toUpperCase(), second), await add(user.email, third)]
  for (const one of pending) {
    expect(await isPending(one.user)).toBe(true)
    expect(one.user.email.toLowerCase()).toBe(user.email)
    expect(one.password).toMatch(/^kwp_/)
  }
  expect(await findUser(on.knex, user.email)).toMatchObject({ id: user.id })
  expect(await isPending(user)).toBe(false)
})

test('an account has an address once, whether its user is pending or not', async () => {
  const { user } = await on.person()
  const account = await on.account()
  const free = on.nextEmail()
  for (const email of [user.email, free]) {
    await add(email, account)
    await expect(add(email.toUpperCase(), account)).rejects.toMatchObject({
      code: 'conflict',
      fieldErrors: [{ field: 'email' }],
    })
  }
  await expect(add(user.email, on.accountId)).rejects.toMatchObject({ code: 'conflict' })
})

test('a member of the account by a further membership has the address there', async () => {
  const { user } = await on.person()
  const account = await on.account()
  await on.knex('memberships').insert({ user_id: user.id, account_id: account, role: 'member' })
  await expect(add(user.email, account)).rejects.toMatchObject({ code: 'conflict' })
})

test('a caller who may know all addresses gets a conflict', async () => {
  const { user } = await on.person()
  await expect(add(user.email, await on.account(), {})).rejects.toMatchObject({ code: 'conflict' })
  const operator = createUser(on.knex, { email: user.email, role: 'operator', accountId: null })
  await expect(operator).rejects.toMatchObject({ code: 'conflict' })
})

test('of several accounts that add a free address at once, one has an ordinary user and the others pending ones', async () => {
  const email = on.nextEmail()
  const accounts = await Promise.all([1, 2, 3, 4].map(() => on.account()))
  const added = await together(4, (n) => add(email, accounts[n]!))
  const pending = await Promise.all(added.map(({ user }) => isPending(user)))
  expect(pending.filter(Boolean)).toHaveLength(3)
  const again = await Promise.allSettled(accounts.map((account) => add(email, account)))
  expect(again.every(({ status }) => status === 'rejected')).toBe(true)
})

test('of several requests that add one address to one account at once, one succeeds, also for a used address', async () => {
  const { user } = await on.person()
  for (const email of [on.nextEmail(), user.email]) {
    const account = await on.account()
    const added = await Promise.allSettled([1, 2, 3, 4].map(() => add(email, account)))
    expect(added.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    for (const one of added) if (one.status === 'rejected') expect(one.reason).toMatchObject({ code: 'conflict' })
  }
})

test('another address makes an invited user pending or ordinary, and is refused to one who has signed in', async () => {
  const { user } = await on.person()
  const account = await on.account()
  const { user: invited } = await add(on.nextEmail(), account)
  const change = (id: string, email: string) => saveProfile(on.knex, id, { email }, ACTOR, MUST_NOT_LEARN)
  await change(invited.id, user.email)
  expect(await isPending(invited)).toBe(true)
  await change(invited.id, on.nextEmail())
  expect(await isPending(invited)).toBe(false)
  const { user: colleague } = await on.person(account)
  for (const email of [user.email, on.nextEmail()])
    await expect(change(colleague.id, email)).rejects.toMatchObject({
      code: 'forbidden',
      fieldErrors: [{ field: 'email' }],
    })
  await saveProfile(on.knex, colleague.id, { email: on.nextEmail() }, ACTOR)
  const { user: other } = await add(on.nextEmail(), account)
  await expect(change(invited.id, other.email)).rejects.toMatchObject({ code: 'conflict' })
})

test('a pending user takes the address when it has become free, and one of several does', async () => {
  const { user } = await on.person()
  const pending = await Promise.all([1, 2, 3].map(async () => (await add(user.email, await on.account())).user))
  const take = ({ id }: User) => on.knex.transaction((trx) => takeFreeAddress(trx, id))
  expect(await take(pending[0]!)).toBe(false)
  await saveProfile(on.knex, user.id, { email: on.nextEmail() }, ACTOR)
  expect((await together(3, (n) => take(pending[n]!))).filter(Boolean)).toHaveLength(1)
  expect(pending.map(({ id }) => id)).toContain((await findUser(on.knex, user.email)).id)
})

test('no text that somebody types finds a pending user by the address', async () => {
  const { user } = await on.person()
  const { user: pending } = await add(user.email, await on.account())
  await resetPassword(on.knex, pending.id, ACTOR)
  const { email_key: stored } = await on.row(pending.id)
  await expect(findUser(on.knex, stored)).rejects.toMatchObject({ code: 'not_found' })
})

/** Requests a new password for the address, and returns the statements that make the messages. */
async function statementsOfReset(email: string): Promise<string[]> {
  await requestPasswordReset(on.knex, email, { ip: freshIp(), language: 'en' })
  return await statementsDuring(async () => expect(await processResetRequests(on.knex, 10)).toBe(1))
}

const requestsOf = (users: readonly User[]) =>
  on
    .knex('audit_log')
    .where({ action: 'user.password_reset_requested' })
    .whereIn(
      'target_id',
      users.map(({ id }) => id),
    )

test('a request for a new password takes as many statements for several pending users as for one', async () => {
  const [few, many] = [await on.person(), await on.person()]
  const one = [await add(few.user.email, await on.account())]
  const several = [1, 2, 3].map(async () => await add(many.user.email, await on.account()))
  const three = await Promise.all(several)
  const statements = await statementsOfReset(few.user.email)
  expect(await statementsOfReset(many.user.email)).toHaveLength(statements.length)
  expect(await requestsOf(one.map(({ user }) => user))).toHaveLength(1)
  expect(await requestsOf(three.map(({ user }) => user))).toHaveLength(3)
})

test('while nobody has the address, the pending user who was added first receives the message', async () => {
  const { user } = await on.person()
  const added = [await add(user.email, await on.account()), await add(user.email, await on.account())]
  // In the order of their IDs, which begin with the time.
  const [first, second] = added.map((one) => one.user).sort((one, other) => (one.id < other.id ? -1 : 1))
  await saveProfile(on.knex, user.id, { email: on.nextEmail() }, ACTOR)
  await statementsOfReset(user.email)
  const messages = await on
    .knex('mail_messages')
    .where({ kind: 'password_reset' })
    .whereIn('user_id', [first!.id, second!.id])
  expect(messages).toMatchObject([{ user_id: first!.id }])
  expect(await requestsOf([first!, second!])).toHaveLength(2)
})
