import type { Knex } from 'knex'
import type { Database } from '../database/open-database.ts'
import type { EncryptionKeys } from '../shared/encryption-keys.ts'
import { isSealedByOneOf, seal, unseal } from '../shared/envelope.ts'

/**
 * How far somebody has read what was revoked: everything that is visible in a snapshot of the database. An order of rows
 * would not do, because transactions do not commit in the order in which they began.
 */
export interface FeedCursor {
  /** As PostgreSQL writes it: `xmin:xmax:` and those between that were under way. */
  readonly snapshot: string
  /** Everything that was committed by then is visible in it; milliseconds since 1970, by the database's clock. */
  readonly at: number
  /** In which history of the database (`database_timeline()`); absent: in any. */
  readonly timeline?: string
}

/**
 * How long somebody may be away and still go on where they were, in milliseconds. Whoever comes without a position is told
 * the past of two `ttl` and a bit, of which the longest that can be set is an hour.
 */
export const RETENTION = 2 * 3_600_000 + 600_000

/** From the first row that is still there. */
export const BEGINNING = { snapshot: '3:3:', at: 0 } as const satisfies FeedCursor

const SNAPSHOT = /^\d{1,20}:(\d{1,20}):((?:\d{1,20}(?:,\d{1,20})*)?)$/

/** What a snapshot cannot see: transactions from `next` on, and those that were `underWay`. */
export function unseenIn({ snapshot }: FeedCursor): { next: string; underWay: string[] } {
  const [, next, underWay] = SNAPSHOT.exec(snapshot)!
  return { next: next!, underWay: underWay ? underWay.split(',') : [] }
}

/**
 * A snapshot as far as a position may claim it: up to the last transaction that revoked anything. Numbers beyond that may
 * have been given to transactions that came to nothing, which a database forgets when it crashes: it gives them again.
 */
export function upTo(snapshot: string, lastRevoking: bigint): string {
  const { next, underWay } = unseenIn({ snapshot, at: 0 })
  if (BigInt(next) <= lastRevoking + 1n) return snapshot
  const before = underWay.filter((xid) => BigInt(xid) <= lastRevoking)
  return `${before[0] ?? lastRevoking + 1n}:${lastRevoking + 1n}:${before}`
}

const SEALED_FOR = { purpose: 'feed cursor' } as const

/** Opaque to whoever keeps it: a snapshot tells how much is written here, and a forged one might be costly to read. */
export function encodeCursor(keys: EncryptionKeys, { at, snapshot, timeline }: FeedCursor): string {
  return seal(keys, SEALED_FOR, Buffer.from(`${at} ${snapshot} ${timeline}`)).toString('base64url')
}

/** Undefined: not one of ours, or sealed with a key that is no longer used. */
export function decodeCursor(keys: EncryptionKeys, cursor: string): FeedCursor | undefined {
  const sealed = Buffer.from(cursor, 'base64url')
  try {
    if (!isSealedByOneOf(keys, sealed)) return undefined
    const [at, snapshot, timeline] = unseal(keys, SEALED_FOR, sealed).toString().split(' ')
    // One of the version before does not say in which history it was.
    return timeline === undefined ? undefined : { at: Number(at), snapshot: snapshot!, timeline }
  } catch {
    return undefined
  }
}

// Of a snapshot that is ahead of the database, the database was set back meanwhile, and it says nothing any more.
const OF_THIS_DATABASE = 'pg_snapshot_xmax(snapshot) <= pg_snapshot_xmax(pg_current_snapshot())'

// A mark of another cluster came with a restored copy. Of this one's earlier timelines marks serve: what a standby has of
// them was committed before it was promoted.
const SYSTEM = (timeline: string) => `split_part(${timeline}, '/', 1)`
const OF_THIS_CLUSTER = `${SYSTEM('timeline')} = ${SYSTEM('(SELECT database_timeline())')}`

interface CursorRow {
  at: number
  snapshot: string
  timeline: string
}

const milliseconds = (time: string) => `floor(extract(epoch FROM ${time}) * 1000)::float8`

