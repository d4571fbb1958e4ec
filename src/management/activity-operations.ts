import { PERMISSIONS } from '../accounts/permissions.ts'
import { type AuditFilter, type AuditRecord, exportAudit, listAudit } from '../audit/audit-query.ts'
import { isId } from '../shared/ids.ts'
import { visibleRecord } from './attribute-changes.ts'
import { operation } from './operation.ts'
import { cursorIn, DEFAULT_LIMIT, type PageOf, type PageRequest, pageOf } from './paging.ts'
import type { Principal } from './principal.ts'
import { accountInScope } from './tenant-isolation.ts'

export type { AuditRecord } from '../audit/audit-query.ts'

/** Selects audit events by action, actor, target, IP address and time. */
export interface ActivityFilter extends Omit<AuditFilter, 'accountId' | 'forAccount'> {
  /** Absent: the principal's own account, or all accounts for an operator. */
  readonly accountId?: string | undefined
}

/** Limits the filter to the account of an admin, who sees the actor only if it belongs to that account. */
function toAuditFilter(principal: Principal, { accountId, ...filter }: ActivityFilter): AuditFilter {
  return { ...filter, accountId: accountInScope(principal, accountId), forAccount: principal.role !== 'operator' }
}

/** Newest first. */
export const listActivity = operation<ActivityFilter & PageRequest, PageOf<AuditRecord>>(
  PERMISSIONS.viewActivity,
  async ({ knex }, principal, { after, before, limit = DEFAULT_LIMIT, counted: _, ...filter }) => {
    const request = { after, before, limit }
    const cursor = cursorIn(request, [() => true, isId])
    const from = cursor && { at: cursor.values[0]!, id: cursor.values[1]! }
    const side = cursor?.isBackward ? { after: from } : { before: from }
    const records = await listAudit(knex, toAuditFilter(principal, filter), { ...side, limit: limit + 1 })
    const rows = records.map((record) => ({
      cursor_values: [record.place, record.id],
      record: visibleRecord(record, principal),
    }))
    return pageOf(cursor?.isBackward ? rows.toReversed() : rows, request, cursor, ({ record }) => record)
  },
)

async function* visibleRecords(records: AsyncIterable<AuditRecord>, principal: Principal) {
  for await (const record of records) yield visibleRecord(record, principal)
}

/** All matching events, newest first; pages are read as the caller iterates. */
export const exportActivity = operation<ActivityFilter, AsyncIterable<AuditRecord>>(
  PERMISSIONS.viewActivity,
  async ({ knex }, principal, filter) => visibleRecords(exportAudit(knex, toAuditFilter(principal, filter)), principal),
)
