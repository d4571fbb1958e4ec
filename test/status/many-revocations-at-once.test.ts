/** One statement may revoke many tokens, on a connection whose query plans were made when it revoked few. */
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

test('one statement revokes thirty thousand tokens of a grant, and records all their status indexes', async () => {
  const [one, model] = [await issue(), await issue()]
  const grant_id = crypto.randomUUID()
  await server.knex.raw(
    `INSERT INTO access_tokens (jti, expires_at, issued_at, client_id, sequence, api_id, revocation_epoch, subject, scope,
                                grant_id, status_list, status_index)
     SELECT gen_random_uuid(), expires_at, now(), client_id, 0, api_id, revocation_epoch, '', 'read', ?, status_list, n
       FROM access_tokens, generate_series(1, ?::int) n WHERE jti = ?`,
    [grant_id, MANY, model],
  )
  const recorded = await server.knex.transaction(async (trx) => {
    const revoke = (tokens: object) => trx('access_tokens').where(tokens).update({ revoked_at: trx.fn.now() })
    await revoke({ jti: one })
    expect(await revoke({ grant_id })).toBe(MANY)
    return await trx('revocations')
      .whereRaw('xid = pg_current_xact_id()')
      .orderBy('id')
      .select(trx.raw('cardinality(status_indexes) AS indexes'))
  })
  expect(recorded).toEqual([{ indexes: 1 }, { indexes: MANY }])
})

test('one statement revokes the tokens of thirty thousand clients, and records each client', async () => {
  const { id, account_id } = await server.knex('clients').where('client_id', client.clientId).first()
  // In several statements, because one takes nearly as long as the statement timeout.
  for (let from = 1; from <= MANY; from += 5000) {
    await server.knex.raw(
      `INSERT INTO clients (client_id, kind, account_id, name, grants)
     SELECT 'one of many ' || n, 'application', ?, 'one of many', '{}' FROM generate_series(?::int, ?::int) n`,
      [account_id, from, from + 4999],
    )
  }
  const recorded = await server.knex.transaction(async (trx) => {
    const revoke = (clients: object) => trx('clients').where(clients).increment('revocation_epoch', 1)
    await revoke({ id })
    await revoke({ name: 'one of many' })
    return await trx('revocations')
      .whereRaw('xid = pg_current_xact_id()')
      .whereNotNull('revocation_epoch')
      .count()
      .first()
  })
  expect(Number(recorded!.count)).toBe(MANY + 1)
})
