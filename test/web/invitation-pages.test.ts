/** A person who has a user is invited to another account: by a link, by a one-time password, on their home page. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { AccountInvitation } from '../../src/accounts/account-invitations.ts'
import { addUser } from '../../src/accounts/user-administration.ts'
import { mayAnswer } from '../../src/web/invitation-pages.ts'
import type { SignedInUser } from '../../src/web/sign-in-directory.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { type Browser, openBrowser, type Page, signIn } from '../support/scriptless-browser.ts'
import { linkIn, startSmtpServer } from '../support/smtp-servers.ts'
import { createTestUser, PASSWORD, type Person } from '../support/test-users.ts'
import { enter, wordsOf } from './console/console-visits.ts'

let smtp: Awaited<ReturnType<typeof startSmtpServer>>
let server: Keywright

beforeAll(async () => {
  smtp = await startSmtpServer()
  server = await startKeywright({ env: { SMTP_URL: smtp.url, SMTP_TLS: 'off', MAIL_FROM: 'auth@example.com' } })
})
afterAll(async () => {
  await server?.stop()
  await smtp?.stop()
})

/** A person with a user, and an admin of another account. */
async function people(): Promise<{ person: Person; admin: Person }> {
  const [own, other] = [await server.make.account(), await server.make.account()]
  await server.knex('accounts').where({ id: other }).update({ name: 'Globex' })
  return { person: await createTestUser(server.knex, own), admin: await createTestUser(server.knex, other, 'admin') }
}

async function inviteByMail({ person, admin }: { person: Person; admin: Person }): Promise<URL> {
  const console = await enter(server, admin)
  const form = await console.visit('/users/invite')
  const invited = await console.submit(form, /\/users\/invite$/, { email: person.email, role: 'viewer' })
  expect(wordsOf(invited)).toContain('Invitation sent')
  return linkIn(await smtp.mailTo(person.email, /invited to Globex/))
}

async function inviteByPassword({ person, admin }: { person: Person; admin: Person }): Promise<string> {
  const { email } = person
  const added = { email, role: 'viewer', accountId: admin.accountId, invitedBy: admin.id, mayBePending: true } as const
  return (await addUser(server.knex, added, { type: 'cli' })).password
}

const roleOf = async ({ person, admin }: { person: Person; admin: Person }): Promise<string | undefined> =>
  (await server.knex('memberships').where({ user_id: person.id, account_id: admin.accountId }).first('role'))?.role

const ANSWER = /\/invitation$/

/** Who joins keeps what they have set up. */
const press = (browser: Browser, page: Page, answer: 'join' | 'decline') =>
  browser.submit(page, ANSWER, { answer, earlier: 'keep' })

test('a person opens the link, signs in with their own password, and joins', async () => {
  const both = await people()
  const link = await inviteByMail(both)
  const browser = openBrowser(server.url)
  const asked = await browser.visit(link.pathname + link.search)
  expect(asked.status).toBe(200)
  expect(wordsOf(asked)).toContain(`Join Globex? ${both.admin.name} invited you to the account Globex .`)
  expect(wordsOf(asked)).toContain(`Sign in as ${both.person.email} with your own password or passkey.`)
  const form = await browser.submit(asked, ANSWER)
  expect(form.text).toContain(`value="${both.person.email}"`)
  const page = await signIn(browser, form, both.person.email, PASSWORD)
  expect(wordsOf(page)).toContain('Your role there: Viewer. The admins of Globex will see your name and email address')
  const joined = await press(browser, page, 'join')
  expect(wordsOf(joined)).toContain('You joined the account.')
  expect(await roleOf(both)).toBe('viewer')
  const again = await press(browser, page, 'join')
  expect([again.status, wordsOf(again)]).toEqual([400, expect.stringContaining('This invitation no longer works')])
  expect((await browser.visit(link.pathname + link.search)).status).toBe(400)
})

test('the one-time password leads to the same page, and declining joins nothing', async () => {
  const both = await people()
  const password = await inviteByPassword(both)
  const browser = openBrowser(server.url)
  const asked = await signIn(browser, await browser.visit('/signin'), both.person.email, password)
  expect(wordsOf(asked)).toContain('Join Globex?')
  expect(wordsOf(asked)).not.toContain('Decline')
  expect((await browser.visit('/account/security')).url).toContain('/signin')
  const page = await signIn(browser, await browser.submit(asked, ANSWER), both.person.email, PASSWORD)
  expect(wordsOf(await press(browser, page, 'decline'))).toContain('Invitation declined.')
  expect(await roleOf(both)).toBeUndefined()
  const pending = await server
    .knex('users')
    .where({ email: both.person.email, account_id: both.admin.accountId })
    .first()
  expect(pending?.status ?? 'deleting').toBe('deleting')
})

test('nobody else can answer: not another user, not without a session, not from another site', async () => {
  const both = await people()
  const link = await inviteByMail(both)
  const token = link.searchParams.get('token')!
  const admin = await enter(server, both.admin)
  const asked = await admin.visit(`/invitation?token=${token}`)
  expect(wordsOf(asked)).toContain(`Sign in as ${both.person.email}`)
  expect(wordsOf(asked)).not.toContain('Decline')
  for (const browser of [admin, openBrowser(server.url)]) {
    const page = await browser.visit(`/invitation?token=${token}`)
    await press(browser, page, 'join')
    await press(browser, page, 'decline')
  }
  const person = await enter(server, both.person)
  const page = await person.visit(`/invitation?token=${token}`)
  const forged = await person.submit(page, ANSWER, { answer: 'join', csrf: 'of yesterday' })
  expect(forged.status).toBe(403)
  expect(await roleOf(both)).toBeUndefined()
  await press(person, page, 'join')
  expect(await roleOf(both)).toBe('viewer')
})

test('a person whose address is proven finds the invitation on their home page', async () => {
  const both = await people()
  await inviteByPassword(both)
  const browser = await enter(server, both.person)
  expect(wordsOf(await browser.visit('/'))).not.toContain('Globex')
  await server.knex('users').where({ id: both.person.id }).update({ proven_mailbox_key: both.person.email })
  const home = await browser.visit('/')
  expect(wordsOf(home)).toContain(`Join Globex? ${both.admin.name} invited you to the account Globex .`)
  const path = /href="(\/invitation\?[^"]*)"/.exec(home.text)![1]!
  expect((await openBrowser(server.url).visit(path)).url).toContain('/signin')
  const joined = await press(browser, await browser.visit(path), 'join')
  expect(wordsOf(joined)).toContain('You joined the account.')
  expect(wordsOf(await browser.visit('/'))).not.toContain('Join Globex')
})

test.each(['', '?token=', '?token=kwl_0', '?token=a&token=b', `?token=${'x'.repeat(5000)}`, '?token=%00'])(
  'a token that nobody issued is a page that says how to go on: %s',
  async (query) => {
    const page = await openBrowser(server.url).visit(`/invitation${query}`)
    expect(page.status).toBe(400)
  },
)

test('a session that is fixed to an account answers no invitation', () => {
  const invitation = { email: 'ada@example.com' } as AccountInvitation
  const user = { email: 'Ada@example.com', isAccountFixed: false } as SignedInUser
  expect(mayAnswer(invitation, user)).toBe(true)
  expect(mayAnswer(invitation, { ...user, isAccountFixed: true })).toBe(false)
  expect(mayAnswer(invitation, { ...user, email: 'eve@example.com' })).toBe(false)
})
