import { randomBytes } from 'node:crypto'
import type { Knex } from 'knex'
import type { Database } from '../database/open-database.ts'
import { SERVER_STARTED_AT } from '../database/server-watch.ts'
import { LARGEST_LIST, LIST_SIZES, SMALLEST_LIST } from './status-bitmap.ts'

/** A list of tokens of one API. */
export interface StatusList {
  /** As the ledger names it. */
  readonly key: number
  /** As its address names it: random, so that it does not tell how many there were. */
  readonly id: string
  readonly apiId: number
}

/** What a process may give out: the places `from` to `to`, without it, of the list's order. */
export interface Lease {
  readonly list: StatusList
  /** How many places the list has. */
  readonly size: number
  readonly orderKey: Buffer
  readonly from: number
  readonly to: number
  /** Which run of the PostgreSQL server gave it out: no other one records tokens by it. */
  readonly server: number
}

export const statusUri = (issuer: string, listId: string): string => `${issuer}/oauth2/status/${listId}`

/** For how long a list stays open, so that its tokens end about together. */
const OPEN_FOR = '1 day'

/** For how long after a list was closed tokens are still recorded in it, of leases that were taken before. */
export const RECORDS_AFTER = '2 hours'

/** More than that: whoever records has begun before, and is done. */
const FORGOTTEN_AFTER = '3 hours'

/** How far behind ours a clock may be that still accepts a token: its list is told of for so much longer. */
export const CLOCKS_DIFFER = '10 minutes'

/** Lists of one API that its live tokens are spread over, at a steady rate: fewer, larger ones would keep more dead tokens. */
const LISTS_PER_LIFETIME = 32

// As many indexes as the API's last list would have needed, by the tokens a second that it took: `LISTS_PER_LIFETIME` lists
// in the lifetime of a token.
const NEEDED = `
  SELECT p.next / greatest(extract(epoch FROM least(p.closed_at, now()) - p.opened_at), 1) * $4 / ${LISTS_PER_LIFETIME}
    FROM status_lists p WHERE p.api_id = $1 AND p.size IS NOT NULL ORDER BY p.id DESC LIMIT 1`

const SIZES = LIST_SIZES.slice(0, -1).map((size) => `WHEN n.needed <= ${size} THEN ${size}`)

// Full, a list may be overdrawn by part of a lease, which nobody gets. The one that finds it full or old closes it and
// still has its places; the next one opens another. One of another run of the server is closed with none: the database may
// have lost leases of it.
const LEASE = `
  INSERT INTO status_lists AS l (api_id, order_key, next, size)
  SELECT $1, $2, $3, CASE WHEN n.needed IS NULL THEN ${SMALLEST_LIST} ${SIZES.join(' ')} ELSE ${LARGEST_LIST} END
    FROM (SELECT (${NEEDED}) AS needed) n
  ON CONFLICT (api_id) WHERE closed_at IS NULL DO UPDATE
     SET next = l.next + CASE WHEN l.server_started_at = pg_postmaster_start_time() THEN excluded.next ELSE 0 END,
         closed_at = CASE WHEN l.next + excluded.next >= l.size
                            OR l.opened_at < now() - interval '${OPEN_FOR}'
                            OR l.server_started_at <> pg_postmaster_start_time()
                          THEN now() END
  RETURNING id, public_id, order_key, next, size, server_started_at = pg_postmaster_start_time() AS is_own,
            ${SERVER_STARTED_AT} AS server`

interface LeaseRow {
  id: number
  public_id: string
  order_key: Buffer
  next: number
  size: number
  is_own: boolean
  server: number
}

/**
 * Takes so many places of the API's open list, which it opens if there is none; they are nobody else's, ever.
 * @param lifetime seconds for which the API's tokens are valid: with the rate it decides how large the next list is
 */
export async function leaseStatusIndexes(db: Database, apiId: number, count: number, lifetime = 0): Promise<Lease> {
  const values = [apiId, randomBytes(32), count, lifetime]
  const [row] = await db.query<LeaseRow>({ name: 'status-lease', text: LEASE, values, share: 'changes' })
  const { id, public_id, order_key, next, size, is_own, server } = row!
  // The list belonged to another run of the server, and is closed now.
  if (!is_own) return await leaseStatusIndexes(db, apiId, count, lifetime)
  const list = { key: id, id: public_id, apiId }
  return { list, size, orderKey: order_key, from: next - count, to: Math.min(next, size), server }
}

interface ListRow {
  id: number
  public_id: string
  api_id: number
}

/** All that there are, the oldest first. */
export async function listStatusLists(db: Database): Promise<StatusList[]> {
  const text = 'SELECT id, public_id, api_id FROM status_lists WHERE (SELECT require_primary()) ORDER BY id'
  const rows = await db.query<ListRow>({ name: 'status-lists', text, values: [] })
  return rows.map((row) => ({ key: row.id, id: row.public_id, apiId: row.api_id }))
}

/**
 * Closes the lists that are old enough, and deletes at most `limit` of those closed whose every token has expired. The newest
 * row stays: it tells which keys were given out, and expired tokens still bear the keys of deleted lists.
 */
export async function deleteExpiredStatusLists(knex: Knex, limit: number): Promise<number> {
  await knex.raw(`
    UPDATE status_lists SET closed_at = now()
     WHERE closed_at IS NULL AND opened_at < now() - interval '${OPEN_FOR}'`)
  const { rowCount } = await knex.raw(
    `DELETE FROM status_lists WHERE id IN (
       SELECT id FROM status_lists l
        WHERE closed_at < now() - interval '${FORGOTTEN_AFTER}'
          AND id < (SELECT max(id) FROM status_lists)
          AND NOT EXISTS (SELECT 1 FROM access_tokens t
                           WHERE t.status_list = l.id AND t.expires_at > now() - interval '${CLOCKS_DIFFER}')
        LIMIT ?)`,
    [limit],
  )
  return rowCount
}
