import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { until } from '../support/load.ts'
import { type Browser, openBrowser, signIn } from '../support/scriptless-browser.ts'
import { decodedHeader, linkIn, type ReceivedMail, startSmtpServer } from '../support/smtp-servers.ts'
import { createTestUser, PASSWORD, type Person } from '../support/test-users.ts'
import { createOperator, enter, wordsOf } from './console/console-visits.ts'

const NEW_PASSWORD = 'nine teal bicycles 4'

let smtp: Awaited<ReturnType<typeof startSmtpServer>>
let server: Keywright
let operator: Person

beforeAll(async () => {
  smtp = await startSmtpServer()
  server = await startKeywright({ env: { SMTP_URL: smtp.url, SMTP_TLS: 'off', MAIL_FROM: 'auth@example.com' } })
  operator = await createOperator(server.knex)
})
afterAll(async () => {
  await server?.stop()
  await smtp?.stop()
})

/** The page that the link of a message opens, in another browser. */
async function openLink(
  mail: ReceivedMail,
): Promise<{ browser: Browser; page: Awaited<ReturnType<Browser['visit']>> }> {
  const link = linkIn(mail)
  const browser = openBrowser(server.url)
  return { browser, page: await browser.visit(link.pathname + link.search) }
}

const choose = (browser: Browser, page: Awaited<ReturnType<Browser['visit']>>, password: string, repeat = password) =>
  browser.submit(page, /\/password\/new$/, { password, repeat })

test('a user who forgot the password chooses a new one by the link, and then signs in with it', async () => {
  const user = await createTestUser(server.knex, await server.make.accountId())
  const earlier = await enter(server, user)
  const browser = openBrowser(server.url)
  const signInPage = await browser.visit('/signin')
  expect(signInPage.text).toContain('<a href="/password/forgot">Forgot your password?</a>')
  const forgot = await browser.visit('/password/forgot')
  expect(wordsOf(await browser.submit(forgot, /forgot$/, { email: user.email }))).toContain('Check your email')
  const { browser: other, page } = await openLink(await smtp.mailTo(user.email, /Choose a new password/))
  expect(page.status).toBe(200)
  expect(wordsOf(page)).toContain(`Choose the new password for ${user.email}`)
  expect(page.headers.get('referrer-policy')).toBe('same-origin')
  expect((await choose(other, page, NEW_PASSWORD, 'something else 12')).status).toBe(400)
  expect((await choose(other, page, 'password1234')).status).toBe(400)
  const saved = await choose(other, page, NEW_PASSWORD)
  expect(wordsOf(saved)).toContain('Password saved. Sign in with your new password.')
  expect((await earlier.visit('/account/password')).url).toContain('/signin')
  const again = await choose(other, page, 'another password 77')
  expect([again.status, wordsOf(again)]).toEqual([400, expect.stringContaining('This link no longer works')])
  const signedIn = await signIn(other, await other.visit('/signin'), user.email, NEW_PASSWORD)
  expect(signedIn.status).toBe(200)
  expect(signedIn.url).not.toContain('/signin')
})

test('the answer to a request is the same for an address that no user has', async () => {
  const user = await createTestUser(server.knex, await server.make.accountId())
  const answers = []
  for (const email of [user.email, 'nobody-has-this@example.com']) {
    const browser = openBrowser(server.url)
    const page = await browser.submit(await browser.visit('/password/forgot'), /forgot$/, { email })
    answers.push([page.status, page.url, wordsOf(page)])
  }
  expect(answers[0]).toEqual(answers[1])
  await smtp.mailTo(user.email, /Choose a new password/)
  expect(smtp.to('nobody-has-this@example.com')).toEqual([])
})

test('the message has the language of the page that requested it, which reveals nothing of the address', async () => {
  const user = await createTestUser(server.knex, await server.make.accountId())
  const answers = []
  for (const email of [user.email, 'nobody-has-that@example.com']) {
    const browser = openBrowser(server.url)
    const forgot = await browser.visit('/language?to=ja&return_to=%2Fpassword%2Fforgot')
    const page = await browser.submit(forgot, /forgot$/, { email })
    answers.push([page.status, page.url, wordsOf(page)])
  }
  expect(answers[0]![2]).toContain('メールをご確認ください')
  expect(answers[0]).toEqual(answers[1])
  await until(() => smtp.to(user.email).length > 0)
  const [mail] = smtp.to(user.email)
  expect(decodedHeader(mail!, 'subject')).toMatch(/の新しいパスワードの設定$/)
  expect(linkIn(mail!).pathname).toBe('/password/new')
})

test('what is not an address is an error at the field', async () => {
  const browser = openBrowser(server.url)
  for (const email of ['', 'ada', 'ada@', 'ada@example.com\r\nBcc: eve@example.com']) {
    const page = await browser.submit(await browser.visit('/password/forgot'), /forgot$/, { email })
    expect(page.status).toBe(400)
    expect(wordsOf(page)).toContain('Enter your email address.')
  }
})

