import type { Knex } from 'knex'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ApiSettings, NewApi } from '../../src/apis/api-settings.ts'
import { defaultApi, findApis } from '../../src/apis/apis.ts'
import { scopeTexts } from '../../src/apis/scope-texts.ts'
import { listClientApis } from '../../src/clients/client-apis.ts'
import { ensureSigningKeys } from '../../src/keys/signing-keys.ts'
import { describeScopes, updateApi } from '../../src/management/api-changes.ts'
import { updateClient } from '../../src/management/client-registration.ts'
import { ACTOR } from '../support/factory.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { until } from '../support/load.ts'
import { claimsOf } from '../support/requests.ts'

const MANAGEMENT = 'urn:keywright:management'

let on: Keywright

beforeAll(async () => {
  on = await startKeywright()
})

afterAll(() => on?.stop())

const update = (identifier: string, changes: Partial<ApiSettings>, expected?: number, db: Knex = on.knex) =>
  updateApi(db, identifier, changes, ACTOR, expected)
const read = async (identifier: string) => (await findApis(on.knex, [identifier]))[0]!
const auditOf = (identifier: string) =>
  on.knex('audit_log').where('target_id', identifier).orderBy('at').orderBy('id').select('action', 'detail')

describe('a change of an API', () => {
  test('changes the given settings, and a cached client gets tokens by the new settings at its next request', async () => {
    const api = await on.make.api({ scopes: ['read', 'write'] })
    const client = await on.make.client({}, [api.identifier])
    expect((await on.machineToken(client)).body).toMatchObject({ scope: 'read write', expires_in: 3600 })
    await ensureSigningKeys(on.knex, 'PS256', on.instance.encryptionKeys)
    const changes = { scopes: ['read', 'list'], tokenTtl: 600, policy: 'single', signingAlg: 'PS256' } as const
    const before = await read(api.identifier)
    expect(await update(api.identifier, changes)).toEqual({ ...before, ...changes, revision: before.revision + 1 })
    const { body } = await on.machineToken(client)
    expect(body).toMatchObject({ scope: 'read list', expires_in: 600 })
    expect(JSON.parse(Buffer.from(body.access_token.split('.')[0], 'base64url').toString()).alg).toBe('PS256')
    await on.machineToken(client)
    expect((await on.introspect(body.access_token, api)).body).toEqual({ active: false })
  })

  test('leaves a token that is issued at the same time with all old or all new settings', async () => {
    const api = await on.make.api({ scopes: ['before'], tokenTtl: 600 })
    const client = await on.make.client({}, [api.identifier])
    const tokens = Promise.all(Array.from({ length: 20 }, () => on.machineToken(client)))
    await update(api.identifier, { scopes: ['after'], tokenTtl: 1200 })
    const kinds = new Set((await tokens).map(({ body }) => `${body.scope} ${body.expires_in}`))
    expect([...kinds].filter((kind) => kind !== 'before 600' && kind !== 'after 1200')).toEqual([])
    expect((await on.machineToken(client)).body).toMatchObject({ scope: 'after', expires_in: 1200 })
  })

  test('is rejected for a stale revision, for invalid settings and for an unknown API', async () => {
    const { identifier } = await on.make.api()
    const { revision } = await read(identifier)
    await update(identifier, { tokenTtl: 600 }, revision)
    await expect(update(identifier, { tokenTtl: 700 }, revision)).rejects.toMatchObject({ code: 'stale' })
    const wrong = { scopes: ['openid'], tokenTtl: 1, policy: 'x' as 'none', signingAlg: 'none' as 'ES256' }
    const fields = Object.keys(wrong).map((field) => ({ field }))
    // The algorithm has no keys either, which is found first.
    await expect(update(identifier, { ...wrong, signingAlg: 'ES256' })).rejects.toMatchObject({
      code: 'invalid_input',
      fieldErrors: fields.slice(0, 3),
    })
    const nowhere = update('https://nowhere.example.com', { tokenTtl: 600 })
    await expect(nowhere).rejects.toMatchObject({ code: 'not_found' })
    expect(await read(identifier)).toMatchObject({ tokenTtl: 600, revision: revision + 1 })
  })

  test('is recorded with the old and new values of the changed settings, and setting the same values records nothing', async () => {
    const { identifier } = await on.make.api({ tokenTtl: 3600 })
    const changed = await update(identifier, { tokenTtl: 600, policy: 'none' })
    expect(await update(identifier, { tokenTtl: 600 })).toEqual(changed)
    const entries = await auditOf(identifier)
    expect(entries).toMatchObject([
      { action: 'api.created', detail: { changes: { identifier: { to: identifier }, token_ttl: { to: 3600 } } } },
      { action: 'api.updated' },
    ])
    expect(entries[0].detail.changes.token_ttl).toEqual({ to: 3600 })
    expect(entries[1].detail).toEqual({ changes: { token_ttl: { from: 3600, to: 600 } } })
  })

  test('cannot select a signing algorithm that has no key', async () => {
    const { identifier } = await on.make.api()
    await expect(update(identifier, { signingAlg: 'EdDSA' })).rejects.toMatchObject({ code: 'conflict' })
  })
})

