import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { describeScope, scopeTexts } from '../../src/apis/scope-texts.ts'
import { IDENTITY_SCOPES } from '../../src/apis/scopes.ts'
import { type Database, openDatabase } from '../../src/database/open-database.ts'
import { createEncryptionKeys } from '../../src/shared/encryption-keys.ts'
import { newEncryptionKey } from '../support/encryption-key.ts'
import { createMaker } from '../support/factory.ts'
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts'

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
      { api: other, scope: 'read', title: 'See your files', description: '' },
      { api, scope: 'write', title: 'Change your orders', description: '' },
      { api, scope: 'read', title: 'See your orders', description: 'All of them, with prices.' },
    ])
  })

  test('are the scope’s name where nobody wrote one, also for what no API has', async () => {
    const api = await newApi()
    const wanted = { [api]: ['erase', 'unheard-of'], 'https://nowhere.example.com': ['openid'] }
    expect(await scopeTexts(database.knex, wanted)).toEqual([
      { api, scope: 'erase', title: 'erase', description: '' },
      { api, scope: 'unheard-of', title: 'unheard-of', description: '' },
      { api: 'https://nowhere.example.com', scope: 'openid', title: 'openid', description: '' },
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
