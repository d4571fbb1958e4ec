import type { Knex } from 'knex'
import { notFound } from '../shared/errors.ts'
import { type Bounded, boundedCountOf, MOST, toBounded } from './bounded-counts.ts'
import type { Principal } from './principal.ts'
import { ownCondition } from './tenant-isolation.ts'

/** An address that called with a client in the last day. */
export interface AffectedClientCaller {
  readonly clientId: string
  readonly clientName: string
  readonly ip: string
  /** Identifier of the API that it got tokens for; null: no token. */
  readonly api: string | null
  /** ISO 8601, with a precision of five minutes. */
  readonly lastUsedAt: string
}

/** Callers in the last day, the latest first. */
export interface AffectedCallers {
  /** At most `MAX_AFFECTED`. */
  readonly callers: readonly AffectedClientCaller[]
  /** There may be more callers than those listed. */
  readonly hasMoreCallers: boolean
}

/** What a destructive operation would affect now, with the callers of the affected clients. */
export interface DryRunResult extends AffectedCallers {
  /** Clients that would stop, be deleted or lose their own tokens. */
  readonly clients: Bounded
  /** Active access tokens that would be revoked; null: too many to count. */
  readonly accessTokens: Bounded | null
  /** Active refresh tokens that would be revoked; null: too many to count. */
  readonly refreshTokens: Bounded | null
}

/** At most so many callers are listed. */
export const MAX_AFFECTED = 50

/** The callers of at most so many clients are read, those used latest first. */
const MAX_CLIENTS = 200

interface ObjectRow {
  readonly account_id: string | null
}

/** The object of an operation, as parts of one statement. `o` is the object, `c` a client. */
export interface DryRunTarget<Row extends ObjectRow = ObjectRow> {
  /** SQL: the table with the alias `o`, and its condition. It selects at most one row. */
  readonly from: string
  readonly bindings: Readonly<Record<string, unknown>>
  /** SQL: further columns for `check`. */
  readonly columns?: string
  /** SQL: the condition of the affected clients `c`. */
  readonly clients: string
  /** SQL: the condition and the order of the clients whose callers are read. Absent: there are few. */
  readonly recentClients?: string
  /** SQL: a number; null: too many to count. */
  readonly accessTokens: string
  readonly refreshTokens: string
  /** SQL: a query of `client_key`, `ip`, `api_id` and `last_used_at`. Absent: the callers of the clients. */
  readonly callers?: string
  /** What the error names if there is no such object. */
  readonly what: string
  readonly id: string
  /** @throws KeywrightError */
  readonly check?: (row: Row) => void
}

/** SQL: the condition of a caller `k` that is listed. */
export const OF_LAST_DAY = `k.last_used_at > now() - interval '1 day'`

type CallersTarget = Pick<DryRunTarget<never>, 'clients' | 'recentClients' | 'callers'>

const callersOfClients = ({ clients, recentClients = clients }: CallersTarget): string => `
  SELECT k.client_id AS client_key, k.ip, k.api_id, k.last_used_at
    FROM (SELECT c.id FROM clients c WHERE ${recentClients} LIMIT ${MAX_CLIENTS}) chosen
   CROSS JOIN LATERAL (
      SELECT * FROM client_callers k WHERE k.client_id = chosen.id AND ${OF_LAST_DAY}
       ORDER BY k.last_used_at DESC LIMIT ${MAX_AFFECTED + 1}) k`

const listOf = (callers: string): string => `
  SELECT json_agg(json_build_object('clientId', n.client_id, 'clientName', n.name, 'ip', k.ip, 'api', p.identifier,
                                    'lastUsedAt', k.last_used_at) ORDER BY k.last_used_at DESC, k.ip)
    FROM (SELECT * FROM (${callers}) called ORDER BY last_used_at DESC, ip LIMIT ${MAX_AFFECTED + 1}) k
    JOIN clients n ON n.id = k.client_key
    LEFT JOIN apis p ON p.id = k.api_id`

/** SQL: the callers of a target, as a page reads them together with its object `from`. */
export const affectedCallersOf = (target: CallersTarget, from: string): string =>
  `SELECT (${listOf(target.callers ?? callersOfClients(target))}) FROM ${from}`

export const toAffectedCallers = (callers: readonly AffectedClientCaller[] | null): AffectedCallers => ({
  callers: (callers ?? []).slice(0, MAX_AFFECTED),
  hasMoreCallers: (callers ?? []).length > MAX_AFFECTED,
})

/** @param isOwn SQL: whether the principal may manage the object; of other objects nothing is counted */
const statementOf = (target: DryRunTarget<never>, isOwn: string): string => `
  SELECT o.*, ${target.columns ? `${target.columns},` : ''}
         (${boundedCountOf(`clients c WHERE ${target.clients}`)}) AS affected_clients,
         (${target.accessTokens}) AS affected_access_tokens,
         (${target.refreshTokens}) AS affected_refresh_tokens,
         (${listOf(target.callers ?? callersOfClients(target))}) AS affected_callers
    FROM (SELECT * FROM ${target.from}) o
   WHERE ${isOwn}`

interface AffectedRow extends ObjectRow {
  affected_clients: number
  affected_access_tokens: number | null
  affected_refresh_tokens: number | null
  affected_callers: AffectedClientCaller[] | null
}

const boundedOrNull = (count: number | null): Bounded | null => (count === null ? null : toBounded(count))

function toResult(row: AffectedRow): DryRunResult {
  const { callers, hasMoreCallers } = toAffectedCallers(row.affected_callers)
  return {
    clients: toBounded(row.affected_clients),
    accessTokens: boundedOrNull(row.affected_access_tokens),
    refreshTokens: boundedOrNull(row.affected_refresh_tokens),
    callers,
    hasMoreCallers: hasMoreCallers || row.affected_clients > MAX_CLIENTS,
  }
}

/**
 * Reads what an operation on the target would affect, in one statement of bounded work.
 * @throws KeywrightError `not_found`: also for an object of another account; as the check of the target
 */
export async function readAffected<Row extends ObjectRow>(
  knex: Knex,
  principal: Principal,
  target: DryRunTarget<Row>,
): Promise<DryRunResult> {
  const { isOwn, bindings } = ownCondition(principal, 'o.account_id')
  const statement = statementOf(target as DryRunTarget<never>, isOwn)
  const { rows } = await knex.raw(statement, { ...target.bindings, ...bindings } as never)
  const row: (Row & AffectedRow) | undefined = rows[0]
  if (!row) throw notFound(target.what, target.id)
  target.check?.(row)
  return toResult(row)
}

/** What an operation would affect that finds nothing to stop. */
export const NOTHING_AFFECTED: DryRunResult = {
  clients: { count: 0, isMore: false },
  accessTokens: { count: 0, isMore: false },
  refreshTokens: { count: 0, isMore: false },
  callers: [],
  hasMoreCallers: false,
}

/** SQL: the number of rows for each of the rows of `of`, which has at most `MOST` rows; null if it has more. */
export const countForEach = (of: string, each: string): string => `
  CASE WHEN (${boundedCountOf(of)}) > ${MOST} THEN NULL
       ELSE (${boundedCountOf(`(SELECT one.id FROM ${of} LIMIT ${MOST}) one CROSS JOIN LATERAL (SELECT 1 FROM ${each} LIMIT ${MOST + 1}) each_one`)}) END`
