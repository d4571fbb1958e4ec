import type { Knex } from 'knex'
import type { Database } from '../database/open-database.ts'
import type { EncryptionKeys } from '../shared/encryption-keys.ts'
import { isSealedByOneOf, seal, unseal } from '../shared/envelope.ts'

/**
 * How far a reader has read the revocation feed: everything that is visible in a snapshot of the database. A row number would
 * not do, because transactions do not commit in the order in which they began.
 */
export interface FeedCursor {
  /** As PostgreSQL writes it: `xmin:xmax:` and the transactions between them that were in progress. */
  readonly snapshot: string
  /** Milliseconds since 1970, by the database's clock: everything that was committed by then is visible in the snapshot. */
  readonly at: number
  /** The history of the database (`database_timeline()`) to which the snapshot belongs. Absent: any. */
  readonly timeline?: string
}

/**
 * Milliseconds for which a reader can resume with its cursor. A reader without a cursor gets the revocations of the last two
 * `ttl` (at most an hour each) and some minutes more.
 */
export const RETENTION = 2 * 3_600_000 + 600_000

/** The first row that still exists. */
export const BEGINNING = { snapshot: '3:3:', at: 0 } as const satisfies FeedCursor

const SNAPSHOT = /^\d{1,20}:(\d{1,20}):((?:\d{1,20}(?:,\d{1,20})*)?)$/

/** The transactions that are not visible in a snapshot: those from `next` on, and those that were `inProgress`. */
export function unseenIn({ snapshot }: FeedCursor): { next: string; inProgress: string[] } {
  const [, next, inProgress] = SNAPSHOT.exec(snapshot)!
  return { next: next!, inProgress: inProgress ? inProgress.split(',') : [] }
}

/**
 * The snapshot limited to the transactions up to the last one that revoked something. Later transaction numbers may belong to
 * transactions that wrote nothing. A database that crashes uses such numbers again, and a cursor that covers them would skip
 * revocations.
 */
export function limitSnapshot(snapshot: string, lastRevoking: bigint): string {
  const { next, inProgress } = unseenIn({ snapshot, at: 0 })
  if (BigInt(next) <= lastRevoking + 1n) return snapshot
  const before = inProgress.filter((xid) => BigInt(xid) <= lastRevoking)
  return `${before[0] ?? lastRevoking + 1n}:${lastRevoking + 1n}:${before}`
}

const SEALED_FOR = { purpose: 'feed cursor' } as const

/** Encrypts a cursor. A plain snapshot would reveal how much the database writes, and a forged one could be costly to read. */
export function encodeCursor(keys: EncryptionKeys, { at, snapshot, timeline }: FeedCursor): string {
  return seal(keys, SEALED_FOR, Buffer.from(`${at} ${snapshot} ${timeline}`)).toString('base64url')
}

/** Undefined when the text is no cursor of this server, or is encrypted with a key that is no longer used. */
export function decodeCursor(keys: EncryptionKeys, cursor: string): FeedCursor | undefined {
  const sealed = Buffer.from(cursor, 'base64url')
  try {
    if (!isSealedByOneOf(keys, sealed)) return undefined
    const [at, snapshot, timeline] = unseal(keys, SEALED_FOR, sealed).toString().split(' ')
    // A cursor of the previous version has no timeline.
    return timeline === undefined ? undefined : { at: Number(at), snapshot: snapshot!, timeline }
  } catch {
    return undefined
  }
}

// A snapshot that is ahead of the database is useless: the database has been set back.
const OF_THIS_DATABASE = 'pg_snapshot_xmax(snapshot) <= pg_snapshot_xmax(pg_current_snapshot())'

// A checkpoint of another cluster came with a restored copy. Checkpoints of this cluster's earlier timelines are valid: what a
// standby has of them was committed before it was promoted.
const SYSTEM = (timeline: string) => `split_part(${timeline}, '/', 1)`
const OF_THIS_CLUSTER = `${SYSTEM('timeline')} = ${SYSTEM('(SELECT database_timeline())')}`

interface CursorRow {
  at: number
  snapshot: string
  timeline: string
}

const milliseconds = (time: string) => `floor(extract(epoch FROM ${time}) * 1000)::float8`

