import type { Knex } from 'knex'
import { isReplaced } from '../shared/secret-lifetimes.ts'
import type { StoredSecretKind } from './client-secrets.ts'

/** 366 days, as the longest overlap. */
export const MAX_UNUSED_HOURS = 8784

/** What retires a previous secret. */
export interface Retirement {
  /** It retires after so many hours without a use; null: only at its latest end. */
  readonly unusedHours: number | null
  /** Its latest end; undefined: the present one, which can only become earlier. */
  readonly latestAt?: Date | undefined
}

export interface RetiringSecret {
  readonly kind: StoredSecretKind
  readonly last_four: string
  readonly retires_at: Date
}

const unusedColumns = (trx: Knex, unusedHours: number | null) => ({
  retire_unused_hours: unusedHours,
  retire_unused_from: unusedHours === null ? null : trx.fn.now(),
})

/** Sets what retires a previous secret that still works. Undefined: the client has no such secret. */
export async function planRetirement(
  trx: Knex,
  clientKey: number,
  id: number,
  { unusedHours, latestAt }: Retirement,
): Promise<RetiringSecret | undefined> {
  const [changed] = await trx('client_secrets')
    .where({ client_id: clientKey, id })
    .whereRaw(`retires_at > now() AND ${isReplaced()}`)
    .update({
      ...unusedColumns(trx, unusedHours),
      ...(latestAt && { retires_at: trx.raw('least(retires_at, ?::timestamptz)', [latestAt]) }),
    })
    .returning<RetiringSecret[]>(['kind', 'last_four', 'retires_at'])
  return changed
}

/** Lets the newest secrets of a client, which are in their overlap, retire earlier, after so many hours without a use. */
export async function retireWhenUnused(trx: Knex, clientKey: number, unusedHours: number): Promise<void> {
  await trx('client_secrets')
    .where({ client_id: clientKey })
    .whereRaw(`retires_at > now() AND NOT ${isReplaced()}`)
    .update(unusedColumns(trx, unusedHours))
}

/**
 * SQL: whether a secret was unused for its hours. Nodes write a use at most five minutes and a second after it; one that
 * cannot write retries each second. Twice that time passes before a secret counts as unused.
 */
const IS_UNUSED = `retire_unused_hours IS NOT NULL AND retires_at > now()
  AND greatest(last_used_at, retire_unused_from) + make_interval(hours => retire_unused_hours) + interval '10 minutes' <= now()`

/** The client IDs and keys of at most `limit` clients that have an unused secret. */
export async function clientsWithUnusedSecrets(db: Knex, limit: number): Promise<{ id: number; client_id: string }[]> {
  return await db('clients')
    .whereIn('id', db('client_secrets').whereRaw(IS_UNUSED).select('client_id'))
    .orderBy('id')
    .limit(limit)
    .select('id', 'client_id')
}

/** How many tokens a statement reads, and how many statements a run of the job makes for one secret. */
export interface ReadingLimits {
  readonly tokens: number
  readonly statements: number
}

/** Seconds by which the clocks of nodes, which date the tokens, may be behind the database's. */
export const CLOCKS_BEHIND = 60

const SINCE_LAST_USE = 'greatest(u.last_used_at, u.retire_unused_from, u.unused_until, CAST(:after AS timestamptz))'

// The tokens of the earliest times, with all of the last time among them, so that the next statement continues after it.
const READ_PART = `
  WITH part AS (
    SELECT u.id, max(a.issued_at) FILTER (WHERE a.secret_id = u.id) AS used_at, max(a.issued_at) AS until,
           count(a.issued_at) >= :tokens AS is_more
      FROM client_secrets u
      LEFT JOIN LATERAL (
        SELECT t.issued_at, t.secret_id FROM access_tokens t WHERE t.client_id = u.client_id AND t.issued_at > ${SINCE_LAST_USE}
         ORDER BY t.issued_at FETCH FIRST (:tokens) ROWS WITH TIES) a ON true
     WHERE u.id = :id AND ${IS_UNUSED}
     GROUP BY u.id)
  UPDATE client_secrets s
     SET last_used_at = coalesce(part.used_at, s.last_used_at),
         unused_until = least(CASE WHEN part.is_more THEN part.until END, now() - interval '${CLOCKS_BEHIND} s')
    FROM part WHERE s.id = part.id
  RETURNING part.is_more, part.until::text`

/** Returns whether the tokens up to now were read, or the secret turned out to be used. */
async function completeLastUse(db: Knex, id: number, { tokens, statements }: ReadingLimits): Promise<boolean> {
  let after: string | null = null
  for (let n = 0; n < statements; n++) {
    const { rows }: { rows: { is_more: boolean; until: string }[] } = await db.raw(READ_PART, {
      id,
      after,
      tokens,
    } as never)
    if (!rows[0]?.is_more) return true
    after = rows[0].until
  }
  return false
}

/**
 * Completes the last use of a client's unused secrets by the tokens that they obtained: a node that was killed could not write
 * its last uses. Returns whether all tokens were read; if not, the next call continues.
 */
export async function completeLastUses(db: Knex, clientKey: number, limits: ReadingLimits): Promise<boolean> {
  const ids: number[] = await db('client_secrets').where({ client_id: clientKey }).whereRaw(IS_UNUSED).pluck('id')
  for (const id of ids) if (!(await completeLastUse(db, id, limits))) return false
  return true
}

/** The same by the tokens that were issued since then. */
export async function completeLatestUses(db: Knex, clientKey: number, since: Date): Promise<void> {
  await db.raw(
    `UPDATE client_secrets s SET last_used_at = t.issued_at
       FROM (SELECT u.id, (SELECT max(a.issued_at) FROM access_tokens a
                            WHERE a.client_id = u.client_id AND a.secret_id = u.id
                              AND a.issued_at > greatest(u.last_used_at, u.retire_unused_from, ?::timestamptz)) AS issued_at
               FROM client_secrets u WHERE u.client_id = ? AND ${IS_UNUSED}) t
      WHERE s.id = t.id AND t.issued_at IS NOT NULL`,
    [since, clientKey],
  )
}

/** Retires the unused secrets of a client, whose lock the transaction holds. */
export async function retireUnused(
  trx: Knex,
  clientKey: number,
): Promise<{ kind: StoredSecretKind; last_four: string; retire_unused_hours: number }[]> {
  return await trx('client_secrets')
    .where({ client_id: clientKey })
    .whereRaw(IS_UNUSED)
    // Not `now()`: the transaction may have begun before the one that retired the secret.
    .whereRaw('retires_at > clock_timestamp()')
    .update({ retires_at: trx.fn.now() })
    .returning(['kind', 'last_four', 'retire_unused_hours'])
}
