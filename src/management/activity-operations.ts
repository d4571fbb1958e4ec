import { type AuditFilter, type AuditRecord, exportAudit, listAudit } from '../audit/audit-query.ts'
import { isId } from '../shared/ids.ts'
import { operation } from './operation.ts'
import { cursorIn, DEFAULT_LIMIT, type PageOf, type PageRequest, pageOf } from './paging.ts'
import { accountInScope } from './tenant-isolation.ts'

export type { AuditRecord } from '../audit/audit-query.ts'

/** What was done by whom to what, from where, and when. */
export interface ActivityFilter extends Omit<AuditFilter, 'accountId' | 'forAccount'> {
  /** Absent: the caller's own, or for an operator every one. */
  readonly accountId?: string | undefined
}

/** An account's admins see what was done in their account, and who did it where that is one of them. */
function within(who: Parameters<typeof accountInScope>[0], { accountId, ...filter }: ActivityFilter): AuditFilter {
  return { ...filter, accountId: accountInScope(who, accountId), forAccount: who.role !== 'operator' }
}

/** Newest first. */
export const listActivity = operation<ActivityFilter & PageRequest, PageOf<AuditRecord>>(
  { role: 'admin', scope: 'activity:read' },
  async ({ knex }, who, { after, before, limit = DEFAULT_LIMIT, counted: _, ...filter }) => {
    const request = { after, before, limit }
    const cursor = cursorIn(request, [() => true, isId])
    const from = cursor && { at: cursor.place[0]!, id: cursor.place[1]! }
    const side = cursor?.isBackward ? { after: from } : { before: from }
    const records = await listAudit(knex, within(who, filter), { ...side, limit: limit + 1 })
    const rows = records.map((record) => ({ place: [record.place, record.id], record }))
    return pageOf(cursor?.isBackward ? rows.toReversed() : rows, request, cursor, ({ record }) => record)
  },
)

/** All of it, newest first, read a page at a time as the caller takes it. */
export const exportActivity = operation<ActivityFilter, AsyncIterable<AuditRecord>>(
  { role: 'admin', scope: 'activity:read' },
  async ({ knex }, who, filter) => exportAudit(knex, within(who, filter)),
)
