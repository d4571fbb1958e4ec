import { randomBytes } from 'node:crypto'
import type { Knex } from 'knex'
import type { Database } from '../database/open.ts'
import { SERVER_STARTED_AT } from '../database/server-watch.ts'
import type { SigningAlg } from '../shared/algorithms.ts'
import { type Bitmap, emptyBitmap, LIST_SIZE, setPlace } from './status-bitmap.ts'

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
  readonly seed: Buffer
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

// Full, a list may be overdrawn by part of a lease, which nobody gets. The one that finds it full or old closes it and
// still has its places; the next one opens another. One of another run of the server is closed with none: the database may
// have lost leases of it.
const LEASE = `
  INSERT INTO status_lists AS l (api_id, seed, next) VALUES ($1, $2, $3)
  ON CONFLICT (api_id) WHERE closed_at IS NULL DO UPDATE
     SET next = CASE WHEN l.server_started_at = pg_postmaster_start_time() THEN l.next ELSE ${LIST_SIZE} END + excluded.next,
         closed_at = CASE WHEN l.next + excluded.next >= ${LIST_SIZE}
                            OR l.opened_at < now() - interval '${OPEN_FOR}'
                            OR l.server_started_at IS DISTINCT FROM pg_postmaster_start_time() THEN now() END
  RETURNING id, public_id, seed, next, ${SERVER_STARTED_AT} AS server`

interface LeaseRow {
  id: number
  public_id: string
  seed: Buffer
  next: number
  server: number
}

/** Takes so many places of the API's open list, which it opens if there is none; they are nobody else's, ever. */
export async function leasePlaces(db: Database, apiId: number, count: number): Promise<Lease> {
  const values = [apiId, randomBytes(32), count]
  const [row] = await db.query<LeaseRow>({ name: 'status-lease', text: LEASE, values, share: 'changes' })
  const { id, public_id, seed, next, server } = row!
  // The list belonged to another run of the server, and is closed now.
  if (next - count >= LIST_SIZE) return await leasePlaces(db, apiId, count)
  const list = { key: id, id: public_id, apiId }
  return { list, seed, from: next - count, to: Math.min(next, LIST_SIZE), server }
}

/** A list as the ledger has it. */
export interface ListReading {
  readonly list: StatusList
  readonly signingAlg: SigningAlg
  readonly revoked: Bitmap
  /** Everything that was committed by then is in it; milliseconds since 1970, by the database's clock. */
  readonly at: number
}

// What is set: recorded in this list, and ended by something else than time. Packed, because a list may have 65,536.
const READ = `
  SELECT l.id, l.public_id, l.api_id, a.signing_alg,
         floor(extract(epoch FROM statement_timestamp()) * 1000)::float8 AS at,
         (SELECT string_agg(int4send(status_index), '') FROM (
            SELECT status_index FROM access_tokens WHERE status_list = l.id
            EXCEPT
            SELECT status_index FROM standing_access_tokens WHERE status_list = l.id) revoked) AS places
    FROM status_lists l
    JOIN apis a ON a.id = l.api_id
   WHERE l.public_id = $1 AND (SELECT require_primary())`

interface ReadingRow {
  id: number
  public_id: string
  api_id: number
  signing_alg: SigningAlg
  at: number
  places: Buffer | null
}

/** Sets the places that `string_agg(int4send(…))` packed. */
export function setPacked(bitmap: Bitmap, packed: Buffer): void {
  for (let n = 0; n < packed.length; n += 4) setPlace(bitmap, packed.readInt32BE(n))
}

/** Undefined: there is none, or none any more. */
export async function readList(db: Database, id: string): Promise<ListReading | undefined> {
  const [row] = await db.query<ReadingRow>({ name: 'status-list', text: READ, values: [id] })
  if (!row) return undefined
  const revoked = emptyBitmap()
  if (row.places) setPacked(revoked, row.places)
  const list = { key: row.id, id: row.public_id, apiId: row.api_id }
  return { list, signingAlg: row.signing_alg, revoked, at: row.at }
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
export async function sweepStatusLists(knex: Knex, limit: number): Promise<number> {
  await knex.raw(`
    UPDATE status_lists SET closed_at = now() WHERE closed_at IS NULL AND opened_at < now() - interval '${OPEN_FOR}'`)
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
