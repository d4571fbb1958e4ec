import { Readable } from 'node:stream'
import { auditLine } from '../../../audit/audit-lines.ts'
import { type AuditRecord, exportActivity } from '../../../management/activity-operations.ts'
import { setPageHeaders } from '../../page-headers.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { activityFilterIn } from './activity-filter.ts'

/** Goes on with records whose first was taken already; ends their reading when nobody takes more. */
async function* linesOf(first: IteratorResult<AuditRecord>, rest: AsyncIterator<AuditRecord>): AsyncGenerator<string> {
  try {
    for (let next = first; !next.done; next = await rest.next()) yield `${auditLine(next.value)}\n`
  } finally {
    await rest.return?.()
  }
}

/**
 * The acts that meet the filter, one JSON object a line: a page of them is read when the one before was sent, so that the
 * log may be longer than memory. The first is read before anything is answered, so that a wrong filter still gets a page.
 */
export async function exportActivityPage(call: ConsoleCall): Promise<void> {
  const { management, who, ctx } = call
  const records = await exportActivity(management, who, activityFilterIn(call))
  const iterator = records[Symbol.asyncIterator]()
  const first = await iterator.next()
  setPageHeaders(ctx)
  ctx.attachment(`activity-${new Date().toISOString().slice(0, 10)}.jsonl`)
  // Only now: the line before chooses one by the file's name.
  ctx.type = 'application/jsonl; charset=utf-8'
  ctx.body = Readable.from(linesOf(first, iterator))
}
