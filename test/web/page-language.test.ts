/** Which language a page has, how a user selects it, and that a selection leads nowhere else. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { LANGUAGE_CODES } from '../../src/languages/languages.ts'
import { send } from '../support/requests.ts'
import { type Browser, openBrowser } from '../support/scriptless-browser.ts'
import { ADA, CONSENT, createWorld, LOGIN, openFakeManagement } from './fake-management.ts'

let fake: Awaited<ReturnType<typeof openFakeManagement>>
let browser: Browser

beforeAll(async () => {
  fake = await openFakeManagement()
})
afterAll(() => fake.close())
beforeEach(() => {
  browser = openBrowser(fake.origin)
  Object.assign(fake.world, createWorld(), { signedInAs: undefined })
})

const accepting = (languages: string) => ({ headers: { accept: 'text/html', 'accept-language': languages } })

/** The value of the cookie of somebody who selected a language so long ago. */
const selected = (code: string, secondsAgo: number) => ({
  value: `${code}.${Math.floor(Date.now() / 1000) - secondsAgo}`,
  path: '/',
})

const languageIn = (text: string) => /<html lang="(\w+)" dir="(\w+)">/.exec(text)?.slice(1)

const select = (code: string, returnTo: string, headers: Record<string, string> = {}) =>
  send(`${fake.origin}/language?${new URLSearchParams({ to: code, return_to: returnTo })}`, {
    headers: { accept: 'text/html', ...headers },
    redirect: 'manual',
  })

