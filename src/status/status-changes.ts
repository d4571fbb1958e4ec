import type { Database } from '../database/open-database.ts'
import { type FeedCursor, limitSnapshot, RETENTION, unseenIn } from './feed-cursors.ts'
import { type RevokedIndexes, readTokensOfKeys } from './revoked-key-tokens.ts'
import { type Bitmap, emptyBitmap, setIndex, withRoomFor } from './status-bitmap.ts'
import { CLOCKS_DIFFER, type StatusList } from './status-lists.ts'

/** The revocations in one status list. */
export interface ListChange {
  readonly list: StatusList
  readonly revoked: Bitmap
}

export interface StatusChanges {
  readonly changes: readonly ListChange[]
  /** The changes are all revocations up to this cursor. */
  readonly cursor: FeedCursor
}

/** Rows per statement. */
const PAGE = 2000

// The rows that are visible now and were not visible in the earlier snapshot: those of transactions that began after it, and of
// transactions that were in progress. Rows of a restored copy whose transactions are in this database's future are ignored. The
// retirement of a client secret or public key has no row at the time: it takes effect by the clock.
//
// The key has two ranges, each with its own limit. With one condition for both, the planner would read all rows.
const columns =
  'xid, id, status_list, status_indexes, client_id, revocation_epoch, secret_id, api_id, subject, sequence, signing_key'
const range = (condition: string) => `
  (SELECT ${columns} FROM revocations
    WHERE ${condition} AND (xid, id) > ($3::xid8, $4::bigint)
      AND pg_visible_in_snapshot(xid, coalesce($5::pg_snapshot, pg_current_snapshot()))
    ORDER BY xid, id LIMIT ${PAGE})`

const READ = `
  SELECT require_primary(), pg_current_snapshot()::text AS snapshot, database_timeline() AS timeline,
         floor(extract(epoch FROM statement_timestamp()) * 1000)::float8 AS at,
         (SELECT json_agg(e ORDER BY e.xid, e.id) FROM (
            SELECT * FROM (${range('xid >= $1::xid8')} UNION ALL ${range('xid = ANY ($2::xid8[])')}) unseen
             ORDER BY xid, id LIMIT ${PAGE}) e) AS events,
         (SELECT json_agg(s) FROM (
            SELECT client_id, id AS secret_id, NULL AS revocation_epoch, NULL AS subject FROM client_secrets
             WHERE $6::float8 IS NOT NULL AND kind IN ('secret', 'key', 'certificate', 'trust')
               AND retires_at >= to_timestamp($6 / 1000) AND retires_at <= statement_timestamp()) s) AS retired`

interface EventRow {
  xid: string
  id: number
  status_list: number | null
  status_indexes: number[] | null
  client_id: number | null
  revocation_epoch: number | null
  secret_id: number | null
  api_id: number | null
  subject: string | null
  sequence: number | null
  signing_key: number | null
}

/** What revoked tokens without naming their status indexes: a `revocation_epoch`, a client secret or a newer single token. */
type Cause = Pick<EventRow, 'client_id' | 'revocation_epoch' | 'secret_id' | 'api_id' | 'subject' | 'sequence'>

interface PageRow {
  snapshot: string
  timeline: string
  at: number
  events: EventRow[] | null
  retired: Cause[] | null
}

interface CauseKind {
  readonly name: string
  readonly has: (cause: Cause) => boolean
  /** The column of `access_tokens` by whose index the revoked tokens are found. */
  readonly by: 'client_id' | 'subject'
  readonly text: string
}

// Finds the revoked tokens of one kind of cause. Each kind has its own statement: one for all would make PostgreSQL compile it
// (JIT), which takes a second. The values of the indexed column are a separate parameter, so that the planner sees how frequent
// each value is. Otherwise, when one client has nearly all tokens, it would expect as many of every client and read whole
// partitions. Tokens that expired longer ago than `CLOCKS_DIFFER` are left out: no resource server accepts them.
//
// `exchanged_tokens` has the columns of the condition from the tokens that an exchanged token depends on, so what revokes one of
// them finds the exchanged token too.
function causeKind(kind: Omit<CauseKind, 'text'>, condition: string): CauseKind {
  const revokedIn = (table: string) => `
    SELECT t.status_list, string_agg(int4send(t.status_index), '') AS indexes
      FROM ${table} t
      JOIN json_to_recordset($1::json) AS c(
             client_id bigint, revocation_epoch int, secret_id bigint, api_id int, subject text, sequence bigint) ON ${condition}
     WHERE t.${kind.by} = ANY ($2::${kind.by === 'subject' ? 'text' : 'bigint'}[])
       AND t.expires_at > now() - interval '${CLOCKS_DIFFER}' AND t.status_list IS NOT NULL
     GROUP BY t.status_list`
  return { ...kind, text: `${revokedIn('access_tokens')} UNION ALL ${revokedIn('exchanged_tokens')}` }
}

const SAME_SINGLE_TOKEN = `
  t.client_id = c.client_id AND t.api_id = c.api_id AND t.subject = c.subject AND t.sequence < c.sequence`

