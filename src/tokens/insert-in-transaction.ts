import type { Knex } from 'knex'
import type { QuotaDecision } from '../clients/quotas.ts'
import type { Issuer } from './issuance.ts'
import type { PlannedToken, TokenRequest } from './planned-token.ts'
import { RECORD, RECORD_EXCHANGED, RECORD_EXCHANGED_WITHIN_QUOTAS, RECORD_WITHIN_QUOTAS } from './record-statement.ts'
import { quotaDecisions, type RecordRow, recordValues, type TokenRecord } from './token-recording.ts'

/** Knex writes named parameters with a colon. */
const withNames = (statement: string): string => statement.replaceAll('$1', ':records').replaceAll('$2', ':clients')

const STATEMENTS = { without: withNames(RECORD), within: withNames(RECORD_WITHIN_QUOTAS) }
const OF_EXCHANGED = { without: withNames(RECORD_EXCHANGED), within: withNames(RECORD_EXCHANGED_WITHIN_QUOTAS) }

const statementFor = ({ quotaKey, subjectToken }: TokenRecord): string =>
  (subjectToken ? OF_EXCHANGED : STATEMENTS)[quotaKey === null ? 'without' : 'within']

async function record(trx: Knex, { record: token, server }: PlannedToken): Promise<RecordRow> {
  const [records, clients] = recordValues([token])
  const { rows } = await trx.raw(statementFor(token), { records, clients } as never)
  server.notice(rows[0].server)
  return rows[0]
}

/** A token that was recorded inside a transaction. */
export interface InsertedToken extends PlannedToken {
  /** Undefined: the client has no quota. */
  readonly quota: QuotaDecision | undefined
}

/**
 * Plans and records an access token inside a transaction, as `AccessTokenStore.record` does outside of one. Under the token
 * policy `single` it revokes the earlier token. Undefined, and nothing is recorded, when the client is stale (its registration,
 * its API or the token's status list changed after the token was planned) or no status index is leased: roll back, call
 * `Issuer.prepare`, and try again.
 * @throws KeywrightError as `planToken`
 * @throws QuotaExceededError
 */
export async function planInTransaction(
  trx: Knex,
  issuer: Issuer,
  request: TokenRequest,
): Promise<InsertedToken | undefined> {
  if (request.client.pendingUse?.unrecorded) throw new Error('the use of the assertion is not recorded')
  const plan = issuer.plan(request)
  if (plan.status === 'indexes_missing') return undefined
  const row = await record(trx, plan.planned)
  const quota = quotaDecisions(row)(plan.planned.record, 0)
  if (quota) issuer.checkQuota(plan.planned, quota)
  return row.recorded === null ? undefined : { ...plan.planned, quota }
}
