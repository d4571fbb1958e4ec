/** The pages on which users change their own second factors. */
import { generate } from 'otplib'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { type Browser, openBrowser, type Page, signIn } from '../support/scriptless-browser.ts'
import { addTestApp } from '../support/second-factors.ts'
import { createTestUser, PASSWORD, type Person } from '../support/test-users.ts'
import { enter, statementsOf, wordsOf } from './console/console-visits.ts'

const SECURITY = '/account/security'
const CODES = /<li>[0-9a-z]{4}(-[0-9a-z]{4}){3}<\/li>/g

let server: Keywright

beforeAll(async () => {
  server = await startKeywright()
})
afterAll(() => server.stop())
afterEach(() => void vi.useRealTimers())

const newPerson = (): Promise<Person> => createTestUser(server.knex, server.firstStart.accountId)

const addAppTo = ({ id }: Person) => addTestApp(server.knex, server.instance.encryptionKeys, id)

/** Signed in with both factors. */
async function enterWithApp(person: Person): Promise<Browser> {
  const app = await addAppTo(person)
  const browser = openBrowser(server.url)
  const asked = await signIn(browser, await browser.visit('/signin'), person.email, PASSWORD)
  await browser.submit(asked, /\/factor$/, { code: await app.code() })
  return browser
}

const secretOn = ({ text }: Page): string => /totp-key">([A-Z2-7 ]+)</.exec(text)![1]!.replaceAll(' ', '')

async function addByPage(browser: Browser, name = ''): Promise<Page> {
  const page = await browser.visit(`${SECURITY}/apps`)
  return await browser.submit(page, /\/apps$/, { name, code: await generate({ secret: secretOn(page) }) })
}

test('a user adds an authenticator app, sees the recovery codes once, and finds the app in the list', async () => {
  const browser = await enter(server, await newPerson())
  expect(wordsOf(await browser.visit(SECURITY))).toContain('Your password alone is enough to sign in')
  const added = await addByPage(browser, 'Work phone')
  expect(added.text.match(CODES)).toHaveLength(10)
  const page = await browser.visit(SECURITY)
  expect(wordsOf(page)).toMatch(/Work phone.*10 of 10/)
  expect(page.text).not.toMatch(CODES)
  const second = await addByPage(browser)
  expect([second.text.match(CODES), wordsOf(second)]).toEqual([
    null,
    expect.stringContaining('Authenticator app added'),
  ])
})

test('a wrong code or name is shown at its field, with the same key', async () => {
  const browser = await enter(server, await newPerson())
  const page = await browser.visit(`${SECURITY}/apps`)
  const wrong = await browser.submit(page, /\/apps$/, { name: 'x'.repeat(61), code: '12' })
  expect(wrong.status).toBe(400)
  expect(secretOn(wrong)).toBe(secretOn(page))
  expect(wordsOf(wrong)).toMatch(/Incorrect code/)
  expect(wrong.text).toContain('id="name-error"')
})

test('a user removes the last app after a page that says what that means', async () => {
  const browser = await enterWithApp(await newPerson())
  const [, path] = /href="([^"]*\/remove)"/.exec((await browser.visit(SECURITY)).text)!
  const asked = await browser.visit(path!)
  expect(wordsOf(asked)).toContain('turn off two-factor authentication')
  expect(wordsOf(await browser.submit(asked, /remove$/))).toContain('Authenticator app removed')
  const other = await enter(server, await newPerson())
  expect((await other.visit(path!)).status).toBe(404)
})

test('a form that was sent too late is kept while its user confirms the sign-in', async () => {
  const browser = await enter(server, await newPerson())
  const form = await browser.visit(`${SECURITY}/apps`)
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 11 * 60_000 })
  const asked = await browser.submit(form, /\/apps$/, { name: 'Work phone', code: '123456' })
  const resumed = await browser.submit(asked, /\/signin$/, { password: PASSWORD })
  expect(wordsOf(resumed)).toContain('is not saved yet')
  const page = await browser.submit(resumed, /\/apps$/)
  expect(page.text).toContain('value="Work phone"')
})

test('new recovery codes take the place of the earlier ones', async () => {
  const browser = await enterWithApp(await newPerson())
  const page = await browser.submit(await browser.visit(`${SECURITY}/recovery-codes`), /recovery-codes$/)
  expect(page.text.match(CODES)).toHaveLength(10)
})

