import type { Knex } from 'knex'
import { IS_ERASED } from './audit-commitments.ts'
import type { Actor } from './audit-log.ts'
import { type ActorVisibility, actorVisibility, asUuid } from './audit-visibility.ts'

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
  /** Of a client that did it: `application`, `key_pair` or `api`. */
  readonly actorKind: string | null
  /** Of a client that it was done to: `application`, `key_pair` or `api`. */
  readonly targetKind: string | null
  /**
   * Its place in the chain; null in the second before it is sealed, and for an account's admin, whom the numbers would tell how much
   * other accounts do.
   */
  readonly seq: number | null
  /** Whether a personal field was erased, because its user was deleted. */
  readonly isErased: boolean
}

interface AuditRow {
  id: string
  at: Date
  place: string
  action: string
  actor_type: Actor['type']
  actor_id: string | null
  actor_label: string | null
  actor_kind: string | null
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
  personal: string | null
  is_erased: boolean
  seq: number | null
}

/** An id of a user of another account is the subject that the application was given. */
function hideActor(record: AuditRecord, visibility: ActorVisibility): AuditRecord {
  if (visibility === 'own') return record
  const { actor, detail } = record
  if (visibility === 'other') return { ...record, actor: { ...actor, label: null }, ip: null, isErased: false }
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
  detail: row.personal === null ? row.detail : { ...row.detail, ...JSON.parse(row.personal) },
  isByOwnUser: row.is_by_own_user,
  actorKind: row.actor_kind,
  targetKind: row.target_kind,
  seq: row.seq,
  isErased: row.is_erased,
})

/** As an admin of the account reads it. */
const forAdmin = (row: AuditRow): AuditRecord => ({ ...hideActor(toRecord(row), row.visibility), seq: null })

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
    .joinRaw(`LEFT JOIN identity_providers ti ON ti.id = ${asId('target', 'identity_provider')}`)
    .joinRaw(`LEFT JOIN webhooks tw ON tw.id = ${asId('target', 'webhook')}`)
    .orderBy([
      { column: 'l.at', order: 'desc' },
      { column: 'l.id', order: 'desc' },
    ])
    .select<AuditRow[]>(
      'l.*',
      db.raw(`to_char(l.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS place`),
      'a.name as account_name',
      db.raw('coalesce(au.account_id = l.account_id, false) AS is_by_own_user'),
      'ac.kind as actor_kind',
      'tc.kind as target_kind',
      db.raw(`${actorVisibility('l', 'au', 'ac')} AS visibility`),
      db.raw('coalesce(au.email, ac.name) AS actor_label'),
      db.raw('coalesce(tu.email, tc.name, ta.name, tw.name, ti.name) AS target_label'),
    )

/** A selection of events, without their names. */
export const selectAudit = (db: Knex): Knex.QueryBuilder =>
  db('audit_log')
    .select('id', 'at', 'action', 'actor_type', 'actor_id', 'account_id', 'target_type', 'target_id')
    .select('ip', 'request_id', 'detail', 'personal', 'seq', db.raw(`${IS_ERASED} AS is_erased`))

/** SQL: an event with its names as JSON, null: there is none. @param id SQL of its ID, of an enclosing query */
export const eventAsJson = (db: Knex, id: string): Knex.QueryBuilder =>
  db.from(withNames(selectAudit(db).whereRaw(`id = ${id}`), db).as('event')).select(db.raw('row_to_json(event)'))

/** The event that `eventAsJson` selected. @param forAccount whether an admin of the account reads it */
export function recordFromJson(json: object, forAccount: boolean): AuditRecord {
  const row = json as Omit<AuditRow, 'at'> & { readonly at: string }
  return (forAccount ? forAdmin : toRecord)({ ...row, at: new Date(row.at) })
}

/** The selected events with their names, newest first. @param forAccount whether an admin of the account reads them */
export async function recordsOf(db: Knex, page: Knex.QueryBuilder, forAccount = false): Promise<AuditRecord[]> {
  const rows = await withNames(page, db)
  return rows.map(forAccount ? forAdmin : toRecord)
}
