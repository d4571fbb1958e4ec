import type { Knex } from 'knex'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { addAccount } from '../../src/accounts/accounts.ts'
import { addUser, resetPassword, saveProfile } from '../../src/accounts/user-administration.ts'
import { DEFAULT_SETTINGS } from '../../src/clients/client-settings.ts'
import { type Database, openDatabase } from '../../src/database/open-database.ts'
import { ensureSigningKeys, rotateSigningKeys } from '../../src/keys/signing-keys.ts'
import { changeAccountApi, changeAccountStatus } from '../../src/management/account-changes.ts'
import { createApi, describeScopes, updateApi } from '../../src/management/api-changes.ts'
import { createClient, updateClient } from '../../src/management/client-registration.ts'
import { rotateSecret } from '../../src/management/client-secret-rotation.ts'
import { changeClientStatus } from '../../src/management/client-status.ts'
import { generateKeyPair } from '../../src/management/key-pair-generation.ts'
import { changeUserRole, changeUserStatus } from '../../src/management/user-changes.ts'
import { createEncryptionKeys } from '../../src/shared/encryption-keys.ts'
import { ensurePartitions } from '../../src/tokens/partitions.ts'
import { newEncryptionKey } from '../support/encryption-key.ts'
import { ACTOR } from '../support/factory.ts'
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts'

const KEYS = createEncryptionKeys([Buffer.from(newEncryptionKey(), 'base64')])

let created: TestDatabase
let narrow: Database

beforeAll(async () => {
  created = await createTestDatabase()
  // One connection: an operation that takes a second one inside a transaction waits for itself, and fails.
  narrow = openDatabase(created.url, { poolMax: 1 })
  await ensurePartitions(narrow.knex)
})

afterAll(async () => {
  await narrow?.close()
  await created?.drop()
})

const settings = { ...DEFAULT_SETTINGS, name: 'Job', grants: ['client_credentials'] }
const api = {
  identifier: 'https://api.example.com',
  scopes: ['read', 'write'],
  tokenTtl: 3600,
  policy: 'none',
  signingAlg: 'ES256',
  isDefault: true,
} as const

async function runEveryOperation(trx: Knex): Promise<void> {
  await ensureSigningKeys(trx, 'ES256', KEYS)
  const account = await addAccount(trx, { name: 'ACME' }, ACTOR)
  await createApi(trx, api, ACTOR)
  await describeScopes(trx, api.identifier, { read: { title: 'See', description: '' } }, ACTOR)
  await updateApi(trx, api.identifier, { scopes: ['read'] }, ACTOR)
  const admin = { email: 'admin@example.com', role: 'admin' as const, accountId: account.id }
  const { user } = await addUser(trx, admin, ACTOR)
  await saveProfile(trx, user.id, { name: 'Ann' }, ACTOR)
  await resetPassword(trx, user.id, ACTOR)
  await generateKeyPair(trx, { user: user.id, apis: [] }, ACTOR)
  await generateKeyPair(trx, { user: user.id, apis: [] }, ACTOR)
  const { client } = await createClient(trx, { accountId: account.id, settings, apis: [], scopes: null }, ACTOR)
  await updateClient(trx, client.clientId, { settings: { accessType: 'client' } }, ACTOR)
  await rotateSecret(trx, client.clientId, 0, ACTOR)
  await changeClientStatus(trx, client.clientId, 'archived', ACTOR)
  await changeUserRole(trx, user.id, 'member', ACTOR)
  await changeUserStatus(trx, user.id, 'disabled', ACTOR)
  await changeAccountApi(trx, account.id, false, ACTOR)
  await changeAccountStatus(trx, account.id, 'disabled', ACTOR)
  await rotateSigningKeys(trx, KEYS, { actor: ACTOR })
}

test('every operation can run inside a larger transaction: it uses its one connection, and is rolled back with it', async () => {
  const failing = narrow.knex.transaction(async (trx) => {
    await runEveryOperation(trx)
    throw new Error('rolled back')
  })
  await expect(failing).rejects.toThrow('rolled back')
  for (const table of ['accounts', 'users', 'apis', 'clients', 'signing_keys', 'audit_log']) {
    expect(await narrow.knex(table)).toEqual([])
  }
  await narrow.knex.transaction(runEveryOperation)
  expect(await narrow.knex('clients').orderBy('id').pluck('status')).toEqual([
    'active',
    'replaced',
    'replaced',
    'archived',
  ])
})

test('the audit event of a signing-key rotation names its actor; a rotation by age names the system', async () => {
  const actor = { type: 'user', id: 'operator-1' } as const
  const rotations = () => narrow.knex('audit_log').where({ action: 'signing_key.rotated' }).orderBy('at')
  await narrow.knex('audit_log').delete()
  await narrow.knex('signing_keys').update({ may_sign_from: '2020-01-01' })
  await narrow.knex('signing_keys').whereNotNull('signs_from').update({ signs_from: '2020-01-01' })
  const [current] = await narrow.knex('signing_keys').whereNull('signs_from')
  await rotateSigningKeys(narrow.knex, KEYS, { actor })
  const [first] = await rotations()
  const [next] = await narrow.knex('signing_keys').whereNull('signs_from')
  expect(first).toMatchObject({ actor_type: 'user', actor_id: 'operator-1', target_id: current.kid })
  expect(first.detail).toEqual({ alg: 'ES256', next: next.kid })
  await rotateSigningKeys(narrow.knex, KEYS, { olderThanDays: 30 })
  expect(await rotations()).toHaveLength(1)
  await narrow.knex('signing_keys').update({ may_sign_from: '2020-01-01' })
  await narrow.knex('signing_keys').whereNotNull('signs_from').update({ signs_from: '2020-01-01' })
  await rotateSigningKeys(narrow.knex, KEYS, { olderThanDays: 30 })
  expect((await rotations())[1]).toMatchObject({ actor_type: 'system', actor_id: 'signing key age' })
})
