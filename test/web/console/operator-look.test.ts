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
  long = `/apis/${(await server.knex('apis').where({ identifier: LONG }).first('id')).id}`
})
afterAll(async () => {
  await browser?.close()
  await server?.stop()
})

async function enter(page: Page): Promise<void> {
  await page.goto(`${server.url}/signin`)
  await page.getByLabel('Email').fill(operator.email)
  await page.getByLabel('Password').fill(operator.password)
  await page.getByRole('button', { name: 'Sign in' }).click()
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
  ] as const)(
    'axe finds nothing, and all stays in the window: %s %j',
    async (colorScheme, viewport, docsRules) => {
      const page = await browser.open({ viewport, colorScheme })
      await page.goto(`${server.url}/api/v1/docs`)
      expect(await looks(page, 'docs, not signed in', docsRules)).toEqual(['docs, not signed in', [], 0])
      await enter(page)
      const paths = ['/apis', '/apis?search=none', long, `${long}/edit`, `${long}/secret`, '/signing-keys']
      for (const path of [...paths, '/signing-keys/rotate', '/settings/instance', '/settings/instance/api']) {
        await page.goto(server.url + path)
        expect(await looks(page, path)).toEqual([path, [], 0])
      }
      // Only the header differs from what was checked before sign-in: it is that of the pages above.
      await page.goto(`${server.url}/api/v1/docs`)
      expect(await overhangOf(page)).toBe(0)
      await page.goto(`${server.url}/apis/new`)
      await page.getByRole('button', { name: 'Add API' }).click()
      expect(await looks(page, 'fieldErrors')).toEqual(['fieldErrors', [], 0])
      await page.context().close()
    },
    120_000,
  )

  it('Enter in a box saves, and does not ask for more rows', async () => {
    const page = await browser.open()
    await enter(page)
    await page.goto(`${server.url}${long}/edit`)
    await page.getByLabel('Title').first().fill('See it')
    await page.getByLabel('Title').first().press('Enter')
    await page.waitForURL(`${server.url}${long}?notice=saved`)
    await page.context().close()
  }, 60_000)
})
