import { afterAll, beforeAll, expect, test } from 'vitest'
import { grantConsent } from '../../src/consents/consents.ts'
import { archiveApplication, readApplication, restoreApplication } from '../../src/management/application-operations.ts'
import { startClientDeletion } from '../../src/management/client-deletion.ts'
import { deleteApplication } from '../../src/management/deletion-operations.ts'
import { continueDeletions } from '../../src/management/deletion-progress.ts'
import { ACTOR } from '../support/factory.ts'
import { until } from '../support/load.ts'
import { countWaiting } from '../support/lock-waits.ts'
import { adminOf, openManagement, operator } from './principals.ts'

let on: Awaited<ReturnType<typeof openManagement>>
let account: string

beforeAll(async () => {
  on = await openManagement()
  account = await on.make.account()
})
afterAll(async () => await on?.close())

const admin = () => adminOf(account)

async function archived(name = 'Billing') {
  const client = await on.make.register({ settings: { name }, account })
  await archiveApplication(on.management, admin(), client)
  return client
}

/** A consent and a refresh token for each of some users. */
async function addUsers(client: { key: number }, count: number): Promise<void> {
  const { id: api } = await on.knex('apis').where({ built_in: false }).first('id')
  await on.knex.raw(
    `WITH added AS (
       INSERT INTO users (id, account_id, email, email_key, role)
       SELECT gen_random_uuid(), :account, x.email, x.email, 'member'
         FROM generate_series(1, :count) n, concat(CAST(:key AS text), '-', n, '@example.com') AS x(email) RETURNING id
     ), consented AS (
       INSERT INTO consents (id, user_id, client_id, identity_scopes, claims, apis)
       SELECT gen_random_uuid(), id, :key, '{}', '{}', '{}' FROM added
     )
     INSERT INTO refresh_tokens (grant_id, family_hash, current_hash, client_id, api_id, revocation_epoch, subject, scope, expires_at)
     SELECT gen_random_uuid(), sha256(id::text::bytea), sha256(id::text::bytea), :key, :api, 0, id::text, 'read', now() + interval '1 day'
       FROM added`,
    { account, count, key: client.key, api },
  )
}

const rowsOf = async (table: string, key: number) => (await on.knex(table).where({ client_id: key })).length

test('an application that is not archived is not deleted', async () => {
  const client = await on.make.register({ account })
  const deletion = deleteApplication(on.management, admin(), client)
  await expect(deletion).rejects.toMatchObject({ code: 'conflict' })
  expect((await readApplication(on.management, admin(), client)).client.status).toBe('active')
})

test('an archived application is deleted with its secrets, consents and refresh tokens, and the activity log keeps its name', async () => {
  const client = await archived('Night job')
  await addUsers(client, 3)
  expect(await deleteApplication(on.management, admin(), client)).toBe('deleted')
  await expect(readApplication(on.management, operator, client)).rejects.toMatchObject({ code: 'not_found' })
  for (const table of ['client_secrets', 'client_apis', 'consents', 'refresh_tokens']) {
    expect(await rowsOf(table, client.key), table).toBe(0)
  }
  const event = await on.knex('audit_log').where({ action: 'client.deleted', target_id: client.clientId }).first()
  expect(event).toMatchObject({ account_id: account, detail: { name: 'Night job' } })
  await expect(deleteApplication(on.management, admin(), client)).rejects.toMatchObject({ code: 'not_found' })
})

test('an admin of another account, a key pair and the client of an API: none of them is deleted', async () => {
  const client = await archived()
  const stranger = adminOf(await on.make.account())
  const denied = deleteApplication(on.management, stranger, client)
  await expect(denied).rejects.toMatchObject({ code: 'not_found' })
  const pair = await on.make.keyPair((await on.make.user(account)).id)
  for (const one of [pair, await on.make.api()]) {
    await expect(startClientDeletion(on.knex, one.clientId, ACTOR)).rejects.toMatchObject({ code: 'conflict' })
  }
})

