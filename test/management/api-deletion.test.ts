import { afterAll, beforeAll, expect, test } from 'vitest'
import { readApi } from '../../src/management/api-operations.ts'
import { updateClient } from '../../src/management/client-registration.ts'
import { deleteApi } from '../../src/management/deletion-operations.ts'
import { MANAGEMENT_API } from '../../src/management/management-scopes.ts'
import { ACTOR } from '../support/factory.ts'
import { adminOf, openManagement, operator } from './principals.ts'

let on: Awaited<ReturnType<typeof openManagement>>

beforeAll(async () => {
  on = await openManagement()
})
afterAll(async () => await on?.close())

const deletionOf = (identifier: string, who = operator) => deleteApi(on.management, who, { identifier })

/** A revoked token that expires at that time. */
async function recordToken(identifier: string, expires: string): Promise<void> {
  await on.knex.raw(
    `WITH list AS (
       INSERT INTO status_lists (api_id, order_key)
       SELECT id, decode(repeat('00', 32), 'hex') FROM apis WHERE identifier = :identifier
       ON CONFLICT (api_id) WHERE closed_at IS NULL DO UPDATE SET next = status_lists.next + 1 RETURNING id, api_id
     )
     INSERT INTO access_tokens (jti, expires_at, issued_at, revoked_at, client_id, sequence, api_id, revocation_epoch, subject, scope,
                                status_list, status_index)
     SELECT gen_random_uuid(), now() + :expires::interval, now(), now(), 1, 0, api_id, 0, '', 'read', id, 0 FROM list`,
    { identifier, expires },
  )
}

test('the built-in API, the default API and an unknown API are not deleted, and an admin deletes none', async () => {
  const { identifier } = await on.knex('apis').where({ is_default: true }).first('identifier')
  for (const kept of [MANAGEMENT_API, identifier]) {
    await expect(deletionOf(kept)).rejects.toMatchObject({ code: 'conflict' })
  }
  await expect(deletionOf('https://nobody.example.com')).rejects.toMatchObject({ code: 'not_found' })
  const admin = adminOf(await on.make.account())
  await expect(deletionOf((await on.make.api()).identifier, admin)).rejects.toMatchObject({ code: 'forbidden' })
})

test('an API that a client may call is deleted only after it was removed from the client', async () => {
  const { identifier, clientId } = await on.make.api()
  const client = await on.make.client([identifier])
  await expect(deletionOf(identifier)).rejects.toMatchObject({ code: 'conflict' })
  await updateClient(on.knex, client.clientId, { settings: {}, apis: [] }, ACTOR)
  await deletionOf(identifier)
  await expect(readApi(on.management, operator, { identifier })).rejects.toMatchObject({ code: 'not_found' })
  expect(await on.knex('clients').where({ client_id: clientId })).toEqual([])
  expect(await on.knex('deleted_clients').where({ client_id: clientId })).toHaveLength(1)
  expect(await on.knex('audit_log').where({ action: 'api.deleted', target_id: identifier })).toHaveLength(1)
})

test('an API is kept while a token of it has not expired, also a revoked one: its status list must be served', async () => {
  const { identifier } = await on.make.api()
  await recordToken(identifier, '1 hour')
  await expect(deletionOf(identifier)).rejects.toMatchObject({ code: 'conflict' })
  await on.knex('access_tokens').delete()
  await recordToken(identifier, '-20 minutes')
  await deletionOf(identifier)
  expect((await on.make.api({ identifier })).identifier).toBe(identifier)
})

test('an API that is given to a client while it is deleted is either deleted or given, and nothing fails otherwise', async () => {
  const { identifier } = await on.make.api()
  const client = await on.make.client([])
  const outcomes = await Promise.allSettled([
    updateClient(on.knex, client.clientId, { settings: {}, apis: [identifier] }, ACTOR),
    deletionOf(identifier),
  ])
  const failed = outcomes.flatMap((one) => (one.status === 'rejected' ? [one.reason.code] : []))
  expect(failed).toHaveLength(1)
  expect(['conflict', 'invalid_input']).toContain(failed[0])
})
