/** What admins of an account see of a user who belongs to another one as well, and do there. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { addMembership } from '../../../src/accounts/membership-changes.ts'
import { newId } from '../../../src/shared/ids.ts'
import { ACTOR } from '../../support/factory.ts'
import { type Keywright, startKeywright } from '../../support/keywright.ts'
import type { Browser, Page } from '../../support/scriptless-browser.ts'
import { createTestUser, type Person } from '../../support/test-users.ts'
import { createOperator, enter, statementsOf, wordsOf } from './console-visits.ts'

let server: Keywright
let first: string
let second: string
let user: Person
let asAdmin: Browser
let asOperator: Browser

beforeAll(async () => {
  server = await startKeywright()
  asOperator = await enter(server, await createOperator(server.knex))
})
afterAll(() => server?.stop())

/** A user of the first account, who is a developer of the second one; its admin looks at them. */
beforeEach(async () => {
  first = await server.make.account()
  second = await server.make.account()
  user = await createTestUser(server.knex, first, 'admin')
  asAdmin = await enter(server, await createTestUser(server.knex, second, 'admin'))
  const membership = { userId: user.id, accountId: second, role: 'developer' } as const
  await server.knex.transaction((trx) => addMembership(trx, membership, ACTOR))
})

test('the list shows them in their role there, in three statements', async () => {
  const found = await asAdmin.visit(`/users?search=${user.email}`)
  expect(wordsOf(found)).toContain(`${user.name} ${user.email} Developer Active`)
  expect(wordsOf(await asAdmin.visit('/users?role=developer&sort=-added'))).toContain(user.email)
  expect(wordsOf(await asOperator.visit(`/users?account=${second}`))).toContain(`${user.email} account-`)
  expect(wordsOf(await asOperator.visit(`/users?search=${user.email}`)).match(/1–1 of 1/g)).toHaveLength(1)
  expect((await statementsOf(asAdmin, `/users?search=${user.email}`)).length).toBeLessThanOrEqual(3)
})

const hrefsOf = ({ text }: Page): string[] => [...text.matchAll(/href="(\/users\/[^"]*)"/g)].map(([, href]) => href!)

const REFUSED = ['edit', 'password', 'factors', 'sessions', 'export', 'delete', 'invitation', 'verification']

test('the page offers an admin only what they may change, and the forms of the rest are refused', async () => {
  const path = `/users/${user.id}`
  await server
    .knex('totp_factors')
    .insert({ id: newId(), user_id: user.id, name: 'Phone', secret: 'x', last_used_step: 0 })
  const page = await asAdmin.visit(path)
  const offered = hrefsOf(page)
  expect(offered).toEqual(['role', 'status', 'remove'].map((step) => `${path}/${step}`))
  expect(wordsOf(page)).toContain('belongs to another account as well')
  const atHome = hrefsOf(await asOperator.visit(path))
  for (const step of ['edit', 'password', 'factors']) expect(atHome).toContain(`${path}/${step}`)
  expect(REFUSED.filter((step) => offered.includes(`${path}/${step}`))).toEqual([])
  const ofThisAccount = await createTestUser(server.knex, second)
  for (const step of ['password', 'factors', 'sessions', 'invitation', 'verification']) {
    expect(new URL((await asAdmin.visit(`${path}/${step}`)).url).pathname).toBe(path)
    const asked = await asAdmin.visit(`/users/${ofThisAccount.id}/${step}`)
    const form = { ...asked, text: asked.text.replaceAll(ofThisAccount.id, user.id) }
    const { status } = await asAdmin.submit(form, new RegExp(`/${step}$`))
    expect([step, status]).toEqual([step, 403])
  }
  expect(new URL((await asAdmin.visit(`${path}/edit`)).url).pathname).toBe(path)
})

test('an admin disables and enables them in the account alone', async () => {
  const path = `/users/${user.id}/status`
  const change = async () => await asAdmin.submit(await asAdmin.visit(path), /\/status$/)
  expect(wordsOf(await asAdmin.visit(path))).toContain('end the access of the user to the account')
  expect(wordsOf(await change())).toContain('User disabled in this account.')
  expect(wordsOf(await asAdmin.visit('/users?status=disabled'))).toContain(user.email)
  expect(await server.knex('users').where({ id: user.id }).first('status')).toEqual({ status: 'active' })
  expect(wordsOf(await change())).toContain('User enabled.')
})

