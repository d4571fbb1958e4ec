/**
 * A code of an authenticator app, a recovery code, the signature of a passkey and the ticket that finishes a set-up sign in once, and an offer of an app is added
 * once, whichever nodes they are sent to.
 */
import { generate } from 'otplib'
import { beforeAll, expect, test } from 'vitest'
import { keysOf } from '../support/encryption-key.ts'
import { together } from '../support/load.ts'
import { ISSUER, type SharedNodes, shareNodes } from '../support/nodes.ts'
import { type Browser, formsOf, openBrowser, type Page, signIn } from '../support/scriptless-browser.ts'
import { addTestApp, type TestApp } from '../support/second-factors.ts'
import { createSoftwareAuthenticator, passkeyOptionsOn } from '../support/software-authenticator.ts'
import type { Person } from '../support/test-users.ts'

let on: SharedNodes
let person: Person
let app: TestApp

beforeAll(async () => {
  on = await shareNodes()
  person = await on.make.person()
  app = await addTestApp(on.knex, keysOf(on.env.ENCRYPTION_KEY!), person.id)
})

interface Waiting {
  readonly browser: Browser
  readonly page: Page
}

/** A browser at one of the nodes that has proved the password. */
async function provePassword(n: number): Promise<Waiting> {
  const browser = openBrowser(on.nodes[n % 2]!.url)
  const page = await signIn(browser, await browser.visit('/signin'), person.email, person.password)
  expect(page.text).toContain('Two-factor authentication')
  return { browser, page }
}

const isSignedIn = async ({ browser }: Waiting): Promise<boolean> =>
  (await browser.visit('/account/security')).text.includes('Authenticator apps')

/** Sends the same field from all browsers at once; returns how many are signed in then. */
async function sendAtOnce(browsers: readonly Waiting[], fields: Record<string, string>): Promise<number> {
  const form = 'recovery_code' in fields ? 1 : 0
  const pages = await together(browsers.length, (n) => {
    const { browser, page } = browsers[n]!
    const text = page.text.split('</form>')[form]!
    return browser.submit({ ...page, text: `${text}</form>` }, /\/factor$/, fields)
  })
  for (const { status } of pages) expect([200, 400, 429]).toContain(status)
  const signedIn = await Promise.all(browsers.map(isSignedIn))
  return signedIn.filter(Boolean).length
}

test('of four browsers at two nodes that send one code of an app, one is signed in', async () => {
  const browsers = await Promise.all([0, 1, 2, 3].map(provePassword))
  expect(await sendAtOnce(browsers, { code: await app.code() })).toBe(1)
})

test('of four browsers at two nodes that send one recovery code, one is signed in', async () => {
  const browsers = await Promise.all([0, 1, 2, 3].map(provePassword))
  expect(await sendAtOnce(browsers, { recovery_code: app.recoveryCodes[0]! })).toBe(1)
})

test('a recovery code that was used at one node is refused at the other', async () => {
  const [here, there] = [await provePassword(0), await provePassword(1)]
  const fields = { recovery_code: app.recoveryCodes[1]! }
  expect(await sendAtOnce([here], fields)).toBe(1)
  expect(await sendAtOnce([there], fields)).toBe(0)
})

const secretOn = ({ text }: Page): string => /totp-key">([A-Z2-7 ]+)</.exec(text)![1]!.replaceAll(' ', '')

const fieldOn = (page: Page, name: string): string =>
  formsOf(page)
    .map(({ fields }) => fields[name])
    .find((value) => value)!

test('of four browsers at two nodes that send the ticket of one set-up, one is signed in', async () => {
  const account = await on.make.account()
  await on.knex('accounts').where({ id: account }).update({ second_factor_required: 'everyone' })
  const newcomer = await on.make.person(account)
  const browsers = await Promise.all(
    [0, 1, 2, 3].map(async (n) => {
      const browser = openBrowser(on.nodes[n % 2]!.url)
      return { browser, page: await browser.visit('/signin') }
    }),
  )
  const { browser, page } = browsers[0]!
  const setUp = await signIn(browser, page, newcomer.email, newcomer.password)
  const codes = await browser.submit(setUp, /\/setup$/, { code: await generate({ secret: secretOn(setUp) }) })
  const ticket = fieldOn(codes, 'ticket')
  const pages = await together(browsers.length, (n) => {
    const { browser, page } = browsers[n]!
    const text = page.text.replace('action="/signin"', 'action="/signin/factor/finish"')
    return browser.submit({ ...page, text }, /\/finish$/, { ticket })
  })
  expect(pages.map(({ status }) => status).sort()).toEqual([200, 400, 400, 400])
  expect((await Promise.all(browsers.map(isSignedIn))).filter(Boolean)).toHaveLength(1)
})

test('of four browsers at two nodes that send one offer of an app, one adds it, and none once it was removed', async () => {
  const owner = await on.make.person()
  const browsers = await Promise.all(
    [0, 1, 2, 3].map(async (n) => {
      const browser = openBrowser(on.nodes[n % 2]!.url)
      await signIn(browser, await browser.visit('/signin'), owner.email, owner.password)
      return { browser, page: await browser.visit('/account/security/apps') }
    }),
  )
  const { page } = browsers[0]!
  const fields = { offer: fieldOn(page, 'offer'), name: 'Phone', code: await generate({ secret: secretOn(page) }) }
  const factors = () => on.knex('totp_factors').where({ user_id: owner.id })
  const send = () => together(4, (n) => browsers[n]!.browser.submit(browsers[n]!.page, /\/apps$/, fields))
  const added = await send()
  expect(added.filter(({ text }) => text.includes('Recovery codes')).length).toBeGreaterThan(0)
  expect(await factors()).toHaveLength(1)
  const count = { action: 'user.factor_added', target_id: owner.id }
  expect(await on.knex('audit_log').where(count)).toHaveLength(1)
  await factors().delete()
  await send()
  expect(await factors()).toEqual([])
})

test.each([true, false])(
  'of four requests at two nodes with one signature of a passkey, one signs in; the authenticator counts: %s',
  async (hasCounter) => {
    const owner = await on.make.person()
    const authenticator = createSoftwareAuthenticator(ISSUER, { hasCounter })
    const [here, there] = [openBrowser(on.nodes[0]!.url), openBrowser(on.nodes[1]!.url)]
    await signIn(here, await here.visit('/signin'), owner.email, owner.password)
    const form = await here.visit('/account/security/passkeys')
    const added = await here.submit(form, /\/passkeys$/, { credential: authenticator.create(passkeyOptionsOn(form)) })
    expect(added.text).toContain('Recovery codes')
    here.cookies.clear()
    const page = await here.visit('/signin')
    for (const [name, cookie] of here.cookies) there.cookies.set(name, cookie)
    const credential = authenticator.get(passkeyOptionsOn(page))
    const elsewhere = { ...page, url: new URL('/signin', on.nodes[1]!.url).href }
    const answers = await together(4, (n) =>
      n % 2 === 0
        ? here.submit(page, /\/passkey$/, { credential })
        : there.submit(elsewhere, /\/passkey$/, { credential }),
    )
    const statuses = answers.map(({ status }) => status).sort()
    expect(statuses).toEqual([200, 400, 400, 400])
    const signIns = await on.knex('audit_log').where({ target_id: owner.id, action: 'user.signed_in' })
    expect(signIns.filter(({ detail }) => detail.passkey)).toHaveLength(1)
  },
)
