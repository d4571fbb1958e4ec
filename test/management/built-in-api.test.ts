import { afterAll, beforeAll, expect, test } from 'vitest'
import { findApi } from '../../src/apis/apis.ts'
import { scopeTexts } from '../../src/apis/scope-texts.ts'
import { ensureManagementApi } from '../../src/bootstrap.ts'
import { listClientApis } from '../../src/clients/client-apis.ts'
import { type Database, openDatabase } from '../../src/database/open-database.ts'
import { updateApi } from '../../src/management/api-changes.ts'
import { ensureBuiltInApi } from '../../src/management/built-in-api.ts'
import { MANAGEMENT_API, MANAGEMENT_SCOPES } from '../../src/management/management-scopes.ts'
import { createEncryptionKeys } from '../../src/shared/encryption-keys.ts'
import { newEncryptionKey } from '../support/encryption-key.ts'
import { ACTOR, createMaker } from '../support/factory.ts'
import { together } from '../support/load.ts'
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
  await database?.close()
  await created?.drop()
})

const ensure = (identifier: string, ...scopes: string[]) => {
  const texts = Object.fromEntries(scopes.map((scope) => [scope, { title: `May ${scope}`, description: '' }]))
  return ensureBuiltInApi(database.knex, identifier, texts, ACTOR)
}
const audited = (identifier: string) => database.knex('audit_log').where('target_id', identifier).pluck('action')

test('several starts at once create the API once, with all its scopes and texts', async () => {
  await together(8, () => ensureManagementApi(database.knex))
  const api = await findApi(database.knex, MANAGEMENT_API)
  expect(api).toMatchObject({ builtIn: true, revision: 1, scopes: Object.keys(MANAGEMENT_SCOPES) })
  const texts = await scopeTexts(database.knex, { [MANAGEMENT_API]: api!.scopes })
  expect(texts.map(({ title }) => title)).toEqual(Object.values(MANAGEMENT_SCOPES))
  expect(await audited(MANAGEMENT_API)).toEqual(['api.created'])
})

test('a start with other scopes updates the API and keeps its lifetime; a start with the same scopes changes nothing', async () => {
  const identifier = 'urn:test:changed'
  await ensure(identifier, 'a', 'b')
  await updateApi(database.knex, identifier, { tokenTtl: 600 }, ACTOR)
  const narrowed = await make.register({ apis: [identifier], scopes: ['a', 'b'], settings: { defaultScopes: ['a'] } })
  await ensure(identifier, 'b', 'c')
  const api = await findApi(database.knex, identifier)
  expect(api).toMatchObject({ scopes: ['b', 'c'], tokenTtl: 600, revision: 3 })
  expect(await listClientApis(database.knex, narrowed.key)).toEqual([{ identifier, scopes: ['b'] }])
  await ensure(identifier, 'b', 'c')
  expect(await findApi(database.knex, identifier)).toEqual(api)
  expect(await audited(identifier)).toEqual(['api.created', 'api.updated', 'api.updated'])
  const last = await database.knex('audit_log').where('target_id', identifier).orderBy('id', 'desc').first('detail')
  expect(last.detail).toEqual({ changes: { scopes: { from: ['a', 'b'], to: ['b', 'c'] } } })
})

test('a start with other texts changes the texts and nothing else', async () => {
  const identifier = 'urn:test:words'
  await ensure(identifier, 'a', 'b')
  const texts = { a: { title: 'Otherwise', description: 'x' }, b: { title: 'May b', description: '' } }
  await ensureBuiltInApi(database.knex, identifier, texts, ACTOR)
  expect(await findApi(database.knex, identifier)).toMatchObject({ scopes: ['a', 'b'] })
  expect(await scopeTexts(database.knex, { [identifier]: ['a'] })).toMatchObject([texts.a])
})

test('an API that was created with the same identifier becomes the built-in API', async () => {
  const { identifier } = await make.api({
    identifier: 'urn:test:taken',
    scopes: ['mine'],
    policy: 'single',
    isDefault: true,
  })
  await ensure(identifier, 'a')
  const api = await findApi(database.knex, identifier)
  expect(api).toMatchObject({ builtIn: true, isDefault: false, policy: 'none', scopes: ['a'] })
})
