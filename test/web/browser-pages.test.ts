import type { Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Management } from '../../src/management/operation.ts'
import { DESK, launchBrowser, overhangOf, PHONE, type RealBrowser, violationsOf } from '../support/browser.ts'
import { findChromium } from '../support/debian.ts'
import {
  ADA,
  CHOICE,
  CHOICE_ALONE,
  CONNECTION,
  CONSENT,
  createWorld,
  LINK_TOKEN,
  LOGIN,
  openFakeManagement,
  PASSWORD,
  SYNC,
} from './fake-management.ts'

const MAIL: Management['mail'] = { from: 'auth@example.com', server: null, encryption: 'none', hasDkim: false }

const chromium = await findChromium()

/** The words of the first heading that are broken where nothing allows it, without a hyphen. */
const BROKEN_WORDS = `(() => {
  const lineOf = (text, at, which) => {
    const range = document.createRange()
    range.setStart(text, at)
    range.setEnd(text, at + 1)
    return [...range.getClientRects()].at(which)?.top
  }
  const texts = document.createTreeWalker(document.querySelector('h1'), NodeFilter.SHOW_TEXT)
  const broken = []
  while (texts.nextNode()) {
    const text = texts.currentNode
    for (const { 0: word, index } of text.data.matchAll(/[^\\s\\u00ad-]+/g)) {
      // The hyphen before a letter is the first of its boxes.
      if (lineOf(text, index, -1) !== lineOf(text, index + word.length - 1, -1)) broken.push(word)
    }
  }
  return broken
})()`

/** The edges of all that begins a line of a page's sections and tables, where the page is written from right to left. */
const RIGHT_EDGES = `[...document.querySelectorAll('main section:not(.card) :is(h2, th:first-child .cell-text)')].map((one) => {
  const range = document.createRange()
  range.selectNodeContents(one)
  return Math.round(range.getBoundingClientRect().right)
})`

let fake: Awaited<ReturnType<typeof openFakeManagement>>
let application: Awaited<ReturnType<typeof openFakeManagement>>
let browser: RealBrowser

beforeAll(async () => {
  if (!chromium) return
  fake = await openFakeManagement({ management: { mail: MAIL } as Management })
  application = await openFakeManagement()
  browser = await launchBrowser(chromium)
})
afterAll(async () => {
  await browser?.close()
  await application?.close()
  await fake?.close()
})
beforeEach(() => {
  if (!chromium) return
  // An application on this device; its port is not the one that is registered.
  const interactions = [LOGIN, CONSENT, CHOICE, CHOICE_ALONE].map((one) => ({
    ...one,
    redirectUri: 'http://127.0.0.1/callback',
  }))
  Object.assign(fake.world, createWorld(), {
    interactions,
    signedInAs: undefined,
    leadsTo: `${application.origin}/signin`,
  })
})

const SHOWN = [
  'error',
  'confirm-sign-out',
  'signed-out',
  'device-code',
  'device-problem',
  'confirm-device',
  'device-done',
  'second-factor',
  'second-factor-by-passkey',
  'wrong-recovery-code',
  'set-up-factor',
  'set-up-passkey',
  'save-recovery-codes',
]
const OPEN = [
  '/',
  '/nothing',
  '/signin',
  '/interaction/login1',
  '/interaction/consent1',
  '/interaction/choice1',
  '/interaction/choice2',
  '/interaction/gone',
  '/email/verify',
  `/email/verify?token=${LINK_TOKEN}`,
  '/email/verify?notice=verified',
]
const PERSONAL = [
  '/',
  '/account/applications',
  '/account/applications/kwc_sync/withdraw',
  '/account/password',
  '/account/security',
  '/account/security/apps',
  '/account/security/passkeys',
  '/account/security/apps/app-1/remove',
  '/account/security/passkeys/passkey-1/remove',
  '/account/security/recovery-codes',
  '/account/security/sessions/session-1/end',
  '/account/security/sessions/others',
  '/account/email/verification',
  '/account/email',
  '/account/email/confirm',
  `/account/email/confirm?token=${LINK_TOKEN}`,
]

const ALL: readonly { path: string; as?: string }[] = [
  ...[...OPEN, ...SHOWN.map((name) => `/show/${name}`)].map((path) => ({ path })),
  ...PERSONAL.map((path) => ({ path, as: ADA.id })),
]

