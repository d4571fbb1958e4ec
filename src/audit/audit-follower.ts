import type { Knex } from 'knex'

/** Something that processes every event of the audit chain once, in its order. */
export interface AuditFollower {
  /** The table of its cursor: one row, whose `seq` is the position up to which events were processed. */
  readonly cursor: 'mail_notice_cursor' | 'webhook_cursor'
  /** SQL: events up to this position need no processing; null: no event needs any now. */
  readonly start: string
  /** Processes the events after one position, up to and including another; returns how many rows it made. */
  process(trx: Knex, after: number, end: number): Promise<number>
}

interface State {
  /** The cursor has not been made yet. */
  is_new: boolean
  /** The position after which events are processed next. */
  after: number
  is_behind: boolean
}

/** Undefined: there is no chain yet. */
async function readState(db: Knex, { cursor, start }: AuditFollower): Promise<State | undefined> {
  const { rows } = await db.raw(`
    SELECT c.seq IS NULL AS is_new, greatest(c.seq, s.start) AS after,
           s.start IS NOT NULL AND a.head_seq > greatest(c.seq, s.start) AS is_behind
      FROM audit_chain a CROSS JOIN (SELECT (${start})::bigint AS start) s LEFT JOIN ${cursor} c ON true`)
  return rows[0]
}

/** Lets a new follower begin with the next event; one that has begun continues. */
export async function beginFollowing(db: Knex, { cursor }: AuditFollower): Promise<void> {
  await db.raw(`INSERT INTO ${cursor} (seq) SELECT head_seq FROM audit_chain ON CONFLICT DO NOTHING`)
}

/** The end of a page of at most `limit` events. */
const PAGE_END = `
  SELECT max(seq) AS "end", count(*)::int AS count
    FROM (SELECT seq FROM audit_log WHERE seq > ? ORDER BY seq LIMIT ?) page`

interface Processed {
  readonly made: number
  readonly isMore: boolean
}

/** Undefined: another node is at it, or there is nothing to do. */
async function processPage(knex: Knex, follower: AuditFollower, limit: number): Promise<Processed | undefined> {
  return await knex.transaction(async (trx) => {
    if (!(await trx(follower.cursor).forUpdate().skipLocked().first('seq'))) return undefined
    const state = await readState(trx, follower)
    if (!state?.is_behind) return undefined
    const { end, count } = (await trx.raw(PAGE_END, [state.after, limit])).rows[0]
    if (count === 0) return undefined
    const made = await follower.process(trx, state.after, end)
    await trx(follower.cursor).update({ seq: end })
    return { made, isMore: count === limit }
  })
}

/**
 * Processes the events that are new in the audit chain, `limit` of them in a transaction that also moves the cursor: a crash repeats
 * all of it or nothing. Events get their positions after their commit and one after the other, so none appears behind the cursor. Of
 * several nodes one does it. Without new events it costs one small statement. Returns how many rows were made.
 */
export async function followAudit(knex: Knex, follower: AuditFollower, limit: number): Promise<number> {
  const state = await readState(knex, follower)
  if (state?.is_new) await beginFollowing(knex, follower)
  if (!state?.is_behind) return 0
  let count = 0
  for (;;) {
    const processed = await processPage(knex, follower, limit)
    count += processed?.made ?? 0
    if (!processed?.isMore) return count
  }
}