describe('the default API', () => {
  test('moves to another API and always exists; of several APIs that become the default at once, one does', async () => {
    const apis = await Promise.all(Array.from({ length: 5 }, () => on.make.api()))
    const moved = await update(apis[0]!.identifier, { isDefault: true })
    expect(moved.isDefault).toBe(true)
    await expect(update(moved.identifier, { isDefault: false })).rejects.toMatchObject({ code: 'conflict' })
    for (let round = 0; round < 8; round++) {
      const declared = on.make.api({ isDefault: true })
      await Promise.all([declared, ...apis.map(({ identifier }) => update(identifier, { isDefault: true }))])
    }
    expect(await on.knex('apis').where({ is_default: true })).toHaveLength(1)
    await update(on.firstStart.api.identifier, { isDefault: true })
    expect((await defaultApi(on.knex))!.identifier).toBe(on.firstStart.api.identifier)
  })
})

test('an API becomes the default while clients are given both APIs, without a deadlock', async () => {
  const [low, high] = [await on.make.api(), await on.make.api()]
  const both = [low.identifier, high.identifier]
  for (let round = 0; round < 6; round++) {
    const moving = update(both[round % 2]!, { isDefault: true })
    await Promise.all([moving, ...Array.from({ length: 6 }, () => on.make.client({}, both))])
  }
  await update(on.firstStart.api.identifier, { isDefault: true })
})

describe('a removed scope', () => {
  const apisOf = async (key: number) => (await listClientApis(on.knex, key)).map(({ scopes }) => scopes)

  test('is removed from clients that are limited to it, and a client without remaining scopes loses the API', async () => {
    const [api, other] = [await on.make.api({ scopes: ['a', 'b', 'c'] }), await on.make.api()]
    const both = [api.identifier, other.identifier]
    const some = await on.make.client({}, [api.identifier], ['c', 'a'])
    const only = await on.make.client({}, both, ['a', 'read'])
    const all = await on.make.client({}, [api.identifier])
    await on.machineToken(only)
    await update(api.identifier, { scopes: ['c', 'd'] })
    expect(await apisOf(some.key)).toEqual([['c']])
    expect(await apisOf(only.key)).toEqual([['read']])
    expect(await apisOf(all.key)).toEqual([['c', 'd']])
    const answer = await on.machineToken(only, { resource: api.identifier })
    expect(answer.body.error).toBe('invalid_target')
  })

  test('cannot be removed while it is a default scope of clients, and the error lists the clients', async () => {
    const api = await on.make.api({ scopes: ['a', 'b'] })
    const client = await on.make.client({ defaultScopes: ['a'] }, [api.identifier])
    const refused = { code: 'conflict', message: expect.stringContaining(client.clientId) }
    await expect(update(api.identifier, { scopes: ['b'] })).rejects.toMatchObject(refused)
    expect((await read(api.identifier)).scopes).toEqual(['a', 'b'])
    await updateClient(on.knex, client.clientId, { settings: { defaultScopes: ['b'] } }, ACTOR)
    await update(api.identifier, { scopes: ['b'] })
  })

  test('loses its text, so that a scope that is added again does not have the former text', async () => {
    const { identifier } = await on.make.api({ scopes: ['a', 'b'] })
    await describeScopes(on.knex, identifier, { a: { title: 'Old', description: '' } }, ACTOR)
    await update(identifier, { scopes: ['b'] })
    await update(identifier, { scopes: ['a', 'b'] })
    expect(await scopeTexts(on.knex, { [identifier]: ['a'] })).toMatchObject([{ title: 'a' }])
  })

  test('is not given to a client that is registered at the same time', async () => {
    const { identifier } = await on.make.api({ scopes: ['a', 'b'] })
    const trx = await on.knex.transaction()
    await update(identifier, { scopes: ['b'] }, undefined, trx)
    const registered = on.make.client({}, [identifier], ['a'])
    registered.catch(() => {})
    const waiting = `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`
    await until(async () => (await on.knex.raw(waiting)).rows.length > 0)
    await trx.commit()
    await expect(registered).rejects.toMatchObject({ code: 'invalid_input', fieldErrors: [{ field: 'scopes' }] })
  })
})