/** Opens a page of `ALL` as its user. No page is examined in the place of another that fails. */
async function visit(page: Page, { path, as }: (typeof ALL)[number]): Promise<void> {
  fake.world.signedInAs = as
  const response = await page.goto(fake.origin + path)
  // One of them is the page of such a failure.
  if (!path.startsWith('/show/')) expect([path, response!.status()]).not.toEqual([path, 500])
}

describe.skipIf(!chromium)('in Chromium', () => {
  it('axe finds nothing, light and dark, and nothing is wider than a small phone', async () => {
    const name = `${'Aeroplane'.repeat(12)} Ltd`
    fake.world.applications = [{ ...SYNC, name, accountName: name, isTrusted: true, accent: '#ffee00' }]
    fake.world.connections = [{ ...CONNECTION, name, accountName: name }]
    fake.world.brand = { ...fake.world.brand, signInText: 'Need help? Write to support@example.com.' }
    fake.brandChanged()
    const page = await browser.open({ viewport: PHONE })
    for (const one of ALL) {
      const { path } = one
      await page.emulateMedia({ colorScheme: 'light' })
      await visit(page, one)
      expect([path, await violationsOf(page), await overhangOf(page)]).toEqual([path, [], 0])
      await page.emulateMedia({ colorScheme: 'dark' })
      expect([path, await violationsOf(page, 'contrast')]).toEqual([path, []])
    }
    await page.context().close()
  })

  it.each(['de', 'ar', 'ja'])(
    'axe finds nothing in another language, and nothing is wider than a small phone: %s',
    async (locale) => {
      const page = await browser.open({ viewport: PHONE, locale })
      for (const one of ALL) {
        const { path } = one
        await visit(page, one)
        expect([path, await page.evaluate('document.documentElement.lang')]).toEqual([path, locale])
        expect([path, await violationsOf(page), await overhangOf(page)]).toEqual([path, [], 0])
      }
      await page.context().close()
    },
  )

  it('breaks no word of a heading in German, where words are long', async () => {
    const page = await browser.open({ viewport: PHONE, locale: 'de' })
    for (const one of ALL) {
      const { path } = one
      await visit(page, one)
      expect([path, await page.evaluate(BROKEN_WORDS)]).toEqual([path, []])
    }
    await page.context().close()
  })

  it('lets the lines of sections and tables begin at the same edge, also from right to left', async () => {
    fake.world.signedInAs = ADA.id
    const page = await browser.open({ viewport: DESK, locale: 'ar' })
    await page.goto(`${fake.origin}/account/security`)
    const edges = (await page.evaluate(RIGHT_EDGES)) as number[]
    expect(edges.length).toBeGreaterThan(6)
    expect(new Set(edges).size).toBe(1)
    await page.context().close()
  })

  it('says what a section is about before it offers something, on the phone too', async () => {
    fake.world.signedInAs = ADA.id
    const page = await browser.open({ viewport: PHONE, locale: 'de' })
    await page.goto(`${fake.origin}/account/security`)
    const tops = async (selector: string) =>
      await page.locator(selector).evaluateAll((all) => all.map((one) => one.getBoundingClientRect().top))
    const [leads, offers] = [await tops('.section-head > .hint'), await tops('.section-head > .row')]
    expect(leads.length).toBe(offers.length)
    expect(leads.filter((lead, n) => lead > offers[n]!)).toEqual([])
    await page.context().close()
  })

  it('lets a user choose their account with the keyboard', async () => {
    const page = await browser.open()
    await page.goto(`${fake.origin}/interaction/choice1`)
    const radio = page.getByRole('radio', { name: /Südwest.* Viewer/ })
    expect(await radio.isChecked()).toBe(true)
    await radio.focus()
    await page.keyboard.press('ArrowUp')
    await page.keyboard.press('Enter')
    await page.waitForURL(`${application.origin}/**`)
    expect(fake.world.done).toEqual([['allow', 'choice1', 'north']])
    await page.context().close()
  })

  it('draws the icon of the current page in the colour of its link, in forced colours', async () => {
    fake.world.signedInAs = ADA.id
    const page = await browser.open({ viewport: DESK, forcedColors: 'active', colorScheme: 'dark' })
    await page.goto(`${fake.origin}/account/security`)
    const colours = `['', ' > .icon'].map((end) =>
      getComputedStyle(document.querySelector('.sidebar-nav [aria-current]' + end)).color)`
    const [link, icon] = (await page.evaluate(colours)) as string[]
    expect(icon).toBe(link)
    await page.context().close()
  })

  it('runs no script of a logo, neither in a page nor by itself', async () => {
    const page = await browser.open()
    await page.goto(`${fake.origin}/interaction/consent1`)
    const logo = page.locator('.application-logo')
    expect(await logo.evaluate((image) => (image as unknown as { naturalWidth: number }).naturalWidth)).toBeGreaterThan(
      0,
    )
    expect(await page.evaluate('window.ran')).toBeUndefined()
    await page.goto(fake.origin + SYNC.logo)
    expect(await page.evaluate('document.documentElement.tagName')).toBe('svg')
    expect(await page.evaluate('window.ran')).toBeUndefined()
    await page.context().close()
  })

  it('takes only targets that a finger meets', async () => {
    const page = await browser.open({ viewport: PHONE })
    await page.goto(`${fake.origin}/interaction/consent1`)
    const heights = await page
      .locator('button')
      .evaluateAll((all) => all.map((one) => (one as unknown as { offsetHeight: number }).offsetHeight))
    expect(Math.min(...heights)).toBeGreaterThanOrEqual(44)
    await page.context().close()
  })

  it.each([true, false])('signs in and allows by keyboard alone, scripts on: %s', async (javaScriptEnabled) => {
    const page = await browser.open({ javaScriptEnabled })
    await page.goto(`${fake.origin}/interaction/login1`)
    await page.locator('#email:focus').waitFor()
    await page.keyboard.type('ada@example.com')
    await page.keyboard.press('Tab')
    await page.keyboard.type(PASSWORD)
    await page.keyboard.press('Enter')
    await page.waitForURL(fake.world.leadsTo)
    await page.goto(`${fake.origin}/interaction/consent1`)
    await page.getByRole('button', { name: 'Allow', exact: true }).focus()
    await page.keyboard.press('Enter')
    await page.waitForURL(fake.world.leadsTo)
    expect(fake.world.done.map(([what]) => what)).toEqual(['attempt', 'finishLogin', 'allow'])
    await page.context().close()
  })

  it('sends a form once however often the button is pressed', async () => {
    const page = await browser.open()
    await page.goto(`${fake.origin}/interaction/consent1`)
    await page.getByRole('button', { name: 'Allow', exact: true }).dblclick()
    await page.waitForURL(fake.world.leadsTo)
    expect(fake.world.done).toEqual([['allow', 'consent1']])
    await page.context().close()
  })

  it('goes on by itself from a form for scripts, and by a button without', async () => {
    const sent: (string | null)[] = []
    for (const javaScriptEnabled of [true, false]) {
      const page = await browser.open({ javaScriptEnabled })
      await page.route('https://sync.example.com/**', (route) => {
        sent.push(route.request().postData())
        return route.fulfill({ body: 'arrived' })
      })
      await page.goto(`${fake.origin}/show/forward?to=https://sync.example.com/callback`, { waitUntil: 'commit' })
      if (!javaScriptEnabled) await page.getByRole('button', { name: 'Continue' }).click()
      await page.waitForURL('https://sync.example.com/callback')
      await page.context().close()
    }
    const form = new URLSearchParams({ code: 'c1', state: '"><script>', submit: 's' }).toString()
    expect(sent).toEqual([form, form])
  })

  it('lets no form lead to where its page did not foresee', async () => {
    const page = await browser.open()
    const refused = page.waitForEvent('console', (message) => message.text().includes('form-action'))
    fake.world.interactions = [{ ...CONSENT, redirectUri: 'https://sync.example.com/callback' }]
    await page.goto(`${fake.origin}/interaction/consent1`)
    await page.getByRole('button', { name: 'Allow', exact: true }).click()
    await refused
    expect(page.url()).toBe(`${fake.origin}/interaction/consent1`)
    await page.context().close()
  })
})
