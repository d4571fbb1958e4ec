/** The texts of scopes in several languages through the management API, to the page on which users read them. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Application, createApplication } from '../oidc/application-fixtures.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { managementToken, managingApplication, rawManagement } from '../support/management.ts'
import { openBrowser, signIn } from '../support/scriptless-browser.ts'
import { createTestUser, PASSWORD } from '../support/test-users.ts'

const IDENTIFIER = 'https://orders.example.com'
const PATH = `/apis/${encodeURIComponent(IDENTIFIER)}`
const GERMAN = { title: 'Ihre Bestellungen sehen', description: 'Alle, mit Preisen.' }
const BRAZILIAN = { title: 'Ver seus pedidos', description: '' }

let server: Keywright
let application: Application
let api: ReturnType<typeof rawManagement>

beforeAll(async () => {
  server = await startKeywright()
  api = rawManagement(server.url, await managementToken(server, await managingApplication(server, null)))
  const read = { title: 'See your orders', translations: { de: GERMAN } }
  const body = { identifier: IDENTIFIER, scopes: ['read', 'write'], texts: { read } }
  expect((await api.json('POST', '/apis', body)).status).toBe(201)
  application = await createApplication(server, {}, { apis: [IDENTIFIER] })
})
afterAll(() => server.stop())

const change = (texts: unknown) => api.json('PATCH', PATH, { texts }, { 'if-match': '*' })

const textsOf = async (): Promise<unknown[]> => (await api.send('GET', PATH)).body.scopes

const WRITE = { scope: 'write', title: 'write', description: '', translations: {} }
const ENGLISH = { scope: 'read', title: 'See your orders', description: '' }

test('a declaration and its changes set and remove texts by language, and other texts stay', async () => {
  expect(await textsOf()).toEqual([{ ...ENGLISH, translations: { de: GERMAN } }, WRITE])
  expect((await change({ read: { translations: { 'PT-br': { title: BRAZILIAN.title } } } })).status).toBe(200)
  const both = { de: GERMAN, 'pt-BR': BRAZILIAN }
  expect(await textsOf()).toEqual([{ ...ENGLISH, translations: both }, WRITE])
  expect((await change({ read: { title: 'View your orders' } })).status).toBe(200)
  expect(await textsOf()).toEqual([{ ...ENGLISH, title: 'View your orders', translations: both }, WRITE])
  expect((await change({ read: { title: ENGLISH.title, translations: { 'pt-BR': null } } })).status).toBe(200)
  expect(await textsOf()).toEqual([{ ...ENGLISH, translations: { de: GERMAN } }, WRITE])
  const { items } = (await api.send('GET', '/apis?search=orders')).body
  expect(items[0].scopes[0].translations).toEqual({ de: GERMAN })
  const entries = await server.knex('audit_log').where({ action: 'api.scope_described' }).orderBy('at')
  const ofApi = entries.filter(({ target_id }) => target_id === IDENTIFIER).map(({ detail }) => detail)
  expect(ofApi[1]).toEqual({ scope: 'read', translations: { 'PT-br': { title: BRAZILIAN.title, description: '' } } })
})

test.each([
  { de_DE: GERMAN },
  { de: { ...GERMAN, title: 'x'.repeat(101) } },
  { de: { description: 'x' } },
  { de: { ...GERMAN, more: 1 } },
  { de: 'x' },
  [],
])('translations that are wrong are refused: %j', async (translations) => {
  const before = await textsOf()
  const { status, body } = await change({ read: { translations } })
  expect([status, body.type]).toEqual([400, 'urn:keywright:error:invalid_input'])
  expect(await textsOf()).toEqual(before)
})

test.each([
  ['de', '<li lang="de"><span><bdi>Ihre Bestellungen sehen</bdi></span><span class="detail"><bdi>Alle, mit Preisen.'],
  ['fr', '<li lang=""><span><bdi>See your orders</bdi></span></li>'],
])(
  'a user reads the consent page with the text in their language, or else the one without a language: %s',
  async (language, item) => {
    const user = await createTestUser(server.knex, server.firstStart.accountId)
    const browser = openBrowser(server.url)
    const link = application.link({ ui_locales: language, scope: 'openid read', resource: IDENTIFIER })
    const { text } = await signIn(browser, await browser.visit(link), user.email, PASSWORD)
    expect(text).toContain(item)
  },
)