/** Now. */
export async function currentCursor(db: Database): Promise<FeedCursor> {
  const text = `
    SELECT require_primary(), ${milliseconds('statement_timestamp()')} AS at, pg_current_snapshot()::text AS snapshot,
           database_timeline() AS timeline,
           (SELECT xid::text FROM revocations WHERE xid < pg_snapshot_xmax(pg_current_snapshot())
             ORDER BY xid DESC LIMIT 1) AS last`
  const [row] = await db.query<CursorRow & { last: string | null }>({ name: 'status-position', text, values: [] })
  const { at, snapshot, timeline, last } = row!
  return { at, timeline, snapshot: last === null ? BEGINNING.snapshot : upTo(snapshot, BigInt(last)) }
}

/** What is left to whoever is given a position to begin to read from it, in seconds. */
const READING = 60

/**
 * At least so many milliseconds ago; the beginning of what is kept, where no mark is as old. One that is older than what
 * is kept tells that nobody was there to delete anything since; it serves. Undefined where the database was restored into
 * another cluster since then: what was revoked before it was restored cannot be read.
 */
export async function cursorBefore(db: Database, age: number): Promise<FeedCursor | undefined> {
  const text = `
    SELECT ${milliseconds(`greatest(at, now() - interval '${RETENTION / 1000 - READING} s')`)} AS at, snapshot::text,
           database_timeline() AS timeline
      FROM revocation_checkpoints
     WHERE (SELECT require_primary()) AND at <= now() - make_interval(secs => $1 / 1000.0) AND ${OF_THIS_DATABASE} AND ${OF_THIS_CLUSTER}
     ORDER BY revocation_checkpoints.at DESC LIMIT 1`
  const [row] = await db.query<CursorRow>({ name: 'status-position-before', text, values: [age] })
  return row ?? ((await wasRestored(db)) ? undefined : BEGINNING)
}

async function wasRestored(db: Database): Promise<boolean> {
  const text = `SELECT require_primary(), EXISTS (SELECT 1 FROM revocation_checkpoints WHERE NOT ${OF_THIS_CLUSTER}) AS restored`
  const [row] = await db.query<{ restored: boolean }>({ name: 'status-restored', text, values: [] })
  return row!.restored
}

/** How far apart marks are, in milliseconds. */
export const CHECKPOINT_EVERY = 10_000

/** Notes the present position, unless another node has just done so. */
export async function saveCheckpoint(knex: Knex): Promise<void> {
  await knex.raw(
    `INSERT INTO revocation_checkpoints (at, snapshot)
     SELECT statement_timestamp(), pg_current_snapshot()
      WHERE NOT EXISTS (SELECT 1 FROM revocation_checkpoints WHERE at > now() - make_interval(secs => ?))
         ON CONFLICT DO NOTHING`,
    [(CHECKPOINT_EVERY * 0.9) / 1000],
  )
}

/** How much longer than their readers may be away rows are kept, in seconds: for who reads while they are deleted. */
const LONGER = 600

/**
 * Deletes at most `limit` revocations that everybody has read, and the marks that nobody needs. Not by the time they were
 * written: a transaction may have been under way for long, and its rows are new when it commits.
 */
export async function deleteOldRevocations(knex: Knex, limit: number): Promise<number> {
  const age = RETENTION / 1000 + LONGER
  await knex.raw(
    `DELETE FROM revocation_checkpoints WHERE at < (
       SELECT max(at) FROM revocation_checkpoints WHERE at < now() - make_interval(secs => ?))`,
    [age],
  )
  // What was under way at the mark stays, and must not stand in the way of what is behind it.
  const { rowCount } = await knex.raw(
    `WITH mark AS (
       SELECT snapshot FROM revocation_checkpoints
        WHERE at < now() - make_interval(secs => ?) AND ${OF_THIS_DATABASE} AND ${OF_THIS_CLUSTER}
        ORDER BY at DESC LIMIT 1)
     DELETE FROM revocations r USING (
       SELECT xid, id FROM revocations
        WHERE xid < pg_snapshot_xmax((SELECT snapshot FROM mark))
          AND pg_visible_in_snapshot(xid, (SELECT snapshot FROM mark))
        ORDER BY xid, id LIMIT ?) seen
      WHERE r.xid = seen.xid AND r.id = seen.id`,
    [age, limit],
  )
  return rowCount
}
