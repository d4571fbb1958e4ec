/** The pages on which users change their own address. */
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { untilLocked } from '../support/lock-waits.ts'
import { openBrowser, type Page, signIn } from '../support/scriptless-browser.ts'
import { linkIn, type ReceivedMail, startSmtpServer } from '../support/smtp-servers.ts'
import { createTestUser, PASSWORD, type Person } from '../support/test-users.ts'
import { enter, wordsOf } from './console/console-visits.ts'

const EMAIL = '/account/email'
const CONFIRM = /Confirm your new email address/

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
afterEach(() => void vi.useRealTimers())

let made = 0

const newAddress = () => `moved-${++made}@example.org`

const newPerson = async (): Promise<Person> => createTestUser(server.knex, await server.make.accountId())

const storedEmail = async ({ id }: Person): Promise<string> => (await server.knex('users').where({ id }).first()).email

/** The messages of a requested change; the sign-in of the test may cause a notice. */
const changesRequestedBy = ({ id }: Person) =>
  server.knex('mail_messages').where({ user_id: id }).whereLike('kind', 'email_change%')

const pathIn = (mail: ReceivedMail): string => linkIn(mail).pathname + linkIn(mail).search

/** A browser in which a user has asked for a new address, and the path of the link to it. */
async function ask(person: Person, email = newAddress()) {
  const browser = await enter(server, person)
  const sent = await browser.submit(await browser.visit(EMAIL), /\/account\/email$/, { email })
  return { browser, sent, email, path: pathIn(await smtp.mailTo(email, CONFIRM)) }
}

const kept = ({ text }: Page): string => /name="email"[^>]* value="([^"]*)"/.exec(text)![1]!

test('a user changes the address by a link to the new one; the old one receives two notices', async () => {
  const person = await newPerson()
  const elsewhere = await enter(server, person)
  const { browser, sent, email, path } = await ask(person)
  expect(wordsOf(sent)).toContain('Check the inbox of the new address')
  const requested = await smtp.mailTo(person.email, /is about to change/)
  expect(requested.body).toContain(`New address: ${email}`)
  expect(requested.body).toContain('Was this not you?')
  expect(requested.body).not.toContain('?token=')
  const page = await browser.visit(path)
  expect(wordsOf(page)).toContain(`You sign in with ${email} from now on. ${person.email} no longer works.`)
  expect(await storedEmail(person)).toBe(person.email)
  const changed = await browser.submit(page, /\/email\/confirm$/)
  expect(wordsOf(changed)).toMatch(new RegExp(`Email address changed.*${email}.*Verified`))
  expect(await storedEmail(person)).toBe(email)
  expect((await elsewhere.visit('/account/security')).url).toContain('/signin')
  const notice = await smtp.mailTo(person.email, /was changed/)
  expect(notice.body).toContain(`${person.email} no longer signs in`)
  expect(await server.knex('mail_messages').where({ recipient: email, kind: 'email_changed' })).toEqual([])
  const again = await browser.submit(page, /\/email\/confirm$/)
  expect([again.status, wordsOf(again)]).toEqual([400, expect.stringContaining('This link no longer works')])
})

test('the link takes a sign-in of its user; a mail scanner changes nothing', async () => {
  const person = await newPerson()
  const { email, path } = await ask(person)
  const scanner = openBrowser(server.url)
  expect(wordsOf(await scanner.visit(path))).toContain('Sign in')
  expect(await storedEmail(person)).toBe(person.email)
  const stranger = await enter(server, await newPerson())
  expect((await stranger.visit(path)).status).toBe(400)
  const browser = openBrowser(server.url)
  const page = await signIn(browser, await browser.visit(path), person.email, PASSWORD)
  expect(wordsOf(page)).toContain('Confirm your new email address?')
  await browser.submit(page, /\/email\/confirm$/)
  expect(await storedEmail(person)).toBe(email)
})

test('a confirmation without its session leads back to the confirmation', async () => {
  const person = await newPerson()
  const { browser, path } = await ask(person)
  const page = await browser.visit(path)
  await browser.submit(page, /\/signout$/)
  const asked = await browser.submit(page, /\/email\/confirm$/)
  expect(wordsOf(await signIn(browser, asked, person.email, PASSWORD))).toContain('Confirm your new email address?')
})

test('an address of another user gets the same answer, and its owner a message', async () => {
  const owner = await newPerson()
  const browser = await enter(server, await newPerson())
  const answers = []
  for (const email of [newAddress(), owner.email, ` ${owner.email.toUpperCase()} `]) {
    const page = await browser.submit(await browser.visit(EMAIL), /\/account\/email$/, { email })
    answers.push([page.status, page.url, wordsOf(page)])
  }
  expect(answers[1]).toEqual(answers[0])
  expect(answers[2]).toEqual(answers[0])
  const mail = await smtp.mailTo(owner.email, /already used/, 2)
  expect(mail.body).not.toContain('?token=')
  expect(smtp.to(owner.email, /already used/)).toHaveLength(2)
})

