/** The account in which a user of several accounts acts: switching, and sessions that are fixed to one account. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { addMembership } from '../../src/accounts/membership-changes.ts'
import { changeUserStatus, removeMember } from '../../src/management/user-changes.ts'
import { ACTOR } from '../support/factory.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import type { Browser } from '../support/scriptless-browser.ts'
import { addManyAccounts, createTestUser, PASSWORD, type Person } from '../support/test-users.ts'
import { enter, statementsOf, wordsOf } from './console/console-visits.ts'

let server: Keywright
let first: string
let second: string
let user: Person
let browser: Browser

beforeAll(async () => {
  server = await startKeywright()
})
afterAll(() => server.stop())

/** An admin of the first account, who is a developer of the second one. */
beforeEach(async () => {
  first = await server.make.account()
  second = await server.make.account()
  for (const account of [first, second]) await createTestUser(server.knex, account, 'admin')
  user = await createTestUser(server.knex, first, 'admin')
  const membership = { userId: user.id, accountId: second, role: 'developer' } as const
  await server.knex.transaction((trx) => addMembership(trx, membership, ACTOR))
  browser = await enter(server, user)
})

const nameOf = async (id: string): Promise<string> => (await server.knex('accounts').where({ id }).first('name')).name

const switchTo = async (account: string) =>
  await browser.submit(await browser.visit('/account/switch'), /\/account\/switch$/, { account })

/** The name of the account in the navigation. */
const shownAccount = async (): Promise<string> => {
  const { text } = await browser.visit('/account/security')
  return /class="detail"><bdi>([^<@]*)<\/bdi>/.exec(text)![1]!
}

test('a user sees in which account they act, and switches to another one', async () => {
  expect(await shownAccount()).toBe(await nameOf(first))
  const choice = await browser.visit('/account/switch')
  expect(wordsOf(choice)).toContain(`${await nameOf(first)} Admin · current account`)
  expect(wordsOf(choice)).toContain(`${await nameOf(second)} Developer`)
  expect(wordsOf(await switchTo(second))).toContain('Account switched.')
  expect(await shownAccount()).toBe(await nameOf(second))
  // A developer does not see users.
  expect((await browser.visit('/users')).status).toBe(403)
  await switchTo(first)
  expect((await browser.visit('/users')).status).toBe(200)
})

test('a user whose address nobody has confirmed reads whom to ask, and does not switch', async () => {
  await server
    .knex('users')
    .where({ id: user.id })
    .update({ vouched_email_key: null, proven_mailbox_key: server.knex.ref('email_key') })
  await server.knex('memberships').where({ user_id: user.id, account_id: second }).update({ needs_proof: true })
  const page = await browser.visit('/account/switch')
  const asked = `To work in the account ${await nameOf(second)} too, ask Keywright to confirm that ${user.email} is your email address.`
  expect(wordsOf(page)).toContain(asked)
  expect(page.text).not.toContain(`value="${second}"`)
  await switchTo(second)
  expect(await shownAccount()).toBe(await nameOf(first))
})

test('a user of one account is offered no other', async () => {
  const single = await createTestUser(server.knex, first, 'admin')
  const own = await enter(server, single)
  expect((await own.visit('/')).text).not.toContain('/account/switch')
  expect((await browser.visit('/')).text).toContain('/account/switch')
})

test('a user does not switch to an account of others, or to one where they are disabled', async () => {
  const third = await server.make.account()
  expect((await switchTo(third)).status).toBe(404)
  await changeUserStatus(server.knex, user.id, 'disabled', ACTOR, { accountId: second })
  expect((await switchTo(second)).status).toBe(404)
  expect(await shownAccount()).toBe(await nameOf(first))
})

test('a user switches to an account that the page has no room for, and not to what is no ID', async () => {
  await addManyAccounts(server.knex, user)
  const choice = await browser.visit('/account/switch')
  expect(choice.text.match(/name="account"/g)).toHaveLength(200)
  expect(choice.text).not.toContain(second)
  await browser.submit(choice, /\/account\/switch$/, { account: second })
  expect(await shownAccount()).toBe(await nameOf(second))
  for (const account of ['', 'x', "'"]) expect((await switchTo(account)).status).toBe(404)
})

test('the end of a membership moves the session to another account', async () => {
  await switchTo(second)
  await removeMember(server.knex, { userId: user.id, accountId: second }, ACTOR)
  expect(await shownAccount()).toBe(await nameOf(first))
  expect((await browser.visit('/account/security')).text).not.toContain('/account/switch')
})

test('the session stays in the account when the password changes and when other sessions end', async () => {
  await switchTo(second)
  const form = await browser.visit('/account/password')
  const next = `${PASSWORD} and another`
  await browser.submit(form, /password$/, { present: PASSWORD, password: next, repeat: next })
  expect(await shownAccount()).toBe(await nameOf(second))
  await browser.submit(await browser.visit('/account/security/sessions/others'), /others$/)
  expect(await shownAccount()).toBe(await nameOf(second))
})

test('a form that was shown before the switch is not accepted after it', async () => {
  const form = await browser.visit('/account/password')
  await switchTo(second)
  const refused = await browser.submit(form, /password$/, { present: PASSWORD, password: 'x', repeat: 'x' })
  expect(refused.status).toBe(403)
})

test('the page takes three statements', async () => {
  expect((await statementsOf(browser, '/account/switch')).length).toBeLessThanOrEqual(3)
})
