import { auditLine } from '../../../audit/audit-lines.ts'
import { exportActivity } from '../../../management/activity-operations.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { download } from '../kit/line-download.ts'
import { activityFilterIn } from './activity-filter.ts'

/** Streams the matching audit events as JSON Lines. */
export async function exportActivityPage(call: ConsoleCall): Promise<void> {
  const rows = await exportActivity(call.management, call.who, activityFilterIn(call))
  await download(call, { name: 'activity', extension: 'jsonl', rows, toLine: (record) => `${auditLine(record)}\n` })
}
