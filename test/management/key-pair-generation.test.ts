import { afterAll, beforeAll, expect, test } from 'vitest'
import { getClient } from '../../src/clients/clients.ts'
import { generateKeyPair, generateKeyPairInTransaction } from '../../src/management/key-pair-generation.ts'
import { countRevoked } from '../../src/tokens/active-tokens.ts'
import { ACTOR } from '../support/factory.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'

let on: Keywright

beforeAll(async () => {
  on = await startKeywright()
})

afterAll(() => on?.stop())

const generate = (user: string, replaces?: string | null) =>
  generateKeyPair(on.knex, { user, apis: [], replaces }, ACTOR)
const stale = { code: 'stale' }

test('a key pair replaces only the key pair that the caller expects', async () => {
  const { id } = await on.make.user()
  await expect(generate(id, 'kwc_other')).rejects.toMatchObject(stale)
  const first = await generate(id, null)
  await expect(generate(id, null)).rejects.toMatchObject(stale)
  const second = await generate(id, first.client.clientId)
  await expect(generate(id, first.client.clientId)).rejects.toMatchObject(stale)
  expect(await getClient(on.knex, second.client.clientId)).toMatchObject({ status: 'active' })
  expect((await generate(id)).client.status).toBe('active')
})

test('of several callers who replace the same key pair at once, one succeeds', async () => {
  const { id } = await on.make.user()
  const { client } = await generate(id)
  const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => generate(id, client.clientId)))
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  expect(await on.knex('clients').where({ user_id: id, status: 'active' })).toHaveLength(1)
})

test('a rolled-back generation keeps the former key pair; a committed one revokes it and its tokens', async () => {
  const { id } = await on.make.user()
  const first = await on.make.keyPair(id)
  const token = (await on.machineToken(first)).body.access_token
  const isActive = async () => (await on.introspect(token, on.firstStart.api)).body.active
  const within = (end: () => void) =>
    on.knex.transaction(async (trx) => {
      const made = await generateKeyPairInTransaction(trx, { user: id, apis: [] }, ACTOR)
      end()
      return made
    })
  const failing = within(() => {
    throw new Error('taken back')
  })
  await expect(failing).rejects.toThrow('taken back')
  expect(await isActive()).toBe(true)
  const made = await within(() => {})
  expect(await isActive()).toBe(false)
  expect(await countRevoked(on.knex, made.revokedEpochs)).toBe(1)
  expect((await on.machineToken({ ...made.client, clientSecret: made.clientSecret! })).status).toBe(200)
})

test('the first key pair may call the default API and the management API, and later ones only the default API', async () => {
  const apisOf = (clientId: string) =>
    on
      .knex('client_apis')
      .join('clients', 'clients.id', 'client_apis.client_id')
      .join('apis', 'apis.id', 'client_apis.api_id')
      .where('clients.client_id', clientId)
      .orderBy('position')
      .pluck('identifier')
  const { identifier } = on.firstStart.api
  expect(await apisOf(on.firstStart.keyPair.clientId)).toEqual([identifier, 'urn:keywright:management'])
  const { id } = await on.make.user()
  expect(await apisOf((await on.make.keyPair(id)).clientId)).toEqual([identifier])
  const answer = await on.machineToken(on.firstStart.keyPair, { resource: 'urn:keywright:management' })
  expect(answer.body.scope.split(' ')).toContain('key_pairs:write')
})

test('the client secret of a key pair expires as requested, within the longest lifetime that the account allows', async () => {
  const account = await on.make.account()
  await on.knex('accounts').where({ id: account }).update({ max_secret_lifetime: 86_400 })
  const { id: user } = await on.make.user('admin', account)
  const within = (seconds: number) =>
    generateKeyPair(on.knex, { user, apis: [], secretExpiresAt: new Date(Date.now() + seconds * 1000) }, ACTOR)
  const secretOf = (key: number) => on.knex('client_secrets').where({ client_id: key }).first()
  const { client } = await within(3600)
  const stored = await secretOf(client.key)
  expect(stored.retires_at).toEqual(stored.expires_at)
  expect(stored.expires_at - stored.created_at).toBeLessThan(2 * 3_600_000)
  const tooLate = { code: 'invalid_input', fieldErrors: [{ field: 'secretExpiresAt' }] }
  await expect(within(10 * 86_400)).rejects.toMatchObject(tooLate)
  await expect(within(-60)).rejects.toMatchObject(tooLate)
  const longest = await secretOf((await generate(user)).client.key)
  expect(longest.expires_at).not.toBeNull()
})
