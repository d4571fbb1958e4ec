import type { Knex } from 'knex'
import { recordValues } from './access-token-store.ts'
import type { Issuer } from './issuance.ts'
import type { PlannedToken, TokenRequest } from './planned-token.ts'
import { RECORD } from './record-statement.ts'

/** Knex writes named parameters with a colon. */
const RECORD_IN_TRANSACTION = RECORD.replaceAll('$1', ':records').replaceAll('$2', ':clients')

/**
 * Records one access token inside a transaction, as `AccessTokenStore.record` does outside of one. Under the token policy
 * `single` it revokes the earlier token. Returns false, and records nothing, when the client is stale: its registration,
 * its API or the token's status list changed after the token was planned.
 */
export async function insertInTransaction(trx: Knex, planned: PlannedToken): Promise<boolean> {
  const [records, clients] = recordValues([planned.record])
  const { rows } = await trx.raw(RECORD_IN_TRANSACTION, { records, clients } as never)
  planned.server.notice(rows[0].server)
  return rows[0].recorded !== null
}

/**
 * Plans and records an access token inside a transaction. Undefined, and nothing is recorded, when the client is stale or no
 * status index is leased: roll back, call `Issuer.prepare`, and try again.
 * @throws KeywrightError as `planToken`
 */
export async function planInTransaction(
  trx: Knex,
  issuer: Issuer,
  request: TokenRequest,
): Promise<PlannedToken | undefined> {
  const plan = issuer.plan(request)
  if (plan.status === 'indexes_missing' || !(await insertInTransaction(trx, plan.planned))) return undefined
  return plan.planned
}
