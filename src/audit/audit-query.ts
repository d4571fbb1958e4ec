import type { Knex } from 'knex'
import { USER_WITH_ADDRESS } from '../database/address-keys.ts'
import { emailKey } from '../shared/email-addresses.ts'
import { invalidInput } from '../shared/errors.ts'
import { isId } from '../shared/ids.ts'
import { type AuditRecord, recordsOf, selectAudit } from './audit-records.ts'
import { onlyVisibleActors } from './audit-visibility.ts'

export type { AuditRecord } from './audit-records.ts'

/** What is asked for; all of it must be met. */
export interface AuditFilter {
  /** For an account's admin this is the wall. */
  readonly accountId?: string | undefined
  /** Whether an admin of the account asks, who reads nothing of people outside it. */
  readonly forAccount?: boolean | undefined
  /** How an action's name begins: `client.` */
  readonly actions?: string | undefined
  /** By id, or a person by their address. */
  readonly actor?: string | undefined
  /** By id. */
  readonly target?: string | undefined
  readonly ip?: string | undefined
  readonly requestId?: string | undefined
  /** Inclusive. */
  readonly from?: Date | undefined
  /** Exclusive. */
  readonly to?: Date | undefined
}

/** A place in the list: that of the last entry of the part before. */
export interface AuditCursor {
  /** A record's `place`; a `Date` for a place of one's own. */
  readonly at: string | Date
  readonly id: string
}

const MOMENT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?Z$/

/** A time that PostgreSQL takes too. @throws KeywrightError `invalid_input` */
function checkTime(at: string | Date, field: string): string {
  const time = new Date(at)
  const isKnown = !Number.isNaN(time.getTime()) && time.getUTCFullYear() > 0 && time.getUTCFullYear() < 10_000
  if (!isKnown) throw invalidInput('this is no time between the years 1 and 9999', field)
  const text = typeof at === 'string' ? at : at.toISOString()
  // JavaScript takes the 31st of February for the 3rd of March, and PostgreSQL for a fault.
  if (!MOMENT.test(text) || text.slice(0, 10) !== time.toISOString().slice(0, 10))
    throw invalidInput('a time is written like 2026-01-31T12:00:00Z', field)
  return text
}

const startingWith = (prefix: string): string => `${prefix.replace(/[\\%_]/g, '\\$&')}%`

const COLUMNS = { target: 'target_id', ip: 'ip', requestId: 'request_id' } as const

function narrowByActor(query: Knex.QueryBuilder, actor: string, account: string | null): void {
  if (!actor.includes('@')) query.where('actor_id', actor)
  else query.whereRaw(`actor_id = CAST(${USER_WITH_ADDRESS} AS text)`, { key: emailKey(actor), account } as never)
}

function narrowToTold(query: Knex.QueryBuilder, { forAccount, actor, ip }: AuditFilter): void {
  if (!forAccount) return
  if (ip !== undefined || actor?.includes('@')) onlyVisibleActors(query, ['own'])
  else if (actor !== undefined) onlyVisibleActors(query, ['own', 'other'])
}

function narrow(query: Knex.QueryBuilder, filter: AuditFilter): void {
  const { accountId, actions, from, to } = filter
  if (accountId !== undefined) {
    if (isId(accountId)) query.where('account_id', accountId)
    else query.whereRaw('false')
  }
  if (actions) query.whereLike('action', startingWith(actions))
  narrowToTold(query, filter)
  if (filter.actor !== undefined)
    narrowByActor(query, filter.actor, accountId !== undefined && isId(accountId) ? accountId : null)
  for (const name of ['target', 'ip', 'requestId'] as const) {
    const wanted = filter[name]
    if (wanted !== undefined) query.where(COLUMNS[name], wanted)
  }
  if (from) query.where('at', '>=', checkTime(from, 'from'))
  if (to) query.where('at', '<', checkTime(to, 'to'))
}

function beginAt(query: Knex.QueryBuilder, { at, id }: AuditCursor, field: 'after' | 'before'): void {
  if (!isId(id)) throw invalidInput('this is no place in this list; begin without it', field)
  const side = field === 'after' ? '<' : '>'
  query.whereRaw(`(at, id) ${side} (?::timestamptz, ?::uuid)`, [checkTime(at, field), id])
}

export interface AuditPart {
  readonly limit: number
  /** The part holds the newest entries that are older than this one. */
  readonly before?: AuditCursor | undefined
  /** The part holds the oldest entries that are newer than this one. */
  readonly after?: AuditCursor | undefined
}

/**
 * Entries, newest first; at most `limit`.
 * @throws KeywrightError `invalid_input`, at the filter's field, or at that of the list's request: `after` for older entries
 */
export async function listAudit(
  db: Knex,
  filter: AuditFilter,
  { before, after, limit }: AuditPart,
): Promise<AuditRecord[]> {
  const order = after ? 'asc' : 'desc'
  const page = selectAudit(db)
    .orderBy([
      { column: 'at', order },
      { column: 'id', order },
    ])
    .limit(limit)
  narrow(page, filter)
  if (before) beginAt(page, before, 'after')
  if (after) beginAt(page, after, 'before')
  return await recordsOf(db, page, filter.forAccount)
}

/** An entry may be of 8 KB. */
const EXPORT_PAGE = 200

/** All entries that meet the filter, newest first, in pages: no statement and no transaction is long. */
export async function* exportAudit(db: Knex, filter: AuditFilter): AsyncGenerator<AuditRecord> {
  let before: AuditCursor | undefined
  for (;;) {
    const records: AuditRecord[] = await listAudit(db, filter, { before, limit: EXPORT_PAGE })
    yield* records
    const last = records.at(-1)
    if (!last || records.length < EXPORT_PAGE) return
    before = { at: last.place, id: last.id }
  }
}
