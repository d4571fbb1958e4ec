import type { Database } from '../database/open-database.ts'
import { type FeedCursor, RETENTION, unseenIn, upTo } from './feed-cursors.ts'
import { type Bitmap, emptyBitmap, setIndex, withRoomFor } from './status-bitmap.ts'
import { CLOCKS_DIFFER, type StatusList } from './status-lists.ts'

/** What was revoked in one list. */
export interface ListChange {
  readonly list: StatusList
  readonly revoked: Bitmap
}

export interface StatusChanges {
  readonly changes: readonly ListChange[]
  /** Up to where that is everything. */
  readonly cursor: FeedCursor
}

/** Rows a statement. */
const PAGE = 2000

// The rows that the earlier snapshot cannot see and the present one can: those of transactions that began since, and of
// those that were under way. What a restored copy brought along from another database's future is passed over. Secrets end
// by the clock, without a row, or with one that was written long before.
//
// Two ranges of the key, each with a limit of its own: asked for in one, the planner would walk through all that is kept.
const columns =
  'xid, id, status_list, status_indexes, client_id, revocation_epoch, secret_id, api_id, subject, sequence'
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
             WHERE $6::float8 IS NOT NULL AND kind = 'secret'
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
}

/** What ended tokens that are still to be found; of `client_secrets`, only what a secret has is there. */
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
  /** The column whose index finds the tokens. */
  readonly by: 'client_id' | 'subject'
  readonly text: string
}

// Each kind by the index that finds its tokens, and in a statement of its own: together, PostgreSQL would think of compiling
// them, which takes a second. It is told the values apart from the causes, so that it knows how common each is: of a column
// that one client fills nearly alone it would otherwise expect that every client does, and read whole partitions. What
// expired a while ago no verifier takes any more.
function causeKind(kind: Omit<CauseKind, 'text'>, condition: string): CauseKind {
  const text = `
    SELECT t.status_list, string_agg(int4send(t.status_index), '') AS indexes
      FROM access_tokens t
      JOIN json_to_recordset($1::json) AS c(
             client_id bigint, revocation_epoch int, secret_id bigint, api_id int, subject text, sequence bigint) ON ${condition}
     WHERE t.${kind.by} = ANY ($2::${kind.by === 'subject' ? 'text' : 'bigint'}[])
       AND t.expires_at > now() - interval '${CLOCKS_DIFFER}' AND t.status_list IS NOT NULL
     GROUP BY t.status_list`
  return { ...kind, text }
}

const SAME_SINGLE_TOKEN = `
  t.client_id = c.client_id AND t.api_id = c.api_id AND t.subject = c.subject AND t.sequence < c.sequence`

const CAUSE_KINDS = [
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
  // By the person: their client may hold a million tokens of others.
  causeKind(
    { name: 'single-token-of-user', has: ({ subject }) => !!subject, by: 'subject' },
    `${SAME_SINGLE_TOKEN} AND t.subject <> ''`,
  ),
]

const NAME = 'SELECT id, public_id, api_id FROM status_lists WHERE id = ANY ($1::bigint[])'

/** Gathers what was revoked, list by list: so much memory as there are lists, however many tokens it was. */
function createGathering(db: Database) {
  const bitmaps = new Map<number, Bitmap>()

  /** A bitmap grows with its places: how large its list is, is asked at the end only. */
  function add(list: number, count: number, indexAt: (n: number) => number): void {
    let bitmap = bitmaps.get(list) ?? emptyBitmap()
    for (let n = 0; n < count; n++) {
      const index = indexAt(n)
      bitmap = withRoomFor(bitmap, index)
      setIndex(bitmap, index)
    }
    bitmaps.set(list, bitmap)
  }

  async function resolve(causes: readonly Cause[]): Promise<void> {
    for (const { name, has, by, text } of CAUSE_KINDS) {
      const own = causes.filter(has)
      if (own.length === 0) continue
      const values = [JSON.stringify(own), own.map((cause) => cause[by])]
      const rows = await db.query<{ status_list: number; indexes: Buffer }>({
        name: `status-ended-${name}`,
        text,
        values,
      })
      for (const { status_list, indexes } of rows) {
        add(status_list, indexes.length / 4, (n) => indexes.readInt32BE(n * 4))
      }
    }
  }

  return {
    async add(events: readonly EventRow[], retired: readonly Cause[]): Promise<void> {
      for (const { status_list, status_indexes } of events) {
        if (status_list !== null) add(status_list, status_indexes!.length, (n) => status_indexes![n]!)
      }
      await resolve([...events.filter(({ status_list }) => status_list === null), ...retired])
    },
    /** A list that has vanished meanwhile held nothing alive. */
    async changes(): Promise<ListChange[]> {
      if (bitmaps.size === 0) return []
      const statement = { name: 'status-names', text: NAME, values: [[...bitmaps.keys()]] }
      const rows = await db.query<{ id: number; public_id: string; api_id: number }>(statement)
      return rows.map(({ id, public_id, api_id }) => ({
        list: { key: id, id: public_id, apiId: api_id },
        revoked: bitmaps.get(id)!,
      }))
    },
  }
}

/**
 * All that was revoked after a position, whichever node did it and in whatever order it was committed. Undefined where
 * that can no longer be said: it was too long ago, or the database lost commits or was restored since.
 */
export async function readChanges(db: Database, since: FeedCursor): Promise<StatusChanges | undefined> {
  const { next, underWay } = unseenIn(since)
  const gathering = createGathering(db)
  const page = async (after: [string, number], upTo: string | null, retiredSince: number | null): Promise<PageRow> => {
    const values = [next, underWay, ...after, upTo, retiredSince]
    return (await db.query<PageRow>({ name: 'status-changes', text: READ, values }))[0]!
  }
  const first = await page(['0', 0], null, since.at)
  if (since.timeline !== undefined && since.timeline !== first.timeline) return undefined
  if (BigInt(unseenIn(first).next) < BigInt(next)) return undefined
  if (since.at > 0 && first.at - since.at > RETENTION) return undefined
  let lastRevoking = BigInt(next) - 1n
  for (let read = first; ; ) {
    await gathering.add(read.events ?? [], read.retired ?? [])
    const last = read.events?.at(-1)
    if (last && BigInt(last.xid) > lastRevoking) lastRevoking = BigInt(last.xid)
    if (read.events?.length !== PAGE) break
    read = await page([last!.xid, last!.id], first.snapshot, null)
  }
  const cursor = { snapshot: upTo(first.snapshot, lastRevoking), at: first.at, timeline: first.timeline }
  return { changes: await gathering.changes(), cursor }
}
