/** Lists of users: by membership, in the order of keys that triggers keep. */
import { setTimeout } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { saveProfile } from '../../src/accounts/user-administration.ts'
import { inviteUser } from '../../src/management/invitations.ts'
import { addMembership, removeMembership, updateMembership } from '../../src/management/membership-operations.ts'
import type { PageRequest } from '../../src/management/paging.ts'
import type { Principal } from '../../src/management/principal.ts'
import { searchUsers, type UserQuery } from '../../src/management/user-list.ts'
import { setUserStatus } from '../../src/management/user-operations.ts'
import { createTestUser, PASSWORD, type Person } from '../support/test-users.ts'
import { adminOf, openManagement, operator } from './principals.ts'

let on: Awaited<ReturnType<typeof openManagement>>
let first: string
let second: string
let user: Person
let colleague: Person

let made = 0

/** Somebody whose name and address begin with a letter, which decides their place in the lists. */
async function person(letter: string, account: string): Promise<Person> {
  const { id } = await createTestUser(on.knex, account, 'admin')
  const profile = { name: `${letter}${letter} ${++made}`, email: `${letter}${made}@example.com` }
  const changed = await saveProfile(on.knex, id, profile, operator.actor)
  return { ...changed, password: PASSWORD }
}

beforeAll(async () => {
  on = await openManagement()
})
afterAll(async () => await on.close())

/** An admin of the first account, who is a developer of the second one; the latter has a user of its own. */
beforeEach(async () => {
  first = await on.make.account()
  second = await on.make.account()
  user = await person('a', first)
  colleague = await person('b', second)
  await addMembership(on.management, operator, { userId: user.id, accountId: second, role: 'developer' })
})

const list = async (who: Principal, query: UserQuery = {}) =>
  (await searchUsers(on.management, who, { sort: 'email', ...query })).items

const idsIn = async (who: Principal, query: UserQuery = {}) => (await list(who, query)).map(({ id }) => id)

const rename = (name: string, email?: string) =>
  saveProfile(on.knex, user.id, { name, ...(email !== undefined && { email }) }, operator.actor)

/** Whether a statement waits for a lock. */
const isWaiting = async (): Promise<boolean> =>
  (await on.knex('pg_stat_activity').whereRaw(`datname = current_database() AND wait_event_type = 'Lock'`)).length > 0

const disableIn = (accountId: string) =>
  updateMembership(on.management, operator, { userId: user.id, accountId, status: 'disabled' })