describe('the language of a page', () => {
  it.each([
    ['de', ['de', 'ltr']],
    ['pt-BR,pt;q=0.9,en;q=0.8', ['pt', 'ltr']],
    ['ar-EG', ['ar', 'rtl']],
    ['en;q=0.3, xx, ja;q=0.9', ['ja', 'ltr']],
    ['xx', ['en', 'ltr']],
    ['*', ['en', 'ltr']],
    ['fr;q=0', ['en', 'ltr']],
  ])('is the one that the browser prefers: %s', async (header, expected) => {
    const { text, headers } = await browser.visit('/signin', accepting(header))
    expect(languageIn(text)).toEqual(expected)
    expect(headers.get('content-language')).toBe(expected[0])
    expect(headers.get('vary')).toMatch(/Accept-Language/)
  })

  it('is the one of ui_locales before the one that the browser prefers', async () => {
    fake.world.interactions = [
      { ...LOGIN, uiLocales: 'xx fr-CA de' },
      { ...CONSENT, uiLocales: 'ja' },
    ]
    expect(languageIn((await browser.visit('/interaction/login1', accepting('de'))).text)).toEqual(['fr', 'ltr'])
    expect((await browser.visit('/interaction/consent1', accepting('de'))).text).toContain(
      '「<bdi>Calendar Sync</bdi>」のアクセスを許可',
    )
    const signOut = await browser.visit('/show/confirm-sign-out?ui_locales=es', accepting('de'))
    expect(signOut.text).toContain('<h1>¿Cerrar sesión?</h1>')
  })

  it('is the one that the user selected during this sign-in before ui_locales, and one selected earlier after it', async () => {
    fake.world.interactions = [{ ...LOGIN, uiLocales: 'fr' }]
    browser.cookies.set('kw_language /', selected('ar', 60))
    expect(languageIn((await browser.visit('/interaction/login1')).text)).toEqual(['ar', 'rtl'])
    browser.cookies.set('kw_language /', selected('ar', 7200))
    expect(languageIn((await browser.visit('/interaction/login1')).text)).toEqual(['fr', 'ltr'])
    expect(languageIn((await browser.visit('/signin', accepting('de'))).text)).toEqual(['ar', 'rtl'])
  })

  it('is the one of the signed-in user before one that was selected earlier in the browser, and after ui_locales', async () => {
    fake.world.people = [{ ...ADA, language: 'ja' }]
    fake.world.interactions = [CONSENT, { ...CONSENT, uid: 'consent2', uiLocales: 'fr' }]
    browser.cookies.set('kw_language /', selected('ar', 7200))
    expect(languageIn((await browser.visit('/interaction/consent1', accepting('de'))).text)).toEqual(['ja', 'ltr'])
    expect(languageIn((await browser.visit('/interaction/consent2', accepting('de'))).text)).toEqual(['fr', 'ltr'])
    browser.cookies.set('kw_language /', selected('ar', 60))
    expect(languageIn((await browser.visit('/interaction/consent2', accepting('de'))).text)).toEqual(['ar', 'rtl'])
  })

  it('stays the one of the user on pages that do not know them, in another browser and after sign-out', async () => {
    fake.world.people = [{ ...ADA, language: 'ja' }]
    fake.world.signedInAs = ADA.id
    browser.cookies.set('kw_language /', selected('ar', 7200))
    await browser.visit('/account/password')
    expect(languageIn((await browser.visit('/show/device-code', accepting('de'))).text)).toEqual(['ja', 'ltr'])
    fake.world.signedInAs = undefined
    expect(languageIn((await browser.visit('/signin', accepting('de'))).text)).toEqual(['ja', 'ltr'])
    browser.cookies.set('kw_language /', selected('ar', 60))
    fake.world.signedInAs = ADA.id
    await browser.visit('/account/password')
    expect(languageIn((await browser.visit('/show/device-code')).text)).toEqual(['ar', 'rtl'])
  })

  it.each(['xx.1', 'de', 'de.x', '<script>', ''])(
    'does not follow a cookie that is none of ours: %s',
    async (value) => {
      browser.cookies.set('kw_language /', { value, path: '/' })
      expect(languageIn((await browser.visit('/signin', accepting('es'))).text)).toEqual(['es', 'ltr'])
    },
  )

  it('is the selected one on the pages of the own account, which can be shown in each', async () => {
    fake.world.signedInAs = ADA.id
    const { text, headers } = await browser.visit('/account/password', accepting('ar'))
    expect(languageIn(text)).toEqual(['ar', 'rtl'])
    expect(headers.get('content-language')).toBe('ar')
    expect(headers.get('vary')).toMatch(/Accept-Language/)
    expect([...text.matchAll(/hreflang="(\w+)"/g)].map(([, code]) => code)).toEqual(LANGUAGE_CODES)
    fake.world.people = [{ ...ADA, language: 'de' }]
    expect((await browser.visit('/account/password', accepting('ar'))).text).toContain('>Aktuelles Passwort<')
  })

  it.each([
    ['de', 'ltr', 'Seite nicht gefunden', 'Abmelden'],
    ['en', 'ltr', 'Page not found', 'Sign out'],
    ['fr', 'ltr', 'Page introuvable', 'Se déconnecter'],
    ['ar', 'rtl', 'الصفحة غير موجودة', 'تسجيل الخروج'],
  ])('is every one on an error in the console: %s', async (preferred, direction, title, signOut) => {
    fake.world.signedInAs = ADA.id
    const { text, headers } = await browser.visit('/nothing', accepting(preferred))
    expect(languageIn(text)).toEqual([preferred, direction])
    expect(headers.get('content-language')).toBe(preferred)
    expect(headers.get('vary')).toMatch(/Accept-Language/)
    expect(text).toContain(`<h1><bdi>${title}</bdi></h1>`)
    expect(text).toContain(`<button class="text-action">${signOut}</button>`)
  })

  it('changes neither the request ID nor the English detail of an error', async () => {
    const { text } = await browser.visit('/show/error', accepting('de'))
    expect(text).toContain('<h1>Redirect-URI nicht registriert</h1>')
    expect(text).toContain('<code>request-1</code>')
    expect(text).toContain('<dd lang="en"><bdi>invalid_redirect_uri: redirect_uri did not match</bdi></dd>')
    const program = await send(`${fake.origin}/show/error`, {
      headers: { accept: 'application/json', 'accept-language': 'de' },
    })
    expect(program.body).toEqual({ error: 'invalid_redirect_uri', error_description: 'redirect_uri did not match' })
  })

  it.each([
    ['invalid_client', 'Unbekannte Anwendung', 'Die Anwendung, die Sie hierher geschickt hat, ist nicht registriert'],
    ['invalid_redirect_uri', 'Redirect-URI nicht registriert', 'Die Anwendung wollte Sie zu einer Adresse schicken'],
    ['invalid_request_uri', 'Dieser Link ist abgelaufen', 'Er funktioniert nur einmal'],
    ['expired_token', 'Dieser Code ist abgelaufen', 'Beginnen Sie auf Ihrem Gerät von vorn'],
    ['access_denied', 'Zugriff verweigert', 'Die Anwendung hat keinen Zugriff erhalten.'],
    ['slow_down', 'Zu viele Versuche', 'Versuchen Sie es gleich noch einmal.'],
    ['rate_limit_exceeded', 'Zu viele Anfragen aus Ihrem Netzwerk', 'Versuchen Sie es gleich noch einmal.'],
    ['temporarily_unavailable', 'Dienst nicht verfügbar', 'Versuchen Sie es gleich noch einmal.'],
    ['unheard_of', 'Ungültige Anfrage', 'Gehen Sie zurück zur Anwendung'],
  ])('says what happened and what to do: %s', async (error, title, text) => {
    const page = await browser.visit(`/show/error?error=${error}`, accepting('de'))
    expect(page.text).toContain(`<h1>${title}</h1>`)
    expect(page.text).toContain(`<p>${text}`)
  })

  it('says how long to wait', async () => {
    const { status, text, headers } = await browser.visit('/interaction/too-often', accepting('de'))
    expect([status, headers.get('retry-after')]).toEqual([429, '240'])
    expect(text).toContain('<p>In 4 Minuten können Sie es erneut versuchen.</p>')
    expect(text).not.toContain('<p lang="en"')
  })

  it('marks a sentence that exists in English only', async () => {
    const { status, text } = await browser.visit('/signin?x=%00', accepting('de'))
    expect(status).toBe(400)
    expect(text).toMatch(/<h1>Ungültige Anfrage<\/h1>\n<p lang="en" dir="ltr">/)
  })
})