describe('the texts of scopes', () => {
  test('are set several at once or none, each is recorded, and a stale revision is rejected', async () => {
    const { identifier } = await on.make.api({ scopes: ['a', 'b'] })
    const { revision } = await read(identifier)
    const text = (title: string) => ({ title, description: 'x' })
    const described = await describeScopes(on.knex, identifier, { a: text('A'), b: text('B') }, ACTOR, revision)
    expect(described.revision).toBe(revision + 1)
    const late = describeScopes(on.knex, identifier, { a: text('C') }, ACTOR, revision)
    await expect(late).rejects.toMatchObject({ code: 'stale' })
    const half = describeScopes(on.knex, identifier, { a: text('C'), z: text('Z') }, ACTOR)
    await expect(half).rejects.toMatchObject({ code: 'not_found' })
    for (const title of ['', 'half \ud800', 'a'.repeat(10_000), '\0']) {
      const wrong = describeScopes(on.knex, identifier, { a: text(title) }, ACTOR)
      await expect(wrong).rejects.toMatchObject({ code: 'invalid_input' })
    }
    expect((await scopeTexts(on.knex, { [identifier]: ['a', 'b'] })).map(({ title }) => title)).toEqual(['A', 'B'])
    const actions = (await auditOf(identifier)).map(({ action }) => action)
    expect(actions).toEqual(['api.created', 'api.scope_described', 'api.scope_described'])
  })
})

describe('the management API', () => {
  test('exists from the first start with texts and is not the default; only its lifetime can be changed, and later starts keep it', async () => {
    const api = await read(MANAGEMENT)
    expect(api).toMatchObject({ builtIn: true, isDefault: false, tokenTtl: 3600, policy: 'none', signingAlg: 'ES256' })
    const forbidden = { code: 'forbidden' }
    for (const changes of [{ scopes: ['all'] }, { policy: 'single' }, { signingAlg: 'RS256' }, { isDefault: true }]) {
      await expect(update(MANAGEMENT, changes as Partial<ApiSettings>)).rejects.toMatchObject(forbidden)
    }
    const texts = { 'users:read': { title: 'x', description: '' } }
    await expect(describeScopes(on.knex, MANAGEMENT, texts, ACTOR)).rejects.toMatchObject(forbidden)
    expect(await update(MANAGEMENT, { tokenTtl: 600 })).toMatchObject({ tokenTtl: 600 })
    const taken: Partial<NewApi> = { identifier: MANAGEMENT }
    await expect(on.make.api(taken)).rejects.toMatchObject({ code: 'conflict' })
  })

  test('is the audience of its tokens', async () => {
    const { body } = await on.machineToken(on.firstStart.keyPair, { resource: MANAGEMENT, scope: 'users:read' })
    expect(claimsOf(body.access_token)).toMatchObject({ aud: MANAGEMENT, scope: 'users:read' })
  })
})