test('after a form that the CSRF check refuses, the link of the page opens the form again', async () => {
  const user = await createTestUser(server.knex, await server.make.accountId())
  const forgetful = openBrowser(server.url)
  await forgetful.submit(await forgetful.visit('/password/forgot'), /forgot$/, { email: user.email })
  const { browser, page } = await openLink(await smtp.mailTo(user.email, /Choose a new password/))
  const password = { password: NEW_PASSWORD, repeat: NEW_PASSWORD }
  for (const refusing of [browser, openBrowser(server.url)]) {
    const refused = await refusing.submit(page, /\/password\/new$/, { ...password, csrf: 'of yesterday' })
    expect(refused.status).toBe(403)
    const again = await browser.visit(/href="(\/password\/new[^"]*)">Try again/.exec(refused.text)![1]!)
    expect(wordsOf(again)).toContain(`Choose the new password for ${user.email}`)
  }
})

test.each(['', '?token=', '?token=kwl_0', '?token=a&token=b', `?token=${'x'.repeat(5000)}`])(
  'a link with a token that nobody issued is a page that tells how to go on: %s',
  async (query) => {
    const page = await openBrowser(server.url).visit(`/password/new${query}`)
    expect(page.status).toBe(400)
    expect(wordsOf(page)).toMatch(/This link no longer works|twice/)
  },
)

test('an invited user receives a link, chooses a password and signs in', async () => {
  const browser = await enter(server, operator)
  const email = 'invited@example.com'
  const form = await browser.visit('/users/invite')
  expect(wordsOf(form)).toContain('The user receives an email with a link')
  const account = await server.make.accountId()
  const invited = await browser.submit(form, /\/users\/invite$/, { email, role: 'member', accountId: account })
  expect(wordsOf(invited)).toContain('Invitation sent')
  const mail = await smtp.mailTo(email, /invited/)
  expect(mail.headers.get('subject')).toContain('You are invited to')
  const userPath = new URL(invited.url).pathname
  const asked = await browser.visit(`${userPath}/invitation`)
  expect(wordsOf(await browser.submit(asked, /\/invitation$/))).toContain('Invitation sent')
  await smtp.mailTo(email, /invited/, 2)
  const { browser: other, page } = await openLink(mail)
  expect(wordsOf(page)).toContain('You were invited. Choose the password for invited@example.com')
  await choose(other, page, PASSWORD)
  const signedIn = await signIn(other, await other.visit('/signin'), email, PASSWORD)
  expect(signedIn.url).not.toContain('/signin')
  expect(await server.knex('users').where({ email }).first()).toMatchObject({ email_verified: true })
  const late = await browser.submit(asked, /\/invitation$/)
  expect(late.status).toBe(409)
})

test('an operator previews templates, sees what failed, and sends it again', async () => {
  const browser = await enter(server, operator)
  const settings = await browser.visit('/settings/instance')
  expect(wordsOf(settings)).toContain(`localhost:${smtp.port}`)
  const tested = await browser.submit(await browser.visit('/settings/instance/email/test'), /\/test$/)
  expect(wordsOf(tested)).toContain('Test email queued')
  await smtp.mailTo(operator.email, /Test message/)
  const preview = await browser.visit('/settings/instance/email/preview?kind=invitation')
  expect(wordsOf(preview)).toContain('You are invited to ACME Corp')
  expect(preview.headers.get('content-security-policy')).toContain("frame-src 'self'")
  expect(preview.text).toMatch(/<a [^>]*lang="en"[^>]* aria-current="page">English/)
  const inArabic = await browser.visit('/settings/instance/email/preview?kind=invitation&language=ar')
  expect(inArabic.text).toMatch(/<pre [^>]*lang="ar" dir="rtl">/)
  const frame = /<iframe [^>]*src="([^"]+)"/.exec(inArabic.text)![1]!.replaceAll('&amp;', '&')
  expect((await browser.visit(frame)).text).toContain('<html lang="ar" dir="rtl">')
  expect((await browser.visit('/settings/instance/email/preview?language=tlh')).status).toBe(400)
  const html = await browser.visit('/settings/instance/email/preview/html?kind=invitation')
  expect(html.headers.get('content-security-policy')).toMatch(/default-src 'none'.*sandbox/)
  const sent = { recipient: operator.email, kind: 'test', status: 'sent' }
  await until(async () => (await server.knex('mail_messages').where(sent)).length === 1)
  const message = await server.knex('mail_messages').where(sent).first()
  const failed = { status: 'failed', parameters: '{}', error: '550 no such mailbox' }
  await server.knex('mail_messages').where({ id: message.id }).update(failed)
  const list = await browser.visit('/settings/instance/email?status=failed')
  expect(wordsOf(list)).toContain('550 no such mailbox')
  const path = `/settings/instance/email/messages/${message.id}/send-again`
  expect(list.text).toContain(path)
  expect(wordsOf(await browser.submit(await browser.visit(path), /send-again$/))).toContain(
    'The message is sent again.',
  )
  const second = await smtp.mailTo(operator.email, /Test message/, 2)
  expect(second.headers.get('message-id')).toBe(`<${message.id}@example.com>`)
})

test('without a mail configuration, pages are as before and tell an operator what to set', async () => {
  const plain = await startKeywright()
  try {
    const browser = openBrowser(plain.url)
    expect((await browser.visit('/password/forgot')).status).toBe(404)
    expect(wordsOf(await browser.visit('/signin'))).toContain('Ask your account admin')
    const inConsole = await enter(plain, await createOperator(plain.knex))
    expect(wordsOf(await inConsole.visit('/settings/instance'))).toContain('set SMTP_URL and MAIL_FROM')
    expect(wordsOf(await inConsole.visit('/users/invite'))).toContain('one-time password')
  } finally {
    await plain.stop()
  }
})
