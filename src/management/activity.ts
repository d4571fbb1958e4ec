import { type AuditFilter, type AuditRecord, exportAudit, listAudit } from '../audit/audit-query.ts'
import { isId } from '../shared/ids.ts'
import { operation } from './operation.ts'
import { DEFAULT_LIMIT, fromCursor, isAnyText, type PageOf, type PageRequest, pageOf } from './paging.ts'
import { accountWithin } from './walls.ts'

export type { AuditRecord } from '../audit/audit-query.ts'

/** What was done by whom to what, from where, and when. */
export interface ActivityFilter extends Omit<AuditFilter, 'accountId' | 'forAccount'> {
  /** Absent: the caller's own, or for an operator every one. */
  readonly accountId?: string | undefined
}

/** An account's admins see what was done in their account, and who did it where that is one of them. */
function within(who: Parameters<typeof accountWithin>[0], { accountId, ...filter }: ActivityFilter): AuditFilter {
  return { ...filter, accountId: accountWithin(who, accountId), forAccount: who.role !== 'operator' }
}

function placeIn(after: string): { at: string; id: string } {
  const [at, id] = fromCursor(after, isAnyText, isId)
  return { at: at!, id: id! }
}

/** Newest first. */
export const listActivity = operation<ActivityFilter & PageRequest, PageOf<AuditRecord>>(
  { role: 'admin', scope: 'activity:read' },
  async ({ knex }, who, { after, limit = DEFAULT_LIMIT, ...filter }) => {
    const before = after === undefined ? undefined : placeIn(after)
    const records = await listAudit(knex, within(who, filter), { ...(before && { before }), limit: limit + 1 })
    return pageOf(
      records,
      limit,
      (record) => record,
      (record) => [record.place, record.id],
    )
  },
)

/** All of it, newest first, read a page at a time as the caller takes it. */
export const exportActivity = operation<ActivityFilter, AsyncIterable<AuditRecord>>(
  { role: 'admin', scope: 'activity:read' },
  async ({ knex }, who, filter) => exportAudit(knex, within(who, filter)),
)
