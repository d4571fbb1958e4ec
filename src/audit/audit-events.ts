import type { Knex } from 'knex'
import { invalidInput, KeywrightError } from '../shared/errors.ts'
import { type AuditRecord, recordsOf, selectAudit } from './audit-records.ts'

/** An event by its ID. @param forAccount whether an admin of its account reads it */
export async function findAuditEvent(db: Knex, id: string, forAccount: boolean): Promise<AuditRecord | undefined> {
  return (await recordsOf(db, selectAudit(db).where({ id }), forAccount))[0]
}

/**
 * A position in the audit chain: the number of an event, and the beginning of its hash. Events get their numbers after their
 * commit and one after the other, so no event appears behind a position. The hash shows whether the database is another one, or
 * was set back.
 */
export interface AuditPosition {
  readonly seq: number
  readonly hash: string
}

/** SQL: the beginning of a hash. */
const beginning = (hash: string): string => `left(encode(${hash}, 'hex'), 12)`

export const formatPosition = ({ seq, hash }: AuditPosition): string => `${seq}-${hash}`

const POSITION = /^(\d{1,15})-([0-9a-f]{12})$/

interface PositionRow {
  head: string
  head_seq: number
  base: string
  base_seq: number
  hash: string | null
}

const readPosition = async (db: Knex, seq: number): Promise<PositionRow | undefined> =>
  await db('audit_chain').first(
    'head_seq',
    'base_seq',
    db.raw(`${beginning('head_hash')} AS head, ${beginning('base_hash')} AS base`),
    db.raw(`(SELECT ${beginning('chain_hash')} FROM audit_log WHERE seq = ?) AS hash`, [seq]),
  )

const BEGIN_ANEW = 'begin without it, or with 0 for the oldest event'

function checkedPosition(row: PositionRow, seq: number, hash: string): AuditPosition {
  if (seq < row.base_seq) throw new KeywrightError('conflict', `later events were deleted since; ${BEGIN_ANEW}`)
  if (hash !== (seq === row.base_seq ? row.base : row.hash))
    throw new KeywrightError('conflict', `the activity log was set back since, or is another one; ${BEGIN_ANEW}`)
  return { seq, hash }
}

/**
 * The position from which a reader continues.
 * @param after the position of the last event that was read; `0`: before the oldest event; absent: the end
 * @throws KeywrightError `invalid_input`, `conflict` (events after the position were deleted by age, or never existed here)
 */
export async function startPosition(db: Knex, after: string | undefined): Promise<AuditPosition> {
  const [, seq, hash] = POSITION.exec(after ?? '') ?? []
  if (after !== undefined && after !== '0' && !hash)
    throw invalidInput(`this is no ID of an event; ${BEGIN_ANEW}`, 'lastEventId')
  const row = await readPosition(db, Number(seq ?? 0))
  if (!row) throw new KeywrightError('unavailable', 'the activity log has no chain yet; try again')
  if (after === undefined) return { seq: row.head_seq, hash: row.head }
  return after === '0' ? { seq: row.base_seq, hash: row.base } : checkedPosition(row, Number(seq), hash!)
}

/** Events that one statement reads, whether they are of the account or not. */
const WINDOW = 2000

/** Events of a part: each may have 8 KB. */
const PART = 100

export interface EventPart {
  readonly events: readonly { readonly position: AuditPosition; readonly record: AuditRecord }[]
  /** All events of the account up to here were read. */
  readonly end: AuditPosition
  /** Whether more events may follow at once. */
  readonly isMore: boolean
}

interface EndRow {
  seq: number
  hash: string
}

/** The next events, in the order of the chain. @param accountId absent: of all accounts */
export async function readEventsAfter(
  db: Knex,
  after: AuditPosition,
  { accountId, forAccount }: { accountId: string | undefined; forAccount: boolean },
): Promise<EventPart> {
  const select = () => db('audit_log').select<EndRow[]>('seq', db.raw(`${beginning('chain_hash')} AS hash`))
  const inWindow = [after.seq + 1, after.seq + WINDOW] as const
  const last = await select().whereBetween('seq', inWindow).orderBy('seq', 'desc').first()
  if (!last) return { events: [], end: after, isMore: false }
  const own = db('audit_log').whereBetween('seq', [inWindow[0], last.seq])
  if (accountId !== undefined) own.where({ account_id: accountId })
  const page = selectAudit(db).whereIn('id', own.orderBy('seq').limit(PART).select('id'))
  const records = await recordsOf(db, page, forAccount)
  if (records.length === 0) return { events: [], end: last, isMore: true }
  const seqs = records.map(({ seq }) => seq!)
  const hashes = new Map((await select().whereIn('seq', seqs)).map(({ seq, hash }) => [seq, hash]))
  const events = records
    .toSorted((one, other) => one.seq! - other.seq!)
    .map((record) => ({ position: { seq: record.seq!, hash: hashes.get(record.seq!) ?? '' }, record }))
  const end = events.length < PART ? last : events.at(-1)!.position
  return { events, end, isMore: true }
}
