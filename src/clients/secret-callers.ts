import type { Knex } from 'knex'
import type { CallerUse } from './client-callers.ts'

/** A call with a client secret, and with an API key where the client needs one. */
export interface SecretCallerUse extends CallerUse {
  /** The secrets that the request had; empty: the client is public. */
  readonly secretIds: readonly number[]
  readonly userAgent: string
}

/** At most so many callers of a secret are listed, and about as many stored. */
export const MAX_SECRET_CALLERS = 50

const BATCH = 5000
const RETENTION_DAYS = 30

const toRows = ({ secretIds, ip, apiId, userAgent, at }: SecretCallerUse) =>
  secretIds.map((secret_id) => ({ secret_id, ip, api_id: apiId, user_agent: userAgent, at }))

/** Records the callers of secrets. Rows are locked in one order, so that nodes do not deadlock. */
export async function recordSecretCallers(db: Knex, uses: readonly SecretCallerUse[]): Promise<void> {
  const rows = uses.flatMap(toRows)
  for (let from = 0; from < rows.length; from += BATCH) {
    await db.raw(
      `INSERT INTO secret_callers AS c (secret_id, ip, api_id, user_agent, first_used_at, last_used_at)
       SELECT u.secret_id, u.ip, u.api_id, u.user_agent, min(u.at), max(u.at)
         FROM json_to_recordset(?) AS u(secret_id bigint, ip text, api_id integer, user_agent text, at timestamptz)
         JOIN client_secrets s ON s.id = u.secret_id
        GROUP BY u.secret_id, u.ip, u.api_id, u.user_agent
        ORDER BY u.secret_id, u.ip, u.api_id, u.user_agent
       ON CONFLICT (secret_id, ip, api_id, user_agent)
       DO UPDATE SET last_used_at = greatest(c.last_used_at, excluded.last_used_at)`,
      [JSON.stringify(rows.slice(from, from + BATCH))],
    )
  }
}

/** Deletes at most `limit` callers that were last seen 30 days ago. */
export async function deleteOldSecretCallers(db: Knex, limit: number): Promise<number> {
  const { rowCount } = await db.raw(
    `DELETE FROM secret_callers WHERE (secret_id, ip, api_id, user_agent) IN (
       SELECT secret_id, ip, api_id, user_agent FROM secret_callers WHERE last_used_at < now() - make_interval(days => ?)
        LIMIT ? FOR UPDATE SKIP LOCKED)`,
    [RETENTION_DAYS, limit],
  )
  return rowCount
}

/** Deletes at most `limit` callers of secrets with more than 50, those last seen longest ago. */
export async function deleteExcessSecretCallers(db: Knex, limit: number): Promise<number> {
  const { rowCount } = await db.raw(
    `DELETE FROM secret_callers WHERE (secret_id, ip, api_id, user_agent) IN (
       SELECT secret_id, ip, api_id, user_agent
         FROM (SELECT k.*, row_number() OVER (PARTITION BY secret_id ORDER BY last_used_at DESC, ip, api_id, user_agent) AS rank
                 FROM secret_callers k
                WHERE secret_id IN (SELECT secret_id FROM secret_callers GROUP BY secret_id HAVING count(*) > ?)) ranked
        WHERE rank > ? LIMIT ?)`,
    [MAX_SECRET_CALLERS, MAX_SECRET_CALLERS, limit],
  )
  return rowCount
}
