/** Pages that links in messages open: the verification of an address. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { managementToken, managingApplication, rawManagement } from '../support/management.ts'
import { openBrowser, signIn } from '../support/scriptless-browser.ts'
import { linkIn, startSmtpServer } from '../support/smtp-servers.ts'
import { createTestUser, type Person } from '../support/test-users.ts'
import { createOperator, enter, wordsOf } from './console/console-visits.ts'

const SECURITY = '/account/security'

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

const newPerson = async (): Promise<Person> => createTestUser(server.knex, await server.make.accountId())

const isVerified = async ({ id }: Person): Promise<boolean> =>
  (await server.knex('users').where({ id }).first()).email_verified

/** The page that the link to a user opens in another browser, in which they sign in. */
async function openLink({ email, password }: Person, number = 1) {
  const { pathname, search } = linkIn(await smtp.mailTo(email, /Verify your email address/, number))
  const browser = openBrowser(server.url)
  const asked = await browser.visit(pathname + search)
  expect(wordsOf(asked)).toContain(`Sign in to confirm that this address is yours: ${email}`)
  const form = await browser.submit(asked, /\/email\/verify$/)
  return { browser, page: await signIn(browser, form, email, password) }
}

const KEEP = { earlier: 'keep' }

test('a user asks for a link on the Security page, and verifies the address with it once', async () => {
  const person = await newPerson()
  const browser = await enter(server, person)
  const security = await browser.visit(SECURITY)
  expect(wordsOf(security)).toMatch(new RegExp(`${person.email}.*Not verified`))
  expect(security.text).toContain('/account/email/verification')
  const asked = await browser.visit('/account/email/verification')
  const sent = await browser.submit(asked, /\/verification$/)
  expect(wordsOf(sent)).toContain('Link sent. Open it in your email within one day.')
  const { browser: other, page } = await openLink(person)
  expect(wordsOf(page)).toContain(`Confirm that this address is yours: ${person.email}`)
  expect(await isVerified(person)).toBe(false)
  expect(wordsOf(await other.submit(page, /\/email\/verify$/, KEEP))).toContain('Email address verified')
  expect(await isVerified(person)).toBe(true)
  const again = await other.submit(page, /\/email\/verify$/, KEEP)
  expect([again.status, wordsOf(again)]).toEqual([400, expect.stringContaining('This link no longer works')])
  const verified = await browser.visit(SECURITY)
  expect(wordsOf(verified)).toMatch(/ Verified/)
  expect(verified.text).not.toContain('/account/email/verification')
  expect(wordsOf(await browser.submit(asked, /\/verification$/))).toContain('Email address')
  expect(smtp.to(person.email, /Verify/)).toHaveLength(1)
})

test('an operator sends a link in the console, and a program by the API', async () => {
  const person = await newPerson()
  const browser = await enter(server, await createOperator(server.knex))
  const user = await browser.visit(`/users/${person.id}`)
  expect(user.text).toContain(`/users/${person.id}/verification`)
  const asked = await browser.visit(`/users/${person.id}/verification`)
  expect(wordsOf(asked)).toContain('signs nobody in')
  expect(wordsOf(await browser.submit(asked, /\/verification$/))).toContain('Link sent. It works for one day.')
  await openLink(person)
  const token = await managementToken(server, await managingApplication(server, null))
  const api = rawManagement(server.url, token)
  const path = `/users/${person.id}/send-verification`
  expect(await api.json('POST', path, undefined as never)).toMatchObject({ status: 200, body: { id: person.id } })
  const { browser: other, page } = await openLink(person, 2)
  await other.submit(page, /\/email\/verify$/, KEEP)
  expect(await api.json('POST', path, undefined as never)).toMatchObject({ status: 409 })
  expect((await browser.visit(`/users/${person.id}`)).text).not.toContain(`/users/${person.id}/verification`)
})

test('a user who asks too often waits', async () => {
  const browser = await enter(server, await newPerson())
  const asked = await browser.visit('/account/email/verification')
  for (let n = 0; n < 5; n++) expect((await browser.submit(asked, /\/verification$/)).status).toBe(200)
  const late = await browser.submit(asked, /\/verification$/)
  expect([late.status, Number(late.headers.get('retry-after'))]).toEqual([429, expect.any(Number)])
})

test.each(['', '?token=', '?token=kwl_0', '?token=a&token=b', `?token=${'x'.repeat(5000)}`])(
  'a link with a token that nobody issued is a page that tells how to go on: %s',
  async (query) => {
    const page = await openBrowser(server.url).visit(`/email/verify${query}`)
    expect(page.status).toBe(400)
    expect(wordsOf(page)).toMatch(/This link no longer works|twice/)
  },
)

test('after a form that the CSRF check refuses, the link of the page opens the form again', async () => {
  const person = await newPerson()
  const asking = await enter(server, person)
  await asking.submit(await asking.visit('/account/email/verification'), /\/verification$/)
  const { browser, page } = await openLink(person)
  const refused = await browser.submit(page, /\/email\/verify$/, { ...KEEP, csrf: 'of yesterday' })
  expect(refused.status).toBe(403)
  const again = await browser.visit(/href="(\/email\/verify[^"]*)">Try again/.exec(refused.text)![1]!)
  expect(wordsOf(again)).toContain(`Confirm that this address is yours: ${person.email}`)
})

test('an instance without e-mail offers no link', async () => {
  const plain = await startKeywright()
  try {
    const person = await createTestUser(plain.knex, plain.firstStart.accountId)
    const browser = await enter(plain, person)
    expect(wordsOf(await browser.visit(SECURITY))).toContain('An operator can change it.')
    expect((await browser.visit('/account/email/verification')).status).toBe(404)
    const console = await enter(plain, await createOperator(plain.knex))
    expect((await console.visit(`/users/${person.id}`)).text).not.toContain('/verification')
  } finally {
    await plain.stop()
  }
})
