import { Readable } from 'node:stream'
import { auditLine } from '../../../audit/audit-lines.ts'
import { type AuditRecord, exportActivity } from '../../../management/activity-operations.ts'
import { setPageHeaders } from '../../page-headers.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { activityFilterIn } from './activity-filter.ts'

/** Continues an iterator whose first result is already read, and closes it when the reader stops. */
async function* linesOf(first: IteratorResult<AuditRecord>, rest: AsyncIterator<AuditRecord>): AsyncGenerator<string> {
  try {
    for (let next = first; !next.done; next = await rest.next()) yield `${auditLine(next.value)}\n`
  } finally {
    await rest.return?.()
  }
}

/**
 * Streams the matching audit events as JSON Lines. The next page of events is read after the previous one was sent, so that the
 * log may exceed memory. The first event is read before the response starts, so that an invalid filter still gets an error page.
 */
export async function exportActivityPage(call: ConsoleCall): Promise<void> {
  const { management, who, ctx } = call
  const records = await exportActivity(management, who, activityFilterIn(call))
  const iterator = records[Symbol.asyncIterator]()
  const first = await iterator.next()
  setPageHeaders(ctx)
  ctx.attachment(`activity-${new Date().toISOString().slice(0, 10)}.jsonl`)
  // After `attachment`, which sets a type from the file name.
  ctx.type = 'application/jsonl; charset=utf-8'
  ctx.body = Readable.from(linesOf(first, iterator))
}
