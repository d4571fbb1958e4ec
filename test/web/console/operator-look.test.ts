/** APIs, signing keys, settings and the documentation in Chromium: light and dark, desk and phone, long names, faults. */
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type AxeRules,
  DESK,
  launchBrowser,
  overhangOf,
  PHONE,
  type RealBrowser,
  violationsOf,
} from '../../support/browser.ts'
import { findChromium } from '../../support/debian.ts'
import { type Keywright, startKeywright } from '../../support/keywright.ts'
import type { Person } from '../../support/test-users.ts'
import { createOperator } from './console-visits.ts'

const chromium = await findChromium()

const LONG = `https://${'a-very-long-name-of-an-api.'.repeat(6)}example.com/with/a/long/path`

let server: Keywright
let browser: RealBrowser
let operator: Person
let long: string

beforeAll(async () => {
  if (!chromium) return
  server = await startKeywright()
  browser = await launchBrowser(chromium)
  operator = await createOperator(server.knex)
  await server.make.api({
    identifier: LONG,
    scopes: Array.from({ length: 12 }, (_, n) => `scope:${n}${'x'.repeat(60)}`),
  })
  await fillApplications()
  long = `/apis/${(await server.knex('apis').where({ identifier: LONG }).first('id')).id}`
})
afterAll(async () => {
  await browser?.close()
  await server?.stop()
})

/** Applications of an account with a name of several words, whose secrets expire soon. */
async function fillApplications(): Promise<void> {
  const account = await server.make.account()
  await server.knex('accounts').where({ id: account }).update({ name: 'Analytical Engines International Limited' })
  const grants = ['authorization_code', 'client_credentials', 'refresh_token']
  const redirectUris = ['https://app.example.com/callback']
  for (const name of ['Warehouse inventory synchronisation', 'Aeroplane'.repeat(9)]) {
    const { key } = await server.make.register({ settings: { name, grants, redirectUris }, account })
    const end = server.knex.raw("now() + interval '27 days'")
    const used = server.knex.raw("now() - interval '300 days'")
    await server
      .knex('client_secrets')
      .where({ client_id: key })
      .update({ retires_at: end, expires_at: end, last_used_at: used })
  }
}

/** Cells and headings of a table whose only word, of at most 13 letters, is drawn in several lines. */
const BROKEN_WORDS = `[...document.querySelectorAll('.list bdi, .list thead :is(th, a)')].filter((one) => {
  if (one.firstChild?.nodeType !== Node.TEXT_NODE) return false
  const words = one.textContent.trim().split(/\\s+/)
  const range = document.createRange()
  range.selectNodeContents(one.firstChild)
  const lines = new Set([...range.getClientRects()].map(({ top }) => top)).size
  return words.every(({ length }) => length <= 13) && lines > words.length
}).map((one) => one.textContent)`

/** How far a table reaches beyond the right edge of the page's own room, in pixels. */
const BEYOND = `(() => {
  const main = document.querySelector('main')
  const room = main.getBoundingClientRect().right - parseFloat(getComputedStyle(main).paddingRight)
  return Math.max(0, ...[...main.querySelectorAll('table')].map((one) => Math.round(one.getBoundingClientRect().right - room)))
})()`

/** The narrowest window that shows tables, and wider ones. */
const WINDOWS = [1140, 1180, 1280]

async function enter(page: Page): Promise<void> {
  await page.goto(`${server.url}/signin`)
  await page.getByLabel('Email').fill(operator.email)
  await page.getByLabel('Password').fill(operator.password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.waitForURL(`${server.url}/`)
}

const looks = async (page: Page, name: string, rules?: AxeRules) => [
  name,
  await violationsOf(page, rules),
  await overhangOf(page),
]

describe.skipIf(!chromium)("an operator's pages", () => {
  it.each([
    ['light', PHONE, 'all'],
    ['dark', DESK, 'contrast'],
  ] as const)('axe finds nothing, and all stays in the window: %s %j', async (colorScheme, viewport, docsRules) => {
    const page = await browser.open({ viewport, colorScheme })
    await page.goto(`${server.url}/api/v1/docs`)
    expect(await looks(page, 'docs, not signed in', docsRules)).toEqual(['docs, not signed in', [], 0])
    await enter(page)
    const paths = ['/apis', '/apis?search=none', long, `${long}/edit`, `${long}/secret`, '/signing-keys']
    for (const path of [...paths, '/signing-keys/rotate', '/settings/instance', '/settings/instance/api', '/inspect']) {
      await page.goto(server.url + path)
      expect(await looks(page, path)).toEqual([path, [], 0])
    }
    // Only the header differs from what was checked before sign-in: it is that of the pages above.
    await page.goto(`${server.url}/api/v1/docs`)
    expect(await overhangOf(page)).toBe(0)
    await page.goto(`${server.url}/apis/new`)
    await page.getByRole('button', { name: 'Add API' }).click()
    await page.getByRole('alert').waitFor()
    expect(await looks(page, 'fieldErrors')).toEqual(['fieldErrors', [], 0])
    await page.context().close()
  })

  it.each(['en', 'de'])(
    'the list of applications, also with the expiry of secrets, stays in its room, and breaks no word: %s',
    async (language) => {
      const page = await browser.open({ viewport: DESK })
      await enter(page)
      for (const path of ['/applications', '/applications?expiring=30'])
        for (const width of WINDOWS) {
          await page.setViewportSize({ width, height: 800 })
          await page.goto(`${server.url}/language?${new URLSearchParams({ to: language, return_to: path })}`)
          expect(await page.locator('html').getAttribute('lang')).toBe(language)
          expect(await page.locator('tbody tr').count()).toBeGreaterThan(1)
          const found = [path, width, await overhangOf(page), await page.evaluate(BROKEN_WORDS)]
          expect(found).toEqual([path, width, 0, []])
          expect([path, width, await page.evaluate(BEYOND)]).toEqual([path, width, 0])
        }
      await page.context().close()
    },
  )

  it('Enter in a box saves, and does not ask for more rows', async () => {
    const page = await browser.open()
    await enter(page)
    await page.goto(`${server.url}${long}/edit`)
    await page.getByLabel('Title').first().fill('See it')
    await page.getByLabel('Title').first().press('Enter')
    await page.waitForURL(`${server.url}${long}?notice=saved`)
    await page.context().close()
  })
})
