/** A code of an authenticator app and a recovery code sign in once, whichever nodes they are sent to. */
import { beforeAll, expect, test } from 'vitest'
import { keysOf } from '../support/encryption-key.ts'
import { together } from '../support/load.ts'
import { type SharedNodes, shareNodes } from '../support/nodes.ts'
import { type Browser, openBrowser, type Page, signIn } from '../support/scriptless-browser.ts'
import { addTestApp, type TestApp } from '../support/second-factors.ts'
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
