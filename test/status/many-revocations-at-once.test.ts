/** Much may end by one statement, on a connection whose plans were made when it was little. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { type Credentials, claimsOf } from '../support/requests.ts'

const MANY = 30_000

let server: Keywright
let client: Credentials

beforeAll(async () => {
  server = await startKeywright()
  client = await server.make.client()
})
afterAll(() => server.stop())

const issue = async () => claimsOf((await server.machineToken(client)).body.access_token).jti as string

test('many tokens of one grant end at once', async () => {
  const [one, model] = [await issue(), await issue()]
  const grant_id = crypto.randomUUID()
  await server.knex.raw(
    `INSERT INTO access_tokens (jti, expires_at, issued_at, client_id, sequence, api_id, revocation_epoch, subject, scope,
                                grant_id, status_list, status_index)
     SELECT gen_random_uuid(), expires_at, now(), client_id, 0, api_id, revocation_epoch, '', 'read', ?, status_list, n
       FROM access_tokens, generate_series(1, ?::int) n WHERE jti = ?`,
    [grant_id, MANY, model],
  )
  const told = await server.knex.transaction(async (trx) => {
    const end = (which: object) => trx('access_tokens').where(which).update({ revoked_at: trx.fn.now() })
    await end({ jti: one })
    expect(await end({ grant_id })).toBe(MANY)
    return await trx('revocations')
      .whereRaw('xid = pg_current_xact_id()')
      .orderBy('id')
      .select(trx.raw('cardinality(status_indexes) AS indexes'))
  })
  expect(told).toEqual([{ indexes: 1 }, { indexes: MANY }])
})

test('many clients end at once', async () => {
  const { id, account_id } = await server.knex('clients').where('client_id', client.clientId).first()
  await server.knex.raw(
    `INSERT INTO clients (client_id, kind, account_id, name, grants)
     SELECT 'one of many ' || n, 'application', ?, 'one of many', '{}' FROM generate_series(1, ?::int) n`,
    [account_id, MANY],
  )
  const told = await server.knex.transaction(async (trx) => {
    const end = (which: object) => trx('clients').where(which).increment('revocation_epoch', 1)
    await end({ id })
    await end({ name: 'one of many' })
    return await trx('revocations')
      .whereRaw('xid = pg_current_xact_id()')
      .whereNotNull('revocation_epoch')
      .count()
      .first()
  })
  expect(Number(told!.count)).toBe(MANY + 1)
})