/** The present end of the feed. */
export async function currentCursor(db: Database): Promise<FeedCursor> {
  const text = `
    SELECT require_primary(), ${milliseconds('statement_timestamp()')} AS at, pg_current_snapshot()::text AS snapshot,
           database_timeline() AS timeline,
           (SELECT xid::text FROM revocations WHERE xid < pg_snapshot_xmax(pg_current_snapshot())
             ORDER BY xid DESC LIMIT 1) AS last`
  const [row] = await db.query<CursorRow & { last: string | null }>({ name: 'feed-cursor', text, values: [] })
  const { at, snapshot, timeline, last } = row!
  return { at, timeline, snapshot: last === null ? BEGINNING.snapshot : limitSnapshot(snapshot, BigInt(last)) }
}

/** Seconds that a reader has, after it got a cursor, to start reading from it. */
const START_TIMEOUT = 60

/**
 * A cursor of at least `age` milliseconds ago, from a checkpoint; `BEGINNING` when no checkpoint is as old. A checkpoint older
 * than `RETENTION` is valid: no node has run since to delete revocations. Undefined when the database was restored into another
 * cluster since then: the revocations before the restore cannot be read.
 */
export async function cursorBefore(db: Database, age: number): Promise<FeedCursor | undefined> {
  const text = `
    SELECT ${milliseconds(`greatest(at, now() - interval '${RETENTION / 1000 - START_TIMEOUT} s')`)} AS at, snapshot::text,
           database_timeline() AS timeline
      FROM revocation_checkpoints
     WHERE (SELECT require_primary()) AND at <= now() - make_interval(secs => $1 / 1000.0) AND ${OF_THIS_DATABASE} AND ${OF_THIS_CLUSTER}
     ORDER BY revocation_checkpoints.at DESC LIMIT 1`
  const [row] = await db.query<CursorRow>({ name: 'feed-cursor-before', text, values: [age] })
  return row ?? ((await wasRestored(db)) ? undefined : BEGINNING)
}

async function wasRestored(db: Database): Promise<boolean> {
  const text = `SELECT require_primary(), EXISTS (SELECT 1 FROM revocation_checkpoints WHERE NOT ${OF_THIS_CLUSTER}) AS restored`
  const [row] = await db.query<{ restored: boolean }>({ name: 'feed-restored', text, values: [] })
  return row!.restored
}

/** Milliseconds between two checkpoints. */
export const CHECKPOINT_EVERY = 10_000

/** Saves the present end of the feed as a checkpoint, unless another node has just done so. */
export async function saveCheckpoint(knex: Knex): Promise<void> {
  await knex.raw(
    `INSERT INTO revocation_checkpoints (at, snapshot)
     SELECT statement_timestamp(), pg_current_snapshot()
      WHERE NOT EXISTS (SELECT 1 FROM revocation_checkpoints WHERE at > now() - make_interval(secs => ?))
         ON CONFLICT DO NOTHING`,
    [(CHECKPOINT_EVERY * 0.9) / 1000],
  )
}

/** Seconds for which revocations are stored beyond `RETENTION`, for readers that read while rows are deleted. */
const DELETION_DELAY = 600

/**
 * Deletes at most `limit` old revocations, which every reader has read, and old checkpoints. Returns the number of deleted
 * revocations. Does not go by the time at which rows were written: a long transaction's rows are new when it commits.
 */
export async function deleteOldRevocations(knex: Knex, limit: number): Promise<number> {
  const age = RETENTION / 1000 + DELETION_DELAY
  await knex.raw(
    `DELETE FROM revocation_checkpoints WHERE at < (
       SELECT max(at) FROM revocation_checkpoints WHERE at < now() - make_interval(secs => ?))`,
    [age],
  )
  // Rows of transactions that were in progress at the checkpoint stay. They must not prevent the deletion of later rows.
  const { rowCount } = await knex.raw(
    `WITH checkpoint AS (
       SELECT snapshot FROM revocation_checkpoints
        WHERE at < now() - make_interval(secs => ?) AND ${OF_THIS_DATABASE} AND ${OF_THIS_CLUSTER}
        ORDER BY at DESC LIMIT 1)
     DELETE FROM revocations r USING (
       SELECT xid, id FROM revocations
        WHERE xid < pg_snapshot_xmax((SELECT snapshot FROM checkpoint))
          AND pg_visible_in_snapshot(xid, (SELECT snapshot FROM checkpoint))
        ORDER BY xid, id LIMIT ?) seen
      WHERE r.xid = seen.xid AND r.id = seen.id`,
    [age, limit],
  )
  return rowCount
}