export const CAUSE_KINDS = [
  causeKind(
    { name: 'revocation_epoch', has: ({ revocation_epoch }) => revocation_epoch !== null, by: 'client_id' },
    't.client_id = c.client_id AND t.revocation_epoch = c.revocation_epoch',
  ),
  causeKind(
    { name: 'secret', has: ({ secret_id }) => secret_id !== null, by: 'client_id' },
    `t.client_id = c.client_id AND t.secret_id = c.secret_id
       AND EXISTS (SELECT 1 FROM client_secrets s WHERE s.id = c.secret_id AND s.retires_at <= now())`,
  ),
  causeKind({ name: 'single-token', has: ({ subject }) => subject === '', by: 'client_id' }, SAME_SINGLE_TOKEN),
  // By the user: the client may have a million tokens of other users.
  causeKind(
    { name: 'single-token-of-user', has: ({ subject }) => !!subject, by: 'subject' },
    `${SAME_SINGLE_TOKEN} AND t.subject <> ''`,
  ),
]

const LIST_IDS = 'SELECT id, public_id, api_id FROM status_lists WHERE id = ANY ($1::bigint[])'

/** Collects revocations by status list. The memory depends on the number of lists, not on the number of tokens. */
class RevokedBitmaps {
  readonly #db: Database
  readonly #bitmaps = new Map<number, Bitmap>()

  constructor(db: Database) {
    this.#db = db
  }

  async add(events: readonly EventRow[], retired: readonly Cause[]): Promise<void> {
    for (const { status_list, status_indexes } of events) {
      if (status_list !== null) this.#set(status_list, status_indexes!.length, (n) => status_indexes![n]!)
    }
    const keys = events.flatMap(({ signing_key }) => signing_key ?? [])
    for await (const rows of readTokensOfKeys(this.#db, keys)) this.#setAll(rows)
    await this.#resolve([...events.filter(({ status_list }) => status_list === null), ...retired])
  }

  /** A list that was deleted meanwhile had no valid token. */
  async changes(): Promise<ListChange[]> {
    if (this.#bitmaps.size === 0) return []
    const statement = { name: 'status-list-ids', text: LIST_IDS, values: [[...this.#bitmaps.keys()]] }
    const rows = await this.#db.query<{ id: number; public_id: string; api_id: number }>(statement)
    return rows.map(({ id, public_id, api_id }) => ({
      list: { key: id, id: public_id, apiId: api_id },
      revoked: this.#bitmaps.get(id)!,
    }))
  }

  /** The size of the list is not known here, so the bitmap grows with its indexes. */
  #set(list: number, count: number, indexAt: (n: number) => number): void {
    let bitmap = this.#bitmaps.get(list) ?? emptyBitmap()
    for (let n = 0; n < count; n++) {
      const index = indexAt(n)
      bitmap = withRoomFor(bitmap, index)
      setIndex(bitmap, index)
    }
    this.#bitmaps.set(list, bitmap)
  }

  #setAll(rows: readonly RevokedIndexes[]): void {
    for (const { status_list, indexes } of rows) {
      this.#set(status_list, indexes.length / 4, (n) => indexes.readInt32BE(n * 4))
    }
  }

  /** Finds the revoked tokens of these causes. */
  async #resolve(causes: readonly Cause[]): Promise<void> {
    for (const { name, has, by, text } of CAUSE_KINDS) {
      const ofKind = causes.filter(has)
      if (ofKind.length === 0) continue
      const values = [JSON.stringify(ofKind), ofKind.map((cause) => cause[by])]
      this.#setAll(await this.#db.query<RevokedIndexes>({ name: `revoked-by-${name}`, text, values }))
    }
  }
}

/**
 * Reads every revocation that was committed after the cursor, by any node and in any order of commits. Undefined when that is
 * not known: the cursor is too old, or the database lost commits or was restored since.
 */
export async function readChanges(db: Database, since: FeedCursor): Promise<StatusChanges | undefined> {
  const { next, inProgress } = unseenIn(since)
  const revoked = new RevokedBitmaps(db)
  const page = async (
    after: [string, number],
    snapshot: string | null,
    retiredSince: number | null,
  ): Promise<PageRow> => {
    const values = [next, inProgress, ...after, snapshot, retiredSince]
    return (await db.query<PageRow>({ name: 'status-changes', text: READ, values }))[0]!
  }
  const first = await page(['0', 0], null, since.at)
  if (since.timeline !== undefined && since.timeline !== first.timeline) return undefined
  if (BigInt(unseenIn(first).next) < BigInt(next)) return undefined
  if (since.at > 0 && first.at - since.at > RETENTION) return undefined
  let lastRevoking = BigInt(next) - 1n
  for (let read = first; ; ) {
    await revoked.add(read.events ?? [], read.retired ?? [])
    const last = read.events?.at(-1)
    if (last && BigInt(last.xid) > lastRevoking) lastRevoking = BigInt(last.xid)
    if (read.events?.length !== PAGE) break
    read = await page([last!.xid, last!.id], first.snapshot, null)
  }
  const cursor = { snapshot: limitSnapshot(first.snapshot, lastRevoking), at: first.at, timeline: first.timeline }
  return { changes: await revoked.changes(), cursor }
}