test('a change of factors takes a sign-in of the last ten minutes, with the second factor', async () => {
  const person = await newPerson()
  const browser = await enterWithApp(person)
  const form = await browser.visit(`${SECURITY}/apps`)
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 11 * 60_000 })
  const code = await generate({ secret: secretOn(form) })
  for (const page of [
    await browser.visit(`${SECURITY}/apps`),
    await browser.submit(form, /\/apps$/, { name: '', code }),
  ])
    expect(wordsOf(page)).toContain('Confirm your password')
  const confirm = await browser.visit(`${SECURITY}/recovery-codes`)
  const second = await browser.submit(confirm, /\/signin$/, { password: PASSWORD })
  expect(wordsOf(second)).toContain('Two-factor authentication')
  expect(await server.knex('totp_factors').where({ user_id: person.id })).toHaveLength(1)
})

test('a user who changes the password stays signed in with both factors, and has not signed in anew', async () => {
  const browser = await enterWithApp(await newPerson())
  const fields = { present: PASSWORD, password: 'nine teal bicycles 4', repeat: 'nine teal bicycles 4' }
  await browser.submit(await browser.visit('/account/password'), /password$/, fields)
  expect(wordsOf(await browser.visit(SECURITY))).toContain('Recovery codes')
  expect(wordsOf(await browser.visit(`${SECURITY}/apps`))).toContain('Add authenticator app')
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 8 * 60_000 })
  const again = { present: fields.password, password: PASSWORD, repeat: PASSWORD }
  await browser.submit(await browser.visit('/account/password'), /password$/, again)
  vi.setSystemTime(Date.now() + 3 * 60_000)
  expect(wordsOf(await browser.visit(`${SECURITY}/apps`))).toContain('Confirm your password')
})

test('a session that began before the factor was added must prove it before it changes a factor', async () => {
  const person = await newPerson()
  const browser = await enter(server, person)
  expect(wordsOf(await browser.visit(`${SECURITY}/apps`))).not.toContain('Confirm your password')
  const app = await addAppTo(person)
  for (const path of ['apps', 'recovery-codes'])
    expect(wordsOf(await browser.visit(`${SECURITY}/${path}`))).toContain('Confirm your password')
  const confirm = await browser.visit(`${SECURITY}/recovery-codes`)
  const second = await browser.submit(confirm, /\/signin$/, { password: PASSWORD })
  const page = await browser.submit(second, /\/factor$/, { code: await app.code() })
  expect(wordsOf(page)).toContain('Generate new recovery codes?')
})

test('a user who must have a second factor cannot remove the last one', async () => {
  const account = await server.make.account()
  const person = await createTestUser(server.knex, account)
  const browser = await enterWithApp(person)
  await server.knex('accounts').where({ id: account }).update({ second_factor_required: 'everyone' })
  const [, path] = /href="([^"]*\/remove)"/.exec((await browser.visit(SECURITY)).text)!
  const refused = await browser.submit(await browser.visit(path!), /remove$/)
  expect([refused.status, wordsOf(refused)]).toEqual([409, expect.stringContaining('Add another one first')])
  expect(await server.knex('totp_factors').where({ user_id: person.id })).toHaveLength(1)
})

test('an app that is added during a sign-in is called so in the language of its page', async () => {
  const account = await server.make.account()
  await server.knex('accounts').where({ id: account }).update({ second_factor_required: 'everyone' })
  const person = await createTestUser(server.knex, account)
  const browser = openBrowser(server.url)
  await browser.visit('/language?to=ja&return_to=/')
  const page = await signIn(browser, await browser.visit('/signin'), person.email, person.password)
  const codes = await browser.submit(page, /\/setup$/, { code: await generate({ secret: secretOn(page) }) })
  await browser.submit(codes, /\/finish$/)
  expect((await server.knex('totp_factors').where({ user_id: person.id }).first()).name).toBe('認証アプリ')
})

test('a ticket that finishes a set-up signs in once', async () => {
  await server
    .knex('accounts')
    .where({ id: server.firstStart.accountId })
    .update({ second_factor_required: 'everyone' })
  const person = await newPerson()
  const browser = openBrowser(server.url)
  const page = await signIn(browser, await browser.visit('/signin'), person.email, PASSWORD)
  const codes = await browser.submit(page, /\/setup$/, { code: await generate({ secret: secretOn(page) }) })
  await server.knex('accounts').where({ id: server.firstStart.accountId }).update({ second_factor_required: 'nobody' })
  expect(codes.text.match(CODES)).toHaveLength(10)
  const signedIn = await browser.submit(codes, /\/finish$/)
  expect(signedIn.status).toBe(200)
  expect(wordsOf(await browser.visit(SECURITY))).toContain('10 of 10')
  const again = await browser.submit(codes, /\/finish$/)
  expect([again.status, wordsOf(again)]).toEqual([400, expect.stringContaining('This page has expired')])
})

test('the page asks the database at most five times: the session, its user, the factors, the identities and the sessions', async () => {
  const browser = await enter(server, await newPerson())
  expect((await statementsOf(browser, SECURITY)).length).toBeLessThanOrEqual(5)
})