test('an application with many users is deleted by a job in batches, is shown as deleting meanwhile, and cannot be restored', async () => {
  const client = await archived()
  await addUsers(client, 60)
  await startClientDeletion(on.knex, client.clientId, ACTOR)
  expect(await continueDeletions(on.knex, 25)).toBe(0)
  expect(await rowsOf('refresh_tokens', client.key)).toBe(35)
  expect((await readApplication(on.management, admin(), client)).client.status).toBe('deleting')
  const restored = restoreApplication(on.management, admin(), { ...client, keepSecret: true })
  await expect(restored).rejects.toMatchObject({ code: 'conflict' })
  for (const expected of [0, 1, 0]) expect(await continueDeletions(on.knex, 25)).toBe(expected)
  await expect(readApplication(on.management, admin(), client)).rejects.toMatchObject({ code: 'not_found' })
})

test('a row that another transaction has locked is deleted later', async () => {
  const client = await archived()
  await addUsers(client, 2)
  await startClientDeletion(on.knex, client.clientId, ACTOR)
  await on.knex.transaction(async (trx) => {
    await trx('refresh_tokens').where({ client_id: client.key }).orderBy('grant_id').limit(1).forUpdate()
    expect(await continueDeletions(on.knex, 25)).toBe(0)
  })
  expect(await rowsOf('refresh_tokens', client.key)).toBe(1)
  expect(await continueDeletions(on.knex, 25)).toBe(1)
})

test('a new client never gets the key of a deleted one, also when the sequence was set back', async () => {
  const client = await archived()
  await deleteApplication(on.management, admin(), client)
  await on.knex.raw(`SELECT setval(pg_get_serial_sequence('clients', 'id'), 1, false)`)
  expect((await on.make.register({ account })).key).toBeGreaterThan(client.key)
})

test('consent to an application that was deleted meanwhile is refused', async () => {
  const client = await archived()
  await deleteApplication(on.management, admin(), client)
  const parties = { userId: (await on.make.user(account)).id, accountId: account, clientKey: client.key }
  const consent = grantConsent(on.knex, parties, { identityScopes: [], claims: [], apis: {} }, ACTOR)
  await expect(consent).rejects.toMatchObject({ code: 'invalid_grant' })
})

test('consents to an application without pause do not keep it from being archived', async () => {
  const client = await on.make.register({ account })
  const parties = { userId: (await on.make.user(account)).id, accountId: account, clientKey: client.key }
  const earlier = await on.knex.transaction()
  await earlier('clients').where({ id: client.key }).forShare().first('id')
  const archiving = archiveApplication(on.management, admin(), client)
  await until(async () => (await countWaiting(on.knex)) === 1)
  let isGiven = false
  const consent = grantConsent(on.knex, parties, { identityScopes: [], claims: [], apis: {} }, ACTOR).finally(() => {
    isGiven = true
  })
  await until(async () => isGiven || (await countWaiting(on.knex)) === 2)
  const wasGivenBefore = isGiven
  await earlier.commit()
  await Promise.all([archiving, consent])
  expect(wasGivenBefore).toBe(false)
})

/** What a deletion empties before it deletes the row, or what no row that can be deleted refers to. */
const EMPTIED = [
  'clients_account',
  'clients_user',
  'users_account',
  'clients_api',
  'memberships_account',
  'client_apis_api',
  'refresh_tokens_api',
]

test('each foreign key to an object that can be deleted follows the deletion, or the deletion empties it', async () => {
  const { rows } = await on.knex.raw(
    `SELECT conname AS name FROM pg_constraint
      WHERE contype = 'f' AND confdeltype NOT IN ('c', 'n')
        AND confrelid IN ('clients'::regclass, 'users'::regclass, 'accounts'::regclass, 'apis'::regclass)`,
  )
  expect(rows.map(({ name }: { name: string }) => name).sort()).toEqual(EMPTIED.toSorted())
})
