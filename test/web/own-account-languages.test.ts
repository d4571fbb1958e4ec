/** The pages of a user's own account are wholly in the user's language. */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { LANGUAGES } from '../../src/languages/languages.ts'
import type { Management } from '../../src/management/operation.ts'
import { hasEnglishWord, textsOf } from '../support/page-texts.ts'
import { type Browser, openBrowser, type Page } from '../support/scriptless-browser.ts'
import {
  ADA,
  CONNECTION,
  createWorld,
  LINK_TOKEN,
  OWN_IDENTITIES,
  openFakeManagement,
  SYNC,
} from './fake-management.ts'

const MAIL: Management['mail'] = { from: 'auth@example.com', server: null, encryption: 'none', hasDkim: false }

let fake: Awaited<ReturnType<typeof openFakeManagement>>

beforeAll(async () => {
  fake = await openFakeManagement({ management: { mail: MAIL } as Management })
})
afterAll(() => fake.close())
beforeEach(() => {
  const admin = { ...ADA, id: 'grace', role: 'admin', hasOpenLeak: true, hasFailedWebhook: true } as const
  const operator = { ...admin, id: 'olga', role: 'operator', accountId: null, accountName: null } as const
  const verified = { ...ADA, id: 'ada', emailVerified: false }
  Object.assign(fake.world, createWorld(), { people: [verified, admin, operator], signedInAs: ADA.id })
})

const PATHS = [
  '/',
  '/nothing',
  '/account/applications',
  '/account/applications/kwc_sync/withdraw',
  '/account/password',
  '/account/security',
  '/account/security/apps',
  '/account/security/apps/app-1/remove',
  '/account/security/passkeys',
  '/account/security/passkeys/passkey-1/remove',
  '/account/security/recovery-codes',
  '/account/security/sessions/session-1/end',
  '/account/security/sessions/others',
  '/account/email/verification',
  '/account/email',
  '/account/email/confirm',
  `/account/email/confirm?token=${LINK_TOKEN}`,
  '/signin/confirm',
]

/** Names and addresses, which are the same in every language, and texts of the operator. */
const DATA = new Set([
  ...LANGUAGES.map(({ name }) => name),
  ...[ADA.name, ADA.email, ADA.accountName, SYNC.name, CONNECTION.accountName, 'Keywright', 'A'],
  ...['Work phone', 'Tablet', 'Laptop', 'Read your calendar', 'All entries, also those marked private.'],
  ...OWN_IDENTITIES.identities.flatMap(({ providerName, username }) => [providerName, username!]),
  ...['192.0.2.77', '192.0.2.78', 'api.example.com', '·', ':'],
])

const SECRET = /^(?:[A-Z2-7]{4} ?)+$|^q4h\d|^\d+$/

const browserIn = (code: string): Browser => {
  const browser = openBrowser(fake.origin)
  browser.cookies.set('kw_language /', { value: `${code}.${Math.floor(Date.now() / 1000)}`, path: '/' })
  return browser
}

/** The visible and spoken texts with the title, without data. */
const textsIn = ({ text }: Page): string[] =>
  [
    /<title>([^<]*)/.exec(text)![1]!.replace(/ · Keywright$/, ''),
    ...textsOf(text.replace('<html lang="en"', '<html')),
  ].filter((one) => one !== '' && !DATA.has(one.replace(/^: /, '')) && !SECRET.test(one))

const messagesOf = (code: string): Set<string> =>
  new Set(Object.values(JSON.parse(readFileSync(`src/languages/catalogues/${code}.json`, 'utf8'))))

/** Texts that are as on the English page and no message of the language, and texts with English words. */
function englishTexts(code: string, page: Page, english: Page): string[] {
  const messages = messagesOf(code)
  const same = new Set(textsIn(english))
  return textsIn(page).filter((text) => (same.has(text) && !messages.has(text)) || hasEnglishWord(text))
}

async function expectTranslated(code: string, visit: (browser: Browser) => Promise<Page>): Promise<void> {
  const page = await visit(browserIn(code))
  expect(page.status).not.toBe(500)
  expect(page.text).toContain(`<html lang="${code}" dir="${code === 'ar' ? 'rtl' : 'ltr'}">`)
  expect(englishTexts(code, page, await visit(browserIn('en')))).toEqual([])
}

const OTHERS = LANGUAGES.map(({ code }) => code).filter((code) => code !== 'en')

describe.each(OTHERS)('in the language %s', (code) => {
  it.each(PATHS)('%s has no English text', (path) => expectTranslated(code, (browser) => browser.visit(path)))

  it.each(['grace', 'olga'])('the layout around the pages of %s has none, with its banners', async (id) => {
    fake.world.signedInAs = id
    await expectTranslated(code, (browser) => browser.visit('/account/password'))
  })

  it('the page without applications has none', async () => {
    fake.world.connections = []
    await expectTranslated(code, (browser) => browser.visit('/account/applications'))
  })

  it.each([
    ['/account/password', { present: 'wrong', password: 'correct horse', repeat: 'correct horse' }],
    ['/account/password', { present: 'wrong', password: 'short', repeat: 'short' }],
    ['/account/password', { present: 'wrong', password: 'correct horse', repeat: 'another horse' }],
    ['/account/password', { present: 'too often', password: 'correct horse', repeat: 'correct horse' }],
    ['/account/email', { email: 'nonsense' }],
    ['/account/email', { email: ADA.email }],
    ['/account/security/apps', { name: 'Work phone', code: '123456' }],
    ['/account/security/apps', { name: 'Work phone', code: '1' }],
    ['/account/security/apps', { name: 'One too many', code: '123456' }],
    ['/account/security/apps/app-2/remove', {}],
    ['/account/security/passkeys', { name: 'Laptop' }],
    ['/account/security/passkeys', { name: 'Tablet' }],
    ['/account/security/recovery-codes', {}],
  ])('the answer to a form has none: %s %j', async (path, input) => {
    await expectTranslated(code, async (browser) =>
      browser.submit(await browser.visit(path), new RegExp(`${path}$`), input),
    )
  })

  it.each([
    'signed-out',
    'password-changed',
    'withdrawn',
    'verification-sent',
    'address-requested',
    'address-changed',
    'added',
    'removed',
    'passkey-added',
    'passkey-removed',
    'session-ended',
    'others-ended',
  ])('the notice %s has none', (notice) =>
    expectTranslated(code, (browser) => browser.visit(`/account/security?notice=${notice}`)),
  )
})