describe('the users of an account', () => {
  test('are those with a membership, in the role that they have there', async () => {
    for (const who of [adminOf(second), operator]) {
      const listed = await list(who, { accountId: second })
      expect(listed.map(({ id, role, accountId, status }) => ({ id, role, accountId, status }))).toEqual([
        { id: user.id, role: 'developer', accountId: second, status: 'active' },
        { id: colleague.id, role: 'admin', accountId: second, status: 'active' },
      ])
    }
    expect(await list(adminOf(first))).toMatchObject([{ id: user.id, role: 'admin', accountId: first }])
    const { name } = await on.knex('accounts').where({ id: second }).first('name')
    expect((await list(adminOf(second)))[0]).toMatchObject({ accountName: name })
    await removeMembership(on.management, operator, { userId: user.id, accountId: first })
    expect(await idsIn(adminOf(first))).toEqual([])
    expect(await idsIn(adminOf(second))).toEqual([user.id, colleague.id])
  })

  test('are found by a search, by role and by status, and counted', async () => {
    const who = adminOf(second)
    for (const query of [{ search: user.email }, { search: user.name! }, { role: 'developer' }] as const)
      expect([query, await idsIn(who, query)]).toEqual([query, [user.id]])
    expect(await idsIn(who, { role: 'admin' })).toEqual([colleague.id])
    const { total } = await searchUsers(on.management, who, { counted: true })
    expect(total).toEqual({ count: 2, isMore: false })
    const developers = await searchUsers(on.management, who, { counted: true, role: 'developer' })
    expect(developers.total).toEqual({ count: 1, isMore: false })
    expect(await idsIn(adminOf(first), { search: colleague.email })).toEqual([])
  })

  test('have the status of their membership, unless they are disabled in all accounts', async () => {
    await disableIn(second)
    expect(await idsIn(adminOf(second), { status: 'disabled' })).toEqual([user.id])
    expect(await idsIn(adminOf(second), { status: 'active' })).toEqual([colleague.id])
    expect(await idsIn(adminOf(first), { status: 'active' })).toEqual([user.id])
    expect(await list(adminOf(second), { search: user.email })).toMatchObject([{ status: 'disabled' }])
    await setUserStatus(on.management, operator, { userId: user.id, status: 'disabled' })
    for (const account of [first, second])
      expect(await idsIn(adminOf(account), { status: 'disabled' })).toEqual([user.id])
  })

  test('are in the order of their present names and addresses, also after a change', async () => {
    const who = adminOf(second)
    expect(await idsIn(who, { sort: 'name' })).toEqual([user.id, colleague.id])
    await rename('Zoë', 'zz-moved@example.com')
    for (const sort of ['name', 'email'] as const)
      expect([sort, await idsIn(who, { sort })]).toEqual([sort, [colleague.id, user.id]])
    await on
      .knex('users')
      .where({ id: user.id })
      .update({ email: 'aa@example.com', email_key: 'aa@example.com', name: null })
    for (const sort of ['name', 'email'] as const)
      expect([sort, await idsIn(who, { sort })]).toEqual([sort, [user.id, colleague.id]])
    expect(await idsIn(who, { sort: '-added' })).toEqual([colleague.id, user.id])
  })

  test('have the name of a change that was in progress when they joined', async () => {
    const third = await on.make.account()
    const trx = await on.knex.transaction()
    await trx('users').where({ id: user.id }).update({ name: 'Ada' })
    const joining = on.knex('memberships').insert({ user_id: user.id, account_id: third, role: 'member' }).then()
    let hasJoined = false
    const joined = joining.finally(() => {
      hasJoined = true
    })
    while (!(hasJoined || (await isWaiting()))) await setTimeout(5)
    await trx.commit()
    await joined
    expect(await on.knex('memberships').where({ user_id: user.id }).pluck('name_key')).toEqual(['ada', 'ada', 'ada'])
  })

  test('are each on one page, in both directions', async () => {
    for (let n = 0; n < 3; n++) {
      const { id } = await createTestUser(on.knex, first, 'member')
      await addMembership(on.management, operator, { userId: id, accountId: second, role: 'member' })
    }
    for (const sort of ['email', '-email', 'name', '-name', 'added', '-added'] as const) {
      const page = async (request: PageRequest) =>
        await searchUsers(on.management, adminOf(second), { sort, limit: 2, ...request })
      const pages = [await page({})]
      while (pages.at(-1)!.next !== null) pages.push(await page({ after: pages.at(-1)!.next! }))
      const ids = pages.flatMap(({ items }) => items.map(({ id }) => id))
      expect([sort, ids]).toEqual([sort, await idsIn(adminOf(second), { sort })])
      expect(new Set(ids).size).toBe(5)
      const back = await page({ before: pages.at(-1)!.previous! })
      expect(back.items).toEqual(pages.at(-2)!.items)
    }
  })

  test('include those who have been asked to join, by their address', async () => {
    const third = await on.make.account()
    const who = adminOf(third, (await createTestUser(on.knex, third, 'admin')).id)
    const invited = await inviteUser(on.management, who, { email: user.email, accountId: third, role: 'viewer' })
    expect(invited.user.id).not.toBe(user.id)
    expect(await list(who, { role: 'viewer' })).toMatchObject([{ id: invited.user.id, email: user.email }])
    expect(await idsIn(who)).toEqual([invited.user.id, who.userId])
    expect((await idsIn(operator, { search: user.email })).sort()).toEqual([user.id, invited.user.id].sort())
  })
})

test('an operator sees each user once, in their first account', async () => {
  const listed = (await list(operator, { limit: 200 })).filter(({ id }) => id === user.id)
  expect(listed).toMatchObject([{ role: 'admin', accountId: first }])
  const { total } = await searchUsers(on.management, operator, { counted: true })
  expect(total).toEqual({ count: (await on.knex('users').pluck('id')).length, isMore: false })
})
