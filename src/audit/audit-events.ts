import type { Knex } from 'knex'
import type { EncryptionKeys } from '../shared/encryption-keys.ts'
import { isSealedByOneOf, seal, unseal } from '../shared/envelope.ts'
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

const SEALED_FOR = { purpose: 'event position' } as const

/**
 * The position as an ID of the event stream. It is encrypted, and differs each time: the number of an event would tell an account how
 * much others do. Every node reads it.
 */
export const encodePosition = (keys: EncryptionKeys, { seq, hash }: AuditPosition): string =>
  seal(keys, SEALED_FOR, Buffer.from(`${seq} ${hash}`)).toString('base64url')

/** Undefined: the text is no ID of this instance, or is encrypted with a key that is no longer used. */
export function decodePosition(keys: EncryptionKeys, id: string): AuditPosition | undefined {
  const sealed = Buffer.from(id, 'base64url')
  try {
    if (!isSealedByOneOf(keys, sealed)) return undefined
    const [seq, hash] = unseal(keys, SEALED_FOR, sealed).toString().split(' ')
    return { seq: Number(seq), hash: hash! }
  } catch {
    return undefined
  }
}

interface PositionRow {
  head: string
  head_seq: number
  base: string
  base_seq: number
  hash: string | null
}

/** @throws KeywrightError `unavailable` */
async function readPosition(db: Knex, seq: number): Promise<PositionRow> {
  const row: PositionRow | undefined = await db('audit_chain').first(
    'head_seq',
    'base_seq',
    db.raw(`${beginning('head_hash')} AS head, ${beginning('base_hash')} AS base`),
    db.raw(`(SELECT ${beginning('chain_hash')} FROM audit_log WHERE seq = ?) AS hash`, [seq]),
  )
  if (!row) throw new KeywrightError('unavailable', 'the activity log has no chain yet; try again')
  return row
}

const BEGIN_ANEW = 'begin without it, or with 0 for the oldest event'

/** @throws KeywrightError `conflict` */
function checkPosition(row: PositionRow, { seq, hash }: AuditPosition): void {
  if (seq < row.base_seq) throw new KeywrightError('conflict', `later events were deleted since; ${BEGIN_ANEW}`)
  if (hash !== (seq === row.base_seq ? row.base : row.hash))
    throw new KeywrightError('conflict', `the activity log was set back since, or is another one; ${BEGIN_ANEW}`)
}

/**
 * The position from which a reader continues.
 * @param after the ID of the last event that was read; `0`: before the oldest event; absent: the end
 * @throws KeywrightError `invalid_input`, `conflict` (events after the position were deleted by age, or never existed here)
 */
export async function startPosition(db: Knex, keys: EncryptionKeys, after: string | undefined): Promise<AuditPosition> {
  const position = after === undefined || after === '0' ? undefined : decodePosition(keys, after)
  if (after !== undefined && after !== '0' && !position)
    throw invalidInput(`this is no ID of an event of this instance; ${BEGIN_ANEW}`, 'lastEventId')
  const row = await readPosition(db, position?.seq ?? 0)
  if (position) checkPosition(row, position)
  if (position) return position
  return after === '0' ? { seq: row.base_seq, hash: row.base } : { seq: row.head_seq, hash: row.head }
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

interface PlaceRow {
  id: string
  seq: number
  hash: string
}

interface EventReader {
  /** Absent: of all accounts. */
  readonly accountId: string | undefined
  /** Whether an admin of the account reads them. */
  readonly forAccount: boolean
}

async function readPart(db: Knex, after: AuditPosition, { accountId, forAccount }: EventReader): Promise<EventPart> {
  const select = () => db('audit_log').select<PlaceRow[]>('id', 'seq', db.raw(`${beginning('chain_hash')} AS hash`))
  const inWindow = [after.seq + 1, after.seq + WINDOW] as const
  const last = await select().whereBetween('seq', inWindow).orderBy('seq', 'desc').first()
  if (!last) return { events: [], end: after, isMore: false }
  const own = select().whereBetween('seq', [inWindow[0], last.seq])
  if (accountId !== undefined) own.where({ account_id: accountId })
  const places: PlaceRow[] = await own.orderBy('seq').limit(PART)
  if (places.length === 0) return { events: [], end: last, isMore: true }
  const page = selectAudit(db).whereIn(
    'id',
    places.map(({ id }) => id),
  )
  const records = new Map((await recordsOf(db, page, forAccount)).map((record) => [record.id, record]))
  const events = places.flatMap(({ id, ...position }) => {
    const record = records.get(id)
    return record ? [{ position, record }] : []
  })
  return { events, end: places.length < PART ? last : places.at(-1)!, isMore: true }
}

/**
 * The next events, in the order of the chain.
 * @throws KeywrightError `conflict` (events that were not read were deleted by age, or the database was set back)
 */
export async function readEventsAfter(db: Knex, after: AuditPosition, reader: EventReader): Promise<EventPart> {
  const before = await readPosition(db, after.seq)
  checkPosition(before, after)
  if (before.head_seq === after.seq) return { events: [], end: after, isMore: false }
  const part = await readPart(db, after, reader)
  // Events that were deleted while the part was read would be missing in it.
  checkPosition(await readPosition(db, after.seq), after)
  return part
}
