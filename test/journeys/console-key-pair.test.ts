/** Seed 000 as a newcomer clicks it: first start, console, new keys in two clicks, the shown curl; again, and the old one is dead. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { launchBrowser, overhangOf, PHONE, type RealBrowser, violationsOf } from '../support/browser.ts'
import { findChromium } from '../support/debian.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { until } from '../support/load.ts'

const chromium = await findChromium()

let server: Keywright
let browser: RealBrowser

beforeAll(async () => {
  if (chromium) browser = await launchBrowser(chromium)
})
afterAll(() => browser?.close())

// A one-time password is good for one newcomer.
beforeEach(async () => {
  if (chromium) server = await startKeywright()
})
afterEach(() => server?.stop())

async function signInAtFirst(page: Page): Promise<void> {
  const { email, password } = server.firstStart.admin
  await page.goto(`${server.url}/`)
  await page.getByRole('link', { name: 'Sign in' }).click()
  await page.getByLabel('Email').fill(email)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByLabel('New password', { exact: true }).fill('a sentence of my own')
  await page.getByLabel('Confirm new password').fill('a sentence of my own')
  await page.getByRole('button', { name: 'Save password' }).click()
  await page.getByRole('heading', { name: 'Overview' }).waitFor()
}

/** The command as it is printed, in a shell of its own. */
async function run(command: string): Promise<{ status: number; body: Record<string, string> }> {
  const { stdout } = await promisify(execFile)('sh', ['-c', `${command} --write-out '\n%{http_code}'`])
  const [body, status] = stdout.split('\n')
  return { status: Number(status), body: JSON.parse(body!) }
}

const isActive = async (token: string | undefined) =>
  (await server.introspect(token!, server.firstStart.api)).body.active

const WAYS: [string, BrowserContextOptions][] = [
  ['with scripts', { permissions: ['clipboard-read', 'clipboard-write'] }],
  ['without scripts', { javaScriptEnabled: false }],
  ['on a phone in the dark', { viewport: PHONE, colorScheme: 'dark' }],
]

describe.skipIf(!chromium).each(WAYS)('%s', (way, options) => {
  // axe is a script itself.
  async function look(page: Page): Promise<void> {
    if (options.javaScriptEnabled === false) return
    expect(await violationsOf(page), page.url()).toEqual([])
    expect(await overhangOf(page), page.url()).toBe(0)
  }

  /** From the console's first page, two clicks. */
  async function generate(page: Page): Promise<string> {
    await page.goto(`${server.url}/`)
    await look(page)
    await page.getByRole('link', { name: 'Generate new keys' }).click()
    await page.getByRole('button', { name: 'Generate new keys' }).waitFor()
    await look(page)
    await page.getByRole('button', { name: 'Generate new keys' }).click()
    await page.getByRole('heading', { name: 'Your new keys' }).waitFor()
    await look(page)
    return await page.getByLabel('Client secret in the request body').innerText()
  }

  test(`a newcomer gets keys in two clicks, and new ones end the old ones (${way})`, async () => {
    const page = await browser.open(options)
    await signInAtFirst(page)

    const first = await generate(page)
    const { status, body } = await run(first)
    expect([status, body.token_type]).toEqual([200, 'Bearer'])
    expect(await isActive(body.access_token)).toBe(true)

    if (options.permissions) {
      await page.getByRole('button', { name: 'Copy the command: Client secret in the request body' }).click()
      // The browser copies after the click.
      await until(async () => (await page.evaluate('navigator.clipboard.readText()')) === first)
    }

    const second = await generate(page)
    expect(await page.locator('main').innerText()).toContain('Your previous keys and 1 active token are revoked')
    const dead = await run(first)
    expect([dead.status, dead.body.error]).toEqual([401, 'invalid_client'])
    expect(await isActive(body.access_token)).toBe(false)
    const next = await run(second)
    expect([next.status, await isActive(next.body.access_token)]).toEqual([200, true])

    const shown = await page.locator('main').innerText()
    const tab = page.context().waitForEvent('page')
    await page.getByRole('button', { name: 'Run in a new tab' }).click()
    const tried = await tab
    await tried.getByText('Token issued').waitFor()
    await look(tried)
    // The secret is shown this once: running a command must not take it away.
    expect(await page.locator('main').innerText()).toBe(shown)
    await page.context().close()
  })
})