test('an operator off-boards them from all accounts, and an admin who knows the page from this one alone', async () => {
  const path = `/users/${user.id}/offboard`
  expect(wordsOf(await asOperator.visit(path))).toContain('end the key pairs of the user in all accounts for good')
  const asked = await asAdmin.visit(path)
  expect(wordsOf(asked)).toContain('end the access of the user to the account')
  expect(wordsOf(await asAdmin.submit(asked, /offboard$/))).toContain('User off-boarded from this account.')
  const statuses = server.knex('memberships').where({ user_id: user.id }).orderBy('status').pluck('status')
  expect([await server.knex('users').where({ id: user.id }).pluck('status'), await statuses]).toEqual([
    ['active'],
    ['active', 'disabled'],
  ])
  await asOperator.submit(await asOperator.visit(path), /offboard$/)
  expect(await server.knex('users').where({ id: user.id }).pluck('status')).toEqual(['disabled'])
})

test('the page lists all accounts to an operator alone, in three statements', async () => {
  const path = `/users/${user.id}`
  const nameOf = async (id: string) => (await server.knex('accounts').where({ id }).first('name')).name
  await server.knex('memberships').where({ user_id: user.id, account_id: first }).update({ status: 'disabled' })
  const [firstName, secondName] = [await nameOf(first), await nameOf(second)]
  const words = wordsOf(await asOperator.visit(path))
  expect(words).toContain(`${firstName} Admin Disabled`)
  expect(words).toContain(`${secondName} Developer Active`)
  expect((await statementsOf(asOperator, path)).length).toBeLessThanOrEqual(3)
  const toAdmin = await asAdmin.visit(path)
  expect([toAdmin.text.includes(first), wordsOf(toAdmin).includes(firstName)]).toEqual([false, false])
})

test('an operator confirms the address for which a membership waits', async () => {
  const path = `/users/${user.id}/address`
  const ofUser = { id: user.id }
  const addressKey = async () => (await server.knex('users').where(ofUser).first('vouched_email_key')).vouched_email_key
  await server.knex('users').where(ofUser).update({ vouched_email_key: null })
  expect(hrefsOf(await asOperator.visit(`/users/${user.id}`))).not.toContain(path)
  await server.knex('memberships').where({ user_id: user.id, account_id: second }).update({ needs_proof: true })
  const waiting = await asOperator.visit(`/users/${user.id}`)
  expect([hrefsOf(waiting), wordsOf(waiting)]).toEqual([
    expect.arrayContaining([path]),
    expect.stringContaining('Waits for you'),
  ])
  expect(hrefsOf(await asAdmin.visit(`/users/${user.id}`))).not.toContain(path)
  expect((await asAdmin.visit(path)).status).toBe(403)

  const asked = await asOperator.visit(path)
  const another = { ...asked, text: asked.text.replaceAll(user.email, 'another@example.com') }
  expect([(await asOperator.submit(another, /address$/)).status, await addressKey()]).toEqual([409, null])
  const confirmed = await asOperator.submit(asked, /address$/)
  expect([wordsOf(confirmed), await addressKey()]).toEqual([
    expect.stringContaining('Email address confirmed.'),
    user.email,
  ])
  expect(hrefsOf(confirmed)).not.toContain(path)
})

test('an admin removes them from the account, and they keep the other one', async () => {
  const asked = await asAdmin.visit(`/users/${user.id}/remove`)
  const { name } = await server.knex('accounts').where({ id: second }).first('name')
  expect(wordsOf(asked)).toContain(`Remove ${user.name} from ${name}?`)
  const removed = await asAdmin.submit(asked, /\/remove$/)
  expect(wordsOf(removed)).toContain('User removed from the account.')
  expect(wordsOf(removed)).not.toContain(user.email)
  expect((await asAdmin.visit(`/users/${user.id}`)).status).toBe(404)
  expect(await server.knex('memberships').where({ user_id: user.id }).pluck('account_id')).toEqual([first])
})

test('a user of one account only cannot be removed: their page offers to disable or delete them', async () => {
  const { id } = await createTestUser(server.knex, second)
  expect(hrefsOf(await asAdmin.visit(`/users/${id}`))).not.toContain(`/users/${id}/remove`)
  const page = await asAdmin.visit(`/users/${id}/remove`)
  expect(new URL(page.url).pathname).toBe(`/users/${id}`)
  expect(hrefsOf(page)).toEqual(expect.arrayContaining([`/users/${id}/status`, `/users/${id}/offboard`]))
})
