import type { Knex } from 'knex'

/** A call with a client's credentials. */
export interface CallerUse {
  readonly clientKey: number
  readonly ip: string
  /** 0: no token was issued. */
  readonly apiId: number
  readonly at: Date
}

/** Somebody who called with a client's credentials. */
export interface Caller {
  readonly ip: string
  /** The API that they got tokens for; null where they got none, or it is gone. */
  readonly api: string | null
  /** To within five minutes. */
  readonly lastUsedAt: Date
}

const BATCH = 5000
const KEPT_DAYS = 30
const KEPT_OF_ONE = 1000

const toColumns = ({ clientKey, ip, apiId, at }: CallerUse) => ({ client_id: clientKey, ip, api_id: apiId, at })

/** Notes who has called. Rows are locked in one order, so that nodes never wait for each other in a circle. */
export async function recordCallers(db: Knex, uses: readonly CallerUse[]): Promise<void> {
  for (let from = 0; from < uses.length; from += BATCH) {
    await db.raw(
      `INSERT INTO client_callers AS c (client_id, ip, api_id, last_used_at)
       SELECT client_id, ip, api_id, max(at)
         FROM json_to_recordset(?) AS u(client_id bigint, ip text, api_id integer, at timestamptz)
        GROUP BY client_id, ip, api_id
        ORDER BY client_id, ip, api_id
       ON CONFLICT (client_id, ip, api_id) DO UPDATE SET last_used_at = greatest(c.last_used_at, excluded.last_used_at)`,
      [JSON.stringify(uses.slice(from, from + BATCH).map(toColumns))],
    )
  }
}

/** Who has called with a client's credentials since then, the latest first, at most `limit`. */
export async function listCallers(db: Knex, clientKey: number, since: Date, limit: number): Promise<Caller[]> {
  const rows: { ip: string; identifier: string | null; last_used_at: Date }[] = await db('client_callers as c')
    .leftJoin('apis as a', 'a.id', 'c.api_id')
    .where('c.client_id', clientKey)
    .where('c.last_used_at', '>=', since)
    .orderBy('c.last_used_at', 'desc')
    .limit(limit)
    .select('c.ip', 'a.identifier', 'c.last_used_at')
  return rows.map((row) => ({ ip: row.ip, api: row.identifier, lastUsedAt: row.last_used_at }))
}

/** Deletes at most `limit` callers who have not come for 30 days. */
export async function deleteOldCallers(db: Knex, limit: number): Promise<number> {
  const { rowCount } = await db.raw(
    `DELETE FROM client_callers WHERE (client_id, ip, api_id) IN (
       SELECT client_id, ip, api_id FROM client_callers WHERE last_used_at < now() - make_interval(days => ?)
        LIMIT ? FOR UPDATE SKIP LOCKED)`,
    [KEPT_DAYS, limit],
  )
  return rowCount
}

/** Deletes at most `limit` callers of clients that have more than a thousand, those who came longest ago. */
export async function deleteExcessCallers(db: Knex, limit: number): Promise<number> {
  const { rowCount } = await db.raw(
    `DELETE FROM client_callers WHERE (client_id, ip, api_id) IN (
       SELECT client_id, ip, api_id
         FROM (SELECT k.*, row_number() OVER (PARTITION BY client_id ORDER BY last_used_at DESC, ip, api_id) AS place
                 FROM client_callers k
                WHERE client_id IN (SELECT client_id FROM client_callers GROUP BY client_id HAVING count(*) > ?)) placed
        WHERE place > ? LIMIT ?)`,
    [KEPT_OF_ONE, KEPT_OF_ONE, limit],
  )
  return rowCount
}