describe('the selection of a language', () => {
  it('is on every page that can be shown anew, and names each language in itself', async () => {
    const { text } = await browser.visit('/signin?return_to=%2Fkeys')
    expect([...text.matchAll(/hreflang="(\w+)"/g)].map(([, code]) => code)).toEqual(LANGUAGE_CODES)
    const [, href] = /href="([^"]+)" hreflang="de"/.exec(text)!
    const page = await browser.visit(href!.replaceAll('&amp;', '&'))
    expect(page.url).toBe(`${fake.origin}/signin?return_to=%2Fkeys`)
    expect(page.text).toContain('<h1>Anmelden</h1>')
    expect(page.text).toMatch(/hreflang="de" lang="de" dir="ltr" aria-current="true"/)
  })

  it('lasts a year, for this site alone and not for scripts', async () => {
    const { status, headers } = await select('de', '/signin')
    expect([status, headers.get('location')]).toEqual([303, '/signin'])
    expect(headers.get('set-cookie')).toMatch(/^kw_language=de\.\d+; path=\/; expires=[^;]+; samesite=lax; httponly$/i)
  })

  it('wins over the ui_locales of the address', async () => {
    const { headers } = await select('de', '/oauth2/logout?client_id=a&ui_locales=fr')
    expect(headers.get('location')).toBe('/oauth2/logout?client_id=a')
  })

  it.each(['https://evil.example/', '//evil.example', '/\\evil.example', '/..//evil.example', 'javascript:alert(1)'])(
    'leads to no other site: %s',
    async (returnTo) => {
      expect((await select('de', returnTo)).headers.get('location')).toBe('/')
    },
  )

  it.each([
    ['xx', {}],
    ['', {}],
    ['de', { 'sec-fetch-site': 'cross-site' }],
    ['de', { 'sec-fetch-site': 'same-site' }],
  ])('is kept neither for another language nor when another site asks: %s %j', async (code, headers) => {
    const answer = await select(code, '/signin', headers)
    expect([answer.status, answer.headers.get('set-cookie')]).toEqual([303, null])
  })

  const OTHERS = 'https://evil.example/'
  it.each<[Record<string, string>, boolean]>([
    [{ 'sec-fetch-site': 'same-origin' }, true],
    [{ referer: '/signin' }, true],
    [{ 'sec-fetch-site': 'same-origin', referer: OTHERS }, true],
    [{ 'sec-fetch-site': 'cross-site' }, false],
    [{ 'sec-fetch-site': 'cross-site', referer: '/signin' }, false],
    [{ 'sec-fetch-site': 'same-site', referer: '/signin' }, false],
    [{ 'sec-fetch-site': 'none' }, false],
    [{ referer: OTHERS }, false],
    [{ referer: 'nothing' }, false],
    [{}, false],
  ])('is kept for the signed-in user only if it was made on a page of this site: %j', async (headers, isKept) => {
    const { referer } = headers
    const absolute: Record<string, string> = referer?.startsWith('/') ? { referer: fake.origin + referer } : {}
    fake.world.signedInAs = ADA.id
    await select('de', '/signin', { ...headers, ...absolute })
    expect(fake.world.done).toEqual(isKept ? [['keepLanguage', { userId: ADA.id, language: 'de' }]] : [])
  })

  it('is kept for nobody while nobody is signed in, and not again', async () => {
    const own = { 'sec-fetch-site': 'same-origin' }
    await select('de', '/signin', own)
    fake.world.people = [{ ...ADA, language: 'de' }]
    fake.world.signedInAs = ADA.id
    await select('de', '/signin', own)
    await select('xx', '/signin', own)
    expect(fake.world.done).toEqual([])
  })

  it('is not on the answer to a form, which cannot be shown anew', async () => {
    const form = await browser.visit('/interaction/login1')
    const refused = await browser.submit(form, /sign-in$/, { email: '', password: '' })
    expect(refused.text).not.toContain('hreflang')
  })
})

