import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DESK, launchBrowser, overhangOf, PHONE, type RealBrowser, violationsOf } from '../../support/browser.ts'
import { findChromium } from '../../support/debian.ts'
import { openSamplePages, PAGES } from './sample-data.ts'

const chromium = await findChromium()

let fake: Awaited<ReturnType<typeof openSamplePages>>
let browser: RealBrowser

beforeAll(async () => {
  if (!chromium) return
  fake = await openSamplePages()
  browser = await launchBrowser(chromium)
})
afterAll(async () => {
  await browser?.close()
  await fake?.close()
})

const TABLET = { width: 900, height: 800 }

/** How far anything that is drawn reaches beyond the right edge of the page's own room, in pixels. */
const BEYOND = `(() => {
  const main = document.querySelector('main')
  const room = main.getBoundingClientRect().right - parseFloat(getComputedStyle(main).paddingRight)
  const drawn = [...main.querySelectorAll('table, form, section, figure, pre, dl, a, button')]
  return Math.max(0, ...drawn.map((one) => Math.round(one.getBoundingClientRect().right - room)))
})()`

describe.skipIf(!chromium)('the parts of the console, with long names, nothing and errors', () => {
  it.each([
    ['phone', PHONE],
    ['tablet', TABLET],
    ['desk', DESK],
  ] as const)('axe finds nothing, and all stays in its room, light and dark: %s', async (_, viewport) => {
    const page = await browser.open({ viewport })
    for (const name of Object.keys(PAGES)) {
      await page.emulateMedia({ colorScheme: 'light' })
      await page.goto(`${fake.origin}/${name}?notice=saved`)
      const found = [name, await violationsOf(page), await overhangOf(page), await page.evaluate(BEYOND)]
      expect(found).toEqual([name, [], 0, 0])
      if (viewport === TABLET) continue
      await page.emulateMedia({ colorScheme: 'dark' })
      const inDark = [name, 'dark', await violationsOf(page, 'contrast'), await overhangOf(page)]
      expect(inDark).toEqual([name, 'dark', [], 0])
    }
    await page.context().close()
  })

  it('shows what a table says to screen readers on the phone too, where it is drawn as cards', async () => {
    const page = await browser.open({ viewport: PHONE })
    await page.goto(`${fake.origin}/list`)
    const row = page.getByRole('table', { name: 'Applications' }).getByRole('row', { name: /Calendar Sync/ })
    expect(await row.getByRole('cell').count()).toBeGreaterThan(3)
    expect(await row.getByRole('link', { name: 'Archive Calendar Sync' }).isVisible()).toBe(true)
    await page.context().close()
  })

  it.each([true, false])(
    'has a menu on the phone that opens by keyboard, scripts on: %s',
    async (javaScriptEnabled) => {
      const page = await browser.open({ viewport: PHONE, javaScriptEnabled })
      await page.goto(`${fake.origin}/confirm?role=operator`)
      const link = page.getByRole('navigation', { name: 'Menu' }).getByRole('link', { name: 'Signing keys' })
      expect(await link.isVisible()).toBe(false)
      await page.locator('.menu > summary').focus()
      await page.keyboard.press('Enter')
      await link.waitFor()
      if (javaScriptEnabled) {
        expect(await violationsOf(page)).toEqual([])
        expect(await overhangOf(page)).toBe(0)
        await page.keyboard.press('Escape')
        await link.waitFor({ state: 'hidden' })
      }
      await page.context().close()
    },
  )

  it('copies, and says so', async () => {
    const page = await browser.open({ permissions: ['clipboard-read', 'clipboard-write'] })
    await page.goto(`${fake.origin}/secret`)
    await page.getByRole('button', { name: 'Copy Client secret' }).click()
    await page.getByText('Copied', { exact: true }).waitFor()
    expect(await page.evaluate('navigator.clipboard.readText()')).toMatch(/^kws_9fQm2T7y\w+$/)
    await page.context().close()
  })

  it('copies where a page has no clipboard, as without TLS', async () => {
    const page = await browser.open({ permissions: ['clipboard-read'] })
    await page.addInitScript("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    await page.goto(`${fake.origin}/blocks`)
    await page.getByRole('button', { name: 'Copy the client ID' }).first().click()
    await page.getByText('Copied', { exact: true }).waitFor()
    await page.context().close()
  })

  it('shows no button that only a script could serve, and the whole secret to be selected', async () => {
    const page = await browser.open({ javaScriptEnabled: false })
    await page.goto(`${fake.origin}/secret`)
    expect(await page.getByRole('button', { name: /^Copy/ }).count()).toBe(0)
    expect(await page.getByLabel('Client secret').inputValue()).toMatch(/^kws_/)
    await page.context().close()
  })

  it('leads from each error to its field, also into a part that was collapsed', async () => {
    const page = await browser.open({ javaScriptEnabled: false })
    await page.goto(`${fake.origin}/form-errors`)
    for (const [label, id] of [
      ['Name', 'field-name'],
      ['Allow/deny screen', 'field-consent'],
      ['Logo', 'field-logo'],
    ]) {
      await page.getByRole('alert').getByRole('link', { name: label, exact: true }).first().click()
      await page.waitForURL((url) => url.hash === `#${id}`)
      await page.locator(`#${id}`).waitFor()
    }
    await page.context().close()
  })
})