test.each([
  ['', 'Enter an email address'],
  ['ada', 'Enter an email address'],
  ['ada@example.com\r\nBcc: eve@example.com', 'Enter an email address'],
  ['ada@example.com\nSubject: hello', 'Enter an email address'],
  ['ada@example.com,eve@example.com', 'Enter an email address'],
  ['ada@example.com, eve@example.com', 'Enter an email address'],
  ['Ada <ada@example.com>', 'Enter an email address'],
  ['ada@exa mple.com', 'Enter an email address'],
  [`${'x'.repeat(250)}@example.com`, 'Enter an email address'],
  ['ada\u202e@example.com', 'Enter an email address'],
])('what is not one address is an error at the field, and kept there: %j', async (email, error) => {
  const person = await newPerson()
  const browser = await enter(server, person)
  const page = await browser.submit(await browser.visit(EMAIL), /\/account\/email$/, { email })
  expect([page.status, page.text.includes('id="email-error"'), wordsOf(page)]).toEqual([
    400,
    true,
    expect.stringContaining(error),
  ])
  if (!/[\r\n<]/.test(email)) expect(kept(page)).toBe(email)
  expect(await changesRequestedBy(person)).toEqual([])
})

test('the present address is not a new one', async () => {
  const person = await newPerson()
  const browser = await enter(server, person)
  const page = await browser.submit(await browser.visit(EMAIL), /\/account\/email$/, { email: ` ${person.email} ` })
  expect([page.status, wordsOf(page)]).toEqual([400, expect.stringContaining('This is your current address')])
})

test.each([
  ['a,b@example.org', 'a,b@example.org', '<"a,b"@example.org>'],
  ["o'brien+news@example.org", "o'brien+news@example.org", "<o'brien+news@example.org>"],
  ['ada@Bücher.Example', 'ada@xn--bcher-kva.example', '<ada@bücher.example>'],
])('an unusual address receives the link, as one address: %s', async (typed, email, envelope) => {
  const person = await newPerson()
  const browser = await enter(server, person)
  await browser.submit(await browser.visit(EMAIL), /\/account\/email$/, { email: typed })
  const sent = () => server.knex('mail_messages').where({ user_id: person.id, kind: 'email_change' }).first()
  await expect.poll(async () => (await sent()).status).not.toBe('queued')
  expect(await sent()).toMatchObject({ status: 'sent', recipient: email })
  // The server shows the domain in Unicode.
  const mail = smtp.accepted.find(
    ({ headers, to }) => CONFIRM.test(headers.get('subject') ?? '') && `<${to.join()}>` === envelope,
  )!
  expect(mail.to).toHaveLength(1)
  const page = await browser.visit(pathIn(mail))
  expect(wordsOf(await browser.submit(page, /\/email\/confirm$/))).toContain('Email address changed')
  expect(await storedEmail(person)).toBe(email)
})

test('a session that is ended while it confirms an address changes nothing', async () => {
  const person = await newPerson()
  const { browser, path } = await ask(person)
  const page = await browser.visit(path)
  const trx = await server.knex.transaction()
  await trx('users').where({ id: person.id }).forUpdate().select('id')
  const confirmed = browser.submit(page, /\/email\/confirm$/)
  await untilLocked({ query: (text) => server.knex.raw(text) }, confirmed)
  await trx('engine_models').where({ model: 'Session', user_id: person.id }).update({ payload: null, user_id: null })
  await trx.commit()
  expect((await confirmed).status).toBe(400)
  expect(await storedEmail(person)).toBe(person.email)
})

test('a change takes a sign-in of the last ten minutes', async () => {
  const person = await newPerson()
  const browser = await enter(server, person)
  const form = await browser.visit(EMAIL)
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 11 * 60_000 })
  for (const page of [
    await browser.visit(EMAIL),
    await browser.submit(form, /\/account\/email$/, { email: newAddress() }),
  ])
    expect(wordsOf(page)).toContain('Confirm your password')
  expect(await changesRequestedBy(person)).toEqual([])
})

test('a user who asks too often waits, and reads how long', async () => {
  const browser = await enter(server, await newPerson())
  const form = await browser.visit(EMAIL)
  for (let n = 0; n < 5; n++) await browser.submit(form, /\/account\/email$/, { email: newAddress() })
  const late = await browser.submit(form, /\/account\/email$/, { email: newAddress() })
  expect([late.status, wordsOf(late)]).toEqual([429, expect.stringMatching(/Too many requests.*try again in/)])
  expect(Number(late.headers.get('retry-after'))).toBeGreaterThan(0)
})

test('an instance without e-mail offers no change of address', async () => {
  const plain = await startKeywright()
  try {
    const browser = await enter(plain, await createTestUser(plain.knex, plain.firstStart.accountId))
    expect((await browser.visit(EMAIL)).status).toBe(404)
    expect((await browser.visit('/account/security')).text).not.toContain(EMAIL)
  } finally {
    await plain.stop()
  }
})