describe('in German', () => {
  beforeEach(() => browser.cookies.set('kw_language /', selected('de', 0)))

  it('the sign-in page and its errors are', async () => {
    const form = await browser.visit('/interaction/login1')
    expect(form.text).toContain('um mit <strong><bdi>Calendar Sync</bdi></strong> fortzufahren')
    const missing = await browser.submit(form, /sign-in$/, { email: '', password: '' })
    expect(missing.text).toContain('Geben Sie Ihre E-Mail-Adresse ein.')
    expect(missing.text).toContain('<title>Fehler: Anmelden · Keywright</title>')
    const wrong = await browser.submit(form, /sign-in$/, { email: 'ada@example.com', password: 'x' })
    expect(wrong.text).toContain('E-Mail-Adresse oder Passwort ist falsch.')
  })

  it('the consent page is, with the operator’s texts as they are', async () => {
    const { text } = await browser.visit('/interaction/consent1')
    for (const expected of [
      'Über Sie',
      'Ihren Namen und Ihre Sprache sehen',
      'Read your calendar',
      '>Erlauben<',
      '>Ablehnen<',
    ])
      expect(text).toContain(expected)
    expect(text).toContain('<a href="/account/applications">Verbundene Anwendungen</a>')
    expect(text).toContain('<li lang=""><span><bdi>Read your calendar</bdi>')
  })

  it('the consent page is, with the operator’s texts in German where there are some', async () => {
    fake.world.texts['calendar.read'] = {
      title: 'Read your calendar',
      description: '',
      translations: { de: { title: 'Ihren Kalender lesen', description: 'Alle Einträge.' } },
    }
    const { text } = await browser.visit('/interaction/consent1')
    expect(text).toContain('<li lang="de"><span><bdi>Ihren Kalender lesen</bdi></span>')
    expect(text).not.toContain('Read your calendar')
    expect(text).toContain('<li lang=""><span><bdi>Change your calendar</bdi>')
    expect(text).toMatch(/<li><span><bdi>Ihren Namen/)
  })
})
