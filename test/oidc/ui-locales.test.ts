/** The language that an application requests (OpenID Connect Core, section 3.1.2.1), through the engine. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { LANGUAGE_CODES } from '../../src/languages/languages.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { postForm, send } from '../support/requests.ts'
import { signIn } from '../support/scriptless-browser.ts'
import { createTestUser, type Person } from '../support/test-users.ts'
import {
  type Application,
  createApplication,
  expectNoFieldErrors,
  expectSentBack,
  inShort,
  openBrowserOn,
} from './application-fixtures.ts'

let server: Keywright
let person: Person
let application: Application

beforeAll(async () => {
  server = await startKeywright()
  person = await createTestUser(server.knex, server.firstStart.accountId)
  application = await createApplication(server)
})

afterAll(async () => {
  expectNoFieldErrors(server)
  await server.stop()
})

test('the metadata lists every language', async () => {
  const { body } = await send(`${server.url}/.well-known/openid-configuration`)
  expect(body.ui_locales_supported).toEqual(LANGUAGE_CODES)
})

test('sign-in and consent are in the language of ui_locales, also after the sign-in', async () => {
  const browser = openBrowserOn(server)
  const asked = await browser.visit(application.link({ ui_locales: 'xx pt-BR' }))
  expect(inShort(asked)).toContain('para continuar em')
  expect(inShort(await signIn(browser, asked, person.email, person.password))).toContain('Permitir o acesso de')
})

test('a selection on the sign-in page lasts to the consent page', async () => {
  const browser = openBrowserOn(server)
  const asked = await browser.visit(application.link({ ui_locales: 'pt' }))
  const [, href] = /href="([^"]+)" hreflang="de"/.exec(asked.text)!
  const german = await browser.visit(href!.replaceAll('&amp;', '&'))
  expect(inShort(german)).toContain('um mit')
  expect(inShort(await signIn(browser, german, person.email, person.password))).toContain('Zugriff erlauben?')
})

test('a selection of a signed-in user is followed in another browser, until ui_locales asks for another language', async () => {
  const user = await createTestUser(server.knex, server.firstStart.accountId)
  const [one, other] = [openBrowserOn(server), openBrowserOn(server)]
  for (const browser of [one, other])
    await signIn(browser, await browser.visit('/signin?return_to=/account/password'), user.email, user.password)
  const own = { headers: { accept: 'text/html', 'sec-fetch-site': 'same-origin' } }
  await one.visit('/language?to=ar&return_to=/', own)
  const consent = await other.visit(application.link(), { headers: { 'accept-language': 'de' } })
  expect(consent.text).toContain('<html lang="ar" dir="rtl">')
  const french = await other.visit(application.link({ ui_locales: 'fr' }))
  expect(french.text).toContain('<html lang="fr" dir="ltr">')
})

test('ui_locales of a pushed request is followed', async () => {
  const pushed = await postForm(
    `${server.url}/oauth2/par`,
    Object.fromEntries(application.requested({ ui_locales: 'ja' })),
    { basic: application.basic },
  )
  const query = new URLSearchParams({ client_id: application.clientId, request_uri: pushed.body.request_uri })
  expect(inShort(await openBrowserOn(server).visit(`/oauth2/authorize?${query}`))).toContain('ログイン')
})

test('ui_locales that cannot be read is ignored', async () => {
  for (const ui_locales of ['"<script>', 'x_y', ' '.repeat(50), 'de'.repeat(2000)])
    expect(inShort(await openBrowserOn(server).visit(application.link({ ui_locales })))).toContain('to continue to')
})

test('the pages of sign-out and devices are in the language that is requested or selected', async () => {
  const browser = openBrowserOn(server)
  const forward = await browser.visit('/oauth2/logout?ui_locales=fr')
  expect(inShort(forward)).toContain('Vous allez être redirigé.')
  expect(forward.text).not.toContain('hreflang')
  const device = await browser.visit('/language?to=de&return_to=/device')
  expect(inShort(device)).toContain('Gerät verbinden')
  const wrong = await browser.submit(device, /device$/, { user_code: 'BBBB-BBBB' })
  expect(inShort(wrong)).toContain('Diesen Code gibt es nicht.')
})

test('errors for applications are in English', async () => {
  const browser = openBrowserOn(server)
  const sent = await browser.visit(application.link({ ui_locales: 'de', scope: 'nothing' }), {
    headers: { 'accept-language': 'de' },
  })
  expectSentBack(server, sent, 'invalid_scope')
  expect(sent.left!.searchParams.get('error_description')).toMatch(/^[ -~]+$/)
})
