/** What a newcomer does, in real Chromium: the link of the first start, sign-in, the page, the tokens, and back again. */

import type { BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { demoLink } from '../../src/bootstrap.ts'
import { launchBrowser, overhangOf, PHONE, type RealBrowser, violationsOf } from '../support/browser.ts'
import { findChromium } from '../support/debian.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { createTestUser, type Person } from '../support/test-users.ts'

const chromium = await findChromium()

let server: Keywright
let browser: RealBrowser
let person: Person

beforeAll(async () => {
  if (!chromium) return
  server = await startKeywright()
  browser = await launchBrowser(chromium)
})

beforeEach(async () => {
  if (chromium) person = await createTestUser(server.knex, server.firstStart.accountId)
})

afterAll(async () => {
  await browser?.close()
  await server?.stop()
})

const link = () => demoLink(server.issuer, server.firstStart.demo)

async function signIn(page: Page): Promise<void> {
  await page.getByLabel('Email').fill(person.email)
  await page.getByLabel('Password').fill(person.password)
  await page.getByRole('button', { name: 'Sign in' }).click()
}

/** As axe, the narrowest phone and a person without a mouse see it. */
async function isSound(page: Page): Promise<void> {
  expect(await violationsOf(page), page.url()).toEqual([])
  expect(await overhangOf(page), page.url()).toBe(0)
}

const WAYS: [string, BrowserContextOptions][] = [
  ['with scripts', {}],
  ['without scripts', { javaScriptEnabled: false }],
  ['on a phone in the dark', { viewport: PHONE, colorScheme: 'dark' }],
]

describe.skipIf(!chromium).each(WAYS)('%s', (way, options) => {
  let page: Page
  // axe is a script itself.
  const look = async () => (options.javaScriptEnabled === false ? undefined : await isSound(page))

  beforeEach(async () => {
    page = await browser.open(options)
  })

  afterEach(() => page.context().close())

  test(`somebody signs in, allows, sees the tokens, and withdraws (${way})`, async () => {
    await page.goto(link())
    await look()
    await signIn(page)
    await page.getByRole('heading', { name: 'Allow Demo application?' }).waitFor()
    await look()
    await page.getByRole('button', { name: 'Allow', exact: true }).click()
    await page.getByRole('heading', { name: 'Tokens issued' }).waitFor()
    expect(await page.textContent('body')).toContain(person.id)
    await look()

    await page.goto(`${server.url}/account/applications`)
    await look()
    await page.getByRole('link', { name: /revoke access/i }).click()
    await page.getByRole('button', { name: /revoke access/i }).waitFor()
    await look()
    await page.getByRole('button', { name: /revoke access/i }).click()
    await page.waitForURL(({ pathname }) => pathname === '/account/applications')
    expect(await page.textContent('main')).not.toContain('Keep access while you are signed out')
    expect(await server.knex('active_access_tokens').where({ subject: person.id })).toEqual([])
  })

  test(`a user denies, and the application gets access_denied (${way})`, async () => {
    await page.goto(link())
    await signIn(page)
    await page.getByRole('button', { name: 'Deny' }).click()
    await page.getByText('access_denied').waitFor()
    await look()
  })

  test(`a wrong password says so and keeps what was typed (${way})`, async () => {
    await page.goto(link())
    await page.getByLabel('Email').fill(person.email)
    await page.getByLabel('Password').fill('not my password at all')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('alert').waitFor()
    expect(await page.getByLabel('Email').inputValue()).toBe(person.email)
    await look()
  })
})

test.skipIf(!chromium)('the admin of the first start changes the one-time password, by keyboard alone', async () => {
  const page = await browser.open()
  await page.goto(link())
  await page.locator('#email:focus').waitFor()
  await page.keyboard.type(server.firstStart.admin.email)
  expect(await page.getByLabel('Email').inputValue()).toBe(server.firstStart.admin.email)
  await page.keyboard.press('Tab')
  await page.keyboard.type(server.firstStart.admin.password)
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: /password/i }).waitFor()
  await isSound(page)
  await page.locator('input:focus').waitFor()
  await page.keyboard.type('a sentence of my own')
  await page.keyboard.press('Tab')
  await page.keyboard.type('a sentence of my own')
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Allow Demo application?' }).waitFor()
  await page.context().close()
})
