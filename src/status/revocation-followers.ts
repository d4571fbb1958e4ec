import type { Knex } from 'knex'

/** How a resource server learns that a token was revoked. */
export type FollowingWay = 'feed' | 'list' | 'introspection'

/** Milliseconds between two writes of who follows. */
export const WRITE_FOLLOWERS_EVERY = 10_000

/** Seconds after which a follower of the feed that is not seen again has left: its stream is noted with each heartbeat. */
export const FEED_LEFT_AFTER = 30

/** Addresses per API and way: anyone may fetch a status list. */
const MAX_FOLLOWERS = 100

/** Addresses that a process remembers between two writes. */
const MAX_REMEMBERED = 10_000

const RETENTION = '2 days'

interface Follower {
  readonly way: FollowingWay
  readonly ip: string
  readonly api_id?: number
  /** The public ID of a status list, which names the API. */
  readonly list?: string
}

// Rows are locked in one order, so that nodes do not deadlock. A list that does not exist names no API.
const WRITE = `
  INSERT INTO revocation_followers AS r (api_id, way, ip, last_seen_at)
  SELECT DISTINCT coalesce(f.api_id, l.api_id) AS api_id, f.way, f.ip, now()
    FROM json_to_recordset(?) AS f(way text, ip text, api_id integer, list uuid)
    LEFT JOIN status_lists l ON l.public_id = f.list
   WHERE coalesce(f.api_id, l.api_id) IS NOT NULL
   ORDER BY 1, 2, 3
  ON CONFLICT (api_id, way, ip) DO UPDATE SET last_seen_at = excluded.last_seen_at`

/** Notes in memory which addresses follow revocations, and writes them asynchronously. */
export class RevocationFollowers {
  #seen = new Map<string, Follower>()

  /** A resource server reads the feed, or introspects. */
  noteApi(way: 'feed' | 'introspection', apiId: number, ip: string): void {
    this.#note(`${way} ${apiId} ${ip}`, { way, ip, api_id: apiId })
  }

  /** Somebody fetched a status list: a resource server, or a cache before it. */
  noteList(listId: string, ip: string): void {
    this.#note(`${listId} ${ip}`, { way: 'list', ip, list: listId })
  }

  /** Writes who was seen since the last write. If that fails, the next one writes them. */
  async flush(knex: Knex): Promise<void> {
    if (this.#seen.size === 0) return
    const written = this.#seen
    this.#seen = new Map()
    try {
      await knex.raw(WRITE, [JSON.stringify([...written.values()])])
    } catch (error) {
      this.#seen = new Map([...written, ...this.#seen])
      throw error
    }
  }

  #note(key: string, follower: Follower): void {
    if (this.#seen.size < MAX_REMEMBERED) this.#seen.set(key, follower)
  }
}

/** Deletes at most `limit` followers that were last seen two days ago. */
export async function deleteOldFollowers(knex: Knex, limit: number): Promise<number> {
  const { rowCount } = await knex.raw(
    `DELETE FROM revocation_followers WHERE (api_id, way, ip) IN (
       SELECT api_id, way, ip FROM revocation_followers WHERE last_seen_at < now() - interval '${RETENTION}'
        LIMIT ? FOR UPDATE SKIP LOCKED)`,
    [limit],
  )
  return rowCount
}

/** Deletes at most `limit` followers of APIs with more than 100 of a kind, those last seen longest ago. */
export async function deleteExcessFollowers(knex: Knex, limit: number): Promise<number> {
  const { rowCount } = await knex.raw(
    `DELETE FROM revocation_followers WHERE (api_id, way, ip) IN (
       SELECT api_id, way, ip
         FROM (SELECT f.*, row_number() OVER (PARTITION BY api_id, way ORDER BY last_seen_at DESC, ip) AS rank
                 FROM revocation_followers f) ranked
        WHERE rank > ? LIMIT ?)`,
    [MAX_FOLLOWERS, limit],
  )
  return rowCount
}
