import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { describeScope, type ScopeTextChange, scopeTexts } from '../../src/apis/scope-texts.ts'
import { IDENTITY_SCOPES } from '../../src/apis/scopes.ts'
import { type Database, openDatabase } from '../../src/database/open-database.ts'
import { createEncryptionKeys } from '../../src/shared/encryption-keys.ts'
import { newEncryptionKey } from '../support/encryption-key.ts'
import { createMaker } from '../support/factory.ts'
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts'

/** As many language tags as are too many. */
const MANY = Array.from({ length: 31 }, (_, n) => `a${String.fromCharCode(97 + (n % 26), 97 + Math.floor(n / 26))}`)

let created: TestDatabase
let database: Database
let make: ReturnType<typeof createMaker>

beforeAll(async () => {
  created = await createTestDatabase()
  database = openDatabase(created.url)
  make = createMaker(database, createEncryptionKeys([Buffer.from(newEncryptionKey(), 'base64')]))
})

afterAll(async () => {
  await database.close()
  await created.drop()
})

const newApi = async () => (await make.api({ scopes: ['read', 'write', 'erase'] })).identifier
const describeIt = (api: string, scope: string, title: string, description = '') =>
  describeScope(database.knex, api, scope, { title, description })

describe('texts of scopes', () => {
  test('come in the order wanted, over several APIs, each API with its own', async () => {
    const [api, other] = [await newApi(), await newApi()]
    await describeIt(api, 'read', 'See your orders', 'All of them, with prices.')
    await describeIt(other, 'read', 'See your files')
    await describeIt(api, 'write', 'Change your orders')
    expect(await scopeTexts(database.knex, { [other]: ['read'], [api]: ['write', 'read'] })).toEqual([
      { api: other, scope: 'read', title: 'See your files', description: '', language: null },
      { api, scope: 'write', title: 'Change your orders', description: '', language: null },
      { api, scope: 'read', title: 'See your orders', description: 'All of them, with prices.', language: null },
    ])
  })

  test('are the scope’s name where nobody wrote one, also for what no API has', async () => {
    const api = await newApi()
    const wanted = { [api]: ['erase', 'unheard-of'], 'https://nowhere.example.com': ['openid'] }
    expect(await scopeTexts(database.knex, wanted)).toEqual([
      { api, scope: 'erase', title: 'erase', description: '', language: null },
      { api, scope: 'unheard-of', title: 'unheard-of', description: '', language: null },
      { api: 'https://nowhere.example.com', scope: 'openid', title: 'openid', description: '', language: null },
    ])
    expect(await scopeTexts(database.knex, {})).toEqual([])
  })

  test('are replaced by saying them anew', async () => {
    const api = await newApi()
    await describeIt(api, 'read', 'First', 'Something')
    await describeIt(api, 'read', 'Second')
    const [text] = await scopeTexts(database.knex, { [api]: ['read'] })
    expect(text).toMatchObject({ title: 'Second', description: '' })
  })

  test('are not for what is not there', async () => {
    const api = await newApi()
    await expect(describeIt('https://nowhere.example.com', 'read', 'x')).rejects.toMatchObject({ code: 'not_found' })
    await expect(describeIt(api, 'unheard-of', 'x')).rejects.toMatchObject({
      code: 'not_found',
      message: `there is no scope of ${api} unheard-of`,
    })
  })

  test('have a title of 1 to 100 characters and a description of at most 500; what is longer is not cut', async () => {
    const api = await newApi()
    await describeIt(api, 'read', 'a'.repeat(100), 'b'.repeat(500))
    for (const [title, description] of [
      ['', ''],
      ['  ', ''],
      ['a'.repeat(101), ''],
      ['a', 'b'.repeat(501)],
      ['a\0', ''],
      ['a', 'half \ud800'],
    ] as const) {
      await expect(describeIt(api, 'read', title, description)).rejects.toMatchObject({ code: 'invalid_input' })
    }
    const [text] = await scopeTexts(database.knex, { [api]: ['read'] })
    expect(text).toMatchObject({ title: 'a'.repeat(100), description: 'b'.repeat(500) })
  })
})

test.each(IDENTITY_SCOPES)('%s is of OpenID Connect and cannot be an API’s', async (scope) => {
  const refused = { code: 'invalid_input', message: expect.stringContaining(`${scope} belongs to OpenID Connect`) }
  await expect(make.api({ scopes: ['read', scope] })).rejects.toMatchObject(refused)
})

