import { exportActivity, listActivity } from '../../../management/activity-operations.ts'
import type { ConsoleRoute } from '../kit/console-route.ts'
import { exportActs } from './activity-export.ts'
import { showActivity } from './activity-page.ts'

export const ACTIVITY_PAGES: readonly ConsoleRoute[] = [
  { method: 'get', path: '/activity', need: listActivity.need, handle: showActivity },
  { method: 'get', path: '/activity/export.jsonl', need: exportActivity.need, handle: exportActs },
]
