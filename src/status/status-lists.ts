import { randomBytes } from 'node:crypto'
import type { Knex } from 'knex'
import type { Database } from '../database/open-database.ts'
import { SERVER_STARTED_AT } from '../database/server-watch.ts'
import { LARGEST_LIST, LIST_SIZES, SMALLEST_LIST } from './status-bitmap.ts'

/** A token status list. It has tokens of one API. */
export interface StatusList {
  /** The primary key, to which `access_tokens.status_list` refers. */
  readonly key: number
  /** The public id in its URI. It is random, so it does not reveal how many lists there are. */
  readonly id: string
  readonly apiId: number
}

/** The positions of a list, `from` to `to - 1`, whose status indexes one process may give to tokens. */
export interface Lease {
  readonly list: StatusList
  /** The number of indexes of the list. */
  readonly size: number
  readonly orderKey: Buffer
  readonly from: number
  readonly to: number
  /** When the PostgreSQL server that granted the lease was started (`SERVER_STARTED_AT`). Another one records no token with it. */
  readonly server: number
}

export const statusUri = (issuer: string, listId: string): string => `${issuer}/oauth2/status/${listId}`

/** How long a list stays open. Its tokens then expire at about the same time, and the list can be deleted. */
const OPEN_FOR = '1 day'

/** How long after a list was closed tokens are still recorded in it, with leases that were taken before. */
export const RECORDS_AFTER = '2 hours'

/** How long after a list was closed it may be deleted: longer than `RECORDS_AFTER`, so that no statement still uses it. */
const DELETED_AFTER = '3 hours'

/**
 * How far a resource server's clock may be behind. It accepts an expired token for so long, so revocations are published for so
 * much longer.
 */
export const CLOCKS_DIFFER = '10 minutes'

/**
 * How many lists the valid tokens of an API use, at a steady rate. With fewer and larger lists, more expired tokens would share
 * a list with valid ones.
 */
const LISTS_PER_LIFETIME = 32

// The size that the next list needs: the rate of tokens in the API's last list, times the lifetime of a token, divided by
// `LISTS_PER_LIFETIME`.
const NEEDED = `
  SELECT p.next / greatest(extract(epoch FROM least(p.closed_at, now()) - p.opened_at), 1) * $4 / ${LISTS_PER_LIFETIME}
    FROM status_lists p WHERE p.api_id = $1 AND p.size IS NOT NULL ORDER BY p.id DESC LIMIT 1`

const SIZES = LIST_SIZES.slice(0, -1).map((size) => `WHEN n.needed <= ${size} THEN ${size}`)

// Takes a lease of the API's open list, or opens a list. The last lease of a list may exceed its size; the excess is not used.
// A lease that fills the list, or finds it too old, closes it and keeps its indexes; the next lease opens another list. A list
// that was opened before the PostgreSQL server was restarted is closed without a lease: the database may have lost leases of it.
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
 * Leases `count` status indexes of the API's open list; opens a list if there is none. No other lease ever has them.
 * @param lifetime of the API's tokens, in seconds; decides, with the rate, the size of the next list
 */
export async function leaseStatusIndexes(db: Database, apiId: number, count: number, lifetime = 0): Promise<Lease> {
  const values = [apiId, randomBytes(32), count, lifetime]
  const [row] = await db.query<LeaseRow>({ name: 'status-lease', text: LEASE, values, share: 'changes' })
  const { id, public_id, order_key, next, size, is_own, server } = row!
  // The list was opened before the server was restarted. It is closed now.
  if (!is_own) return await leaseStatusIndexes(db, apiId, count, lifetime)
  const list = { key: id, id: public_id, apiId }
  return { list, size, orderKey: order_key, from: next - count, to: Math.min(next, size), server }
}

interface ListRow {
  id: number
  public_id: string
  api_id: number
}

/** All status lists, the oldest first. */
export async function listStatusLists(db: Database): Promise<StatusList[]> {
  const text = 'SELECT id, public_id, api_id FROM status_lists WHERE (SELECT require_primary()) ORDER BY id'
  const rows = await db.query<ListRow>({ name: 'status-lists', text, values: [] })
  return rows.map((row) => ({ key: row.id, id: row.public_id, apiId: row.api_id }))
}

/**
 * Closes the lists that are old enough, and deletes at most `limit` closed lists in which every token has expired. Returns the
 * number of deleted lists. Keeps the newest row, so that a new list never gets the key of a deleted one: rows of expired tokens
 * still refer to that key.
 */
export async function deleteExpiredStatusLists(knex: Knex, limit: number): Promise<number> {
  await knex.raw(`
    UPDATE status_lists SET closed_at = now()
     WHERE closed_at IS NULL AND opened_at < now() - interval '${OPEN_FOR}'`)
  const { rowCount } = await knex.raw(
    `DELETE FROM status_lists WHERE id IN (
       SELECT id FROM status_lists l
        WHERE closed_at < now() - interval '${DELETED_AFTER}'
          AND id < (SELECT max(id) FROM status_lists)
          AND NOT EXISTS (SELECT 1 FROM access_tokens t
                           WHERE t.status_list = l.id AND t.expires_at > now() - interval '${CLOCKS_DIFFER}')
        LIMIT ?)`,
    [limit],
  )
  return rowCount
}
