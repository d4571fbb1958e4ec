import type { Knex } from 'knex'

/** A call with a client's credentials. */
export interface CallerUse {
  readonly clientKey: number
  readonly ip: string
  /** 0: no token was issued. */
  readonly apiId: number
  readonly at: Date
}

/** An address that called with a client's credentials. */
export interface Caller {
  readonly ip: string
  /** The API that the caller got tokens for; null: no token, or the API was deleted. */
  readonly api: string | null
  /** With a precision of five minutes. */
  readonly lastUsedAt: Date
}

const BATCH = 5000
const RETENTION_DAYS = 30
const MAX_CALLERS_PER_CLIENT = 1000

const toColumns = ({ clientKey, ip, apiId, at }: CallerUse) => ({ client_id: clientKey, ip, api_id: apiId, at })

/** Records callers. Rows are locked in one order, so that nodes do not deadlock. */
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

/** The callers of a client since a time, latest first, at most `limit`. */
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

/** Deletes at most `limit` callers that were last seen 30 days ago. */
export async function deleteOldCallers(db: Knex, limit: number): Promise<number> {
  const { rowCount } = await db.raw(
    `DELETE FROM client_callers WHERE (client_id, ip, api_id) IN (
       SELECT client_id, ip, api_id FROM client_callers WHERE last_used_at < now() - make_interval(days => ?)
        LIMIT ? FOR UPDATE SKIP LOCKED)`,
    [RETENTION_DAYS, limit],
  )
  return rowCount
}

/** Deletes at most `limit` callers of clients with more than 1,000, those last seen longest ago. */
export async function deleteExcessCallers(db: Knex, limit: number): Promise<number> {
  const { rowCount } = await db.raw(
    `DELETE FROM client_callers WHERE (client_id, ip, api_id) IN (
       SELECT client_id, ip, api_id
         FROM (SELECT k.*, row_number() OVER (PARTITION BY client_id ORDER BY last_used_at DESC, ip, api_id) AS rank
                 FROM client_callers k
                WHERE client_id IN (SELECT client_id FROM client_callers GROUP BY client_id HAVING count(*) > ?)) ranked
        WHERE rank > ? LIMIT ?)`,
    [MAX_CALLERS_PER_CLIENT, MAX_CALLERS_PER_CLIENT, limit],
  )
  return rowCount
}
