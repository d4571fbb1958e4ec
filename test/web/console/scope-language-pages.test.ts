/** Operators write the texts of scopes in other languages. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type Api, findApi, touchApi } from '../../../src/apis/apis.ts'
import { describeScope, scopeTexts } from '../../../src/apis/scope-texts.ts'
import { MANAGEMENT_API } from '../../../src/management/management-scopes.ts'
import { type Keywright, startKeywright } from '../../support/keywright.ts'
import type { Browser, Page } from '../../support/scriptless-browser.ts'
import { createOperator, enter, wordsOf } from './console-visits.ts'

let server: Keywright
let browser: Browser
let api: Api

beforeAll(async () => {
  server = await startKeywright()
  browser = await enter(server, await createOperator(server.knex))
})
afterAll(() => server.stop())

beforeEach(async () => {
  const identifier = `https://${randomUUID()}.example.com`
  await server.make.api({ identifier, scopes: ['orders:read', 'orders:write'] })
  api = (await findApi(server.knex, identifier))!
  await describeScope(server.knex, api.identifier, 'orders:read', {
    title: 'See your orders',
    description: 'All of them.',
  })
})

const path = (language = '') => `/apis/${api.id}/languages${language && `/${language}`}`

const save = (page: Page, fields: Record<string, string>) => browser.submit(page, /\/languages\/[\w-]+$/, fields)

const textsIn = async (language: string) =>
  (await scopeTexts(server.knex, { [api.identifier]: api.scopes }, language)).map(({ title, description }) => [
    title,
    description,
  ])

test('an operator translates scopes from the page of the API, and sees how many have a text in each language', async () => {
  const page = await browser.visit(`/apis/${api.id}`)
  expect(page.text).toContain(`<a class="secondary" href="${path()}">Translate texts</a>`)
  expect(wordsOf(await browser.visit(path()))).toMatch(/German de 0 of 2 scopes.*Arabic ar 0 of 2 scopes/)
  const form = await browser.visit(path('de'))
  expect(wordsOf(form)).toMatch(/Texts in German.*orders:read.*See your orders · All of them\..*orders:write/)
  const saved = await save(form, { 'title:orders:read': 'Ihre Bestellungen sehen', 'description:orders:read': 'Alle.' })
  expect(wordsOf(saved)).toMatch(/Texts saved\..*German de 1 of 2 scopes/)
  expect(await textsIn('de')).toEqual([
    ['Ihre Bestellungen sehen', 'Alle.'],
    ['orders:write', ''],
  ])
  const again = await browser.visit(path('de'))
  expect(again.text).toContain('value="Ihre Bestellungen sehen"')
  expect(wordsOf(await save(again, { 'title:orders:read': '', 'description:orders:read': '' }))).toContain(
    'German de 0 of 2 scopes',
  )
  expect(await textsIn('de')).toEqual(await textsIn('en'))
})

test('texts are written in the direction of their letters', async () => {
  const tagged = (await browser.visit(path('ar'))).text.match(/<input id="field-[^>]* lang="ar" dir="auto"/g)
  expect(tagged).toHaveLength(4)
})

test('a form that changes nothing records nothing, and one language leaves the others', async () => {
  await describeScope(server.knex, api.identifier, 'orders:write', { translations: { 'pt-BR': { title: 'Alterar' } } })
  expect(wordsOf(await browser.visit(path()))).toContain('Brazilian Portuguese pt-BR 1 of 2 scopes')
  await save(await browser.visit(path('pt-BR')), {})
  await save(await browser.visit(path('ja')), { 'title:orders:write': '注文を変更' })
  expect((await textsIn('pt'))[1]).toEqual(['Alterar', ''])
  const events = await server.knex('audit_log').where({ target_id: api.identifier, action: 'api.scope_described' })
  expect(events.map(({ detail }) => detail)).toEqual([
    { scope: 'orders:write', translations: { ja: { title: '注文を変更', description: '' } } },
  ])
})

test.each([
  ['a description without a title', { 'description:orders:read': 'Alle.' }],
  ['a title that is too long', { 'title:orders:read': 'x'.repeat(101) }],
  ['invisible characters', { 'title:orders:read': 'x\u202e' }],
])('%s is refused, with the input kept and nothing saved', async (_, fields) => {
  const before = await textsIn('de')
  const page = await save(await browser.visit(path('de')), fields)
  expect([page.status, page.text.includes(Object.values(fields)[0]!)]).toEqual([400, true])
  expect(await textsIn('de')).toEqual(before)
})

test('a form whose API was changed meanwhile shows both versions', async () => {
  const form = await browser.visit(path('de'))
  await touchApi(server.knex, api)
  const stale = await save(form, { 'title:orders:read': 'Ihre Bestellungen sehen' })
  expect([stale.status, wordsOf(stale)]).toEqual([412, expect.stringContaining('Ihre Bestellungen sehen')])
  expect(await textsIn('de')).toEqual(await textsIn('en'))
  expect(wordsOf(await save(stale, {}))).toContain('Texts saved.')
})

test.each(['de_DE', 'DE', 'ar-u-nu-latn', 'und'])(
  'there is no page of a language that is no canonical tag: %s',
  async (tag) => {
    expect((await browser.visit(path(tag))).status).toBe(404)
  },
)

test('the texts of the built-in API have no page', async () => {
  const { id } = await server.knex('apis').where({ identifier: MANAGEMENT_API }).first()
  expect((await browser.visit(`/apis/${id}`)).text).not.toContain('Translate texts')
  for (const one of ['', '/de']) expect((await browser.visit(`/apis/${id}/languages${one}`)).status).toBe(404)
})
