import type { Knex } from 'knex'
import { emailKey } from '../shared/email-addresses.ts'
import { invalidInput } from '../shared/errors.ts'
import { isId } from '../shared/ids.ts'
import type { Actor } from './audit-log.ts'
import { type ActorVisibility, actorVisibility, asUuid, onlyVisibleActors } from './audit-visibility.ts'

/** Who did something, or what it was done to. */
interface Named<Type, Id> {
  readonly type: Type
  readonly id: Id
  /** A user's email address, or the name of a client or account; null: none, deleted, or hidden from the reader. */
  readonly label: string | null
}

export interface AuditRecord {
  readonly id: string
  readonly at: Date
  /** `at` to the microsecond, for the cursor: a `Date` would lose them, and entries with them. */
  readonly place: string
  readonly action: string
  /** Of an operator, for an account's admin: the label is `Operator`, without an id. */
  readonly actor: Named<Actor['type'], string | null>
  readonly accountId: string | null
  readonly accountName: string | null
  readonly target: Named<string, string>
  readonly ip: string | null
  readonly requestId: string | null
  readonly detail: Readonly<Record<string, unknown>>
  /** Whether a person of the entry's own account did it, who is still there. */
  readonly isByOwnUser: boolean
  /** Of a client that it was done to: `application`, `key_pair` or `api`. */
  readonly targetKind: string | null
  /** Its place in the chain; null in the second before it is sealed. */
  readonly seq: number | null
}

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

interface AuditRow {
  id: string
  at: Date
  place: string
  action: string
  actor_type: Actor['type']
  actor_id: string | null
  actor_label: string | null
  is_by_own_user: boolean
  visibility: ActorVisibility
  account_id: string | null
  account_name: string | null
  target_type: string
  target_id: string
  target_label: string | null
  target_kind: string | null
  ip: string | null
  request_id: string | null
  detail: Record<string, unknown>
  seq: number | null
}

/** As an account's admin reads it: an id of a user of another account is the subject that the application was given. */
function hideActor(record: AuditRecord, visibility: ActorVisibility): AuditRecord {
  if (visibility === 'own') return record
  const { actor, detail } = record
  if (visibility === 'other') return { ...record, actor: { ...actor, label: null }, ip: null }
  const { through: _, ...rest } = detail
  return { ...record, actor: { ...actor, id: null, label: 'Operator' }, ip: null, detail: rest }
}

const toRecord = (row: AuditRow): AuditRecord => ({
  id: row.id,
  at: row.at,
  place: row.place,
  action: row.action,
  actor: { type: row.actor_type, id: row.actor_id, label: row.actor_label },
  accountId: row.account_id,
  accountName: row.account_name,
  target: { type: row.target_type, id: row.target_id, label: row.target_label },
  ip: row.ip,
  requestId: row.request_id,
  detail: row.detail,
  isByOwnUser: row.is_by_own_user,
  targetKind: row.target_kind,
  seq: row.seq,
})

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

function narrowByActor(query: Knex.QueryBuilder, actor: string): void {
  if (!actor.includes('@')) query.where('actor_id', actor)
  else query.whereRaw('actor_id = (SELECT u.id::text FROM users u WHERE u.email_key = ?)', [emailKey(actor)])
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
  if (filter.actor !== undefined) narrowByActor(query, filter.actor)
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

// The names are looked up for the entries of the page alone.
const asId = (of: string, type: string): string => asUuid('l', of, type)

const withNames = (page: Knex.QueryBuilder, db: Knex) =>
  db
    .from(page.as('l'))
    .joinRaw('LEFT JOIN accounts a ON a.id = l.account_id')
    .joinRaw(`LEFT JOIN users au ON au.id = ${asId('actor', 'user')}`)
    .joinRaw(`LEFT JOIN clients ac ON l.actor_type = 'client' AND ac.client_id = l.actor_id`)
    .joinRaw(`LEFT JOIN users tu ON tu.id = ${asId('target', 'user')}`)
    .joinRaw(`LEFT JOIN clients tc ON l.target_type = 'client' AND tc.client_id = l.target_id`)
    .joinRaw(`LEFT JOIN accounts ta ON ta.id = ${asId('target', 'account')}`)
    .orderBy([
      { column: 'l.at', order: 'desc' },
      { column: 'l.id', order: 'desc' },
    ])
    .select<AuditRow[]>(
      'l.*',
      db.raw(`to_char(l.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS place`),
      'a.name as account_name',
      db.raw('coalesce(au.account_id = l.account_id, false) AS is_by_own_user'),
      'tc.kind as target_kind',
      db.raw(`${actorVisibility('l', 'au', 'ac')} AS visibility`),
      db.raw('coalesce(au.email, ac.name) AS actor_label'),
      db.raw('coalesce(tu.email, tc.name, ta.name) AS target_label'),
    )

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
  const page = db('audit_log')
    .select('id', 'at', 'action', 'actor_type', 'actor_id', 'account_id', 'target_type', 'target_id')
    .select('ip', 'request_id', 'detail', 'seq')
    .orderBy([
      { column: 'at', order },
      { column: 'id', order },
    ])
    .limit(limit)
  narrow(page, filter)
  if (before) beginAt(page, before, 'after')
  if (after) beginAt(page, after, 'before')
  const rows = await withNames(page, db)
  return rows.map((row) => (filter.forAccount ? hideActor(toRecord(row), row.visibility) : toRecord(row)))
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