describe('texts of a scope in several languages', () => {
  const GERMAN = { title: 'Ihre Bestellungen sehen', description: 'Alle, mit Preisen.' }
  const BRAZILIAN = { title: 'Ver seus pedidos', description: '' }

  async function translated() {
    const api = await newApi()
    await describeIt(api, 'read', 'See your orders', 'All of them, with prices.')
    const translations = { de: GERMAN, 'PT-br': BRAZILIAN, pt: { title: 'Ver os pedidos' }, 'fr-CA': BRAZILIAN }
    await describeScope(database.knex, api, 'read', { translations })
    return api
  }

  const stored = async (api: string) =>
    (
      await database
        .knex('scope_texts')
        .join('apis', 'apis.id', 'api_id')
        .where({ identifier: api, scope: 'read' })
        .first()
    ).translations

  test.each([
    ['de', { ...GERMAN, language: 'de' }],
    ['pt', { title: 'Ver os pedidos', description: '', language: 'pt' }],
    ['fr', { ...BRAZILIAN, language: 'fr-CA' }],
    ['ja', { title: 'See your orders', description: 'All of them, with prices.', language: null }],
  ])(
    'are shown in the language of the page, of a regional variant, or else without one: %s',
    async (language, text) => {
      const api = await translated()
      const wanted = { [api]: ['read', 'write'] }
      expect(await scopeTexts(database.knex, wanted, language)).toEqual([
        { api, scope: 'read', ...text },
        { api, scope: 'write', title: 'write', description: '', language: null },
      ])
    },
  )

  test('are stored under canonical tags, and stay when the text without a language changes', async () => {
    const api = await translated()
    await describeIt(api, 'read', 'View your orders')
    expect(Object.keys(await stored(api)).sort()).toEqual(['de', 'fr-CA', 'pt', 'pt-BR'])
    await describeScope(database.knex, api, 'read', { translations: { DE: null, 'pt-BR': GERMAN } })
    expect(await stored(api)).toEqual({
      'fr-CA': BRAZILIAN,
      pt: { ...BRAZILIAN, title: 'Ver os pedidos' },
      'pt-BR': GERMAN,
    })
    const [text] = await scopeTexts(database.knex, { [api]: ['read'] }, 'de')
    expect(text).toMatchObject({ title: 'View your orders', description: '', language: null })
  })

  test('need no text without a language: the scope is then called by its name elsewhere', async () => {
    const api = await newApi()
    await describeScope(database.knex, api, 'read', { translations: { de: GERMAN } })
    expect((await scopeTexts(database.knex, { [api]: ['read'] }, 'en'))[0]).toMatchObject({
      title: 'read',
      language: null,
    })
  })

  test.each<[string, ScopeTextChange]>([
    ['no language tag', { translations: { de_DE: GERMAN } }],
    ['an empty tag', { translations: { '': GERMAN } }],
    ['a long tag', { translations: { [`de-${'abcdefgh-'.repeat(5)}x`]: GERMAN } }],
    ['a tag with an extension', { translations: { 'ar-u-nu-latn': GERMAN } }],
    ['a tag for private use', { translations: { 'x-ours': GERMAN } }],
    ['no language', { translations: { und: GERMAN } }],
    ['__proto__', { translations: JSON.parse('{"__proto__": {"title": "x"}}') }],
    ['one language twice', { translations: { 'pt-BR': GERMAN, 'pt-br': GERMAN } }],
    ['a title that is missing', { translations: { de: { description: 'x' } } }],
    ['a title that is too long', { translations: { de: { title: 'x'.repeat(101) } } }],
    ['a description that is too long', { translations: { de: { title: 'x', description: 'x'.repeat(501) } } }],
    ['invisible characters', { translations: { de: { title: 'x\u202e' } } }],
    ['a description without a title', { description: 'x' }],
    ['too many languages', { translations: Object.fromEntries(MANY.map((tag) => [tag, GERMAN])) }],
  ])('are refused with %s, and nothing is stored', async (_, change) => {
    const api = await newApi()
    await describeIt(api, 'read', 'See your orders')
    const described = describeScope(database.knex, api, 'read', change)
    const field = change.translations ? 'translations' : 'title'
    await expect(described).rejects.toMatchObject({ code: 'invalid_input', fieldErrors: [{ field }] })
    expect(await stored(api)).toEqual({})
  })
})
