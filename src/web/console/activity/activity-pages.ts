import { exportActivity, listActivity } from '../../../management/activity-operations.ts'
import type { ConsoleRoute } from '../kit/console-route.ts'
import { exportActivityPage } from './activity-export.ts'
import { showActivity } from './activity-page.ts'

export const ACTIVITY_PAGES: readonly ConsoleRoute[] = [
  { method: 'get', path: '/activity', permission: listActivity.permission, handle: showActivity },
  { method: 'get', path: '/activity/export.jsonl', permission: exportActivity.permission, handle: exportActivityPage },
]
