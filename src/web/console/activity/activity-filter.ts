import type { ActivityFilter } from '../../../management/activity-operations.ts'
import { invalidInput } from '../../../shared/errors.ts'
import { accountIn } from '../kit/account-filter.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { dayIn, givenIn } from '../kit/query-fields.ts'

const DAY = 24 * 3_600_000

/** Prefix of an action name. */
const KIND = /^[a-z_]{1,40}(\.[a-z_]{0,40})?$/

/** @throws KeywrightError `invalid_input` */
function kindIn({ query }: ConsoleCall): string | undefined {
  const kind = givenIn(query, 'kind')
  if (kind !== undefined && !KIND.test(kind)) throw invalidInput('unknown action', 'kind')
  return kind
}

/** The exclusive end: the day after `to`. */
function endIn({ query }: ConsoleCall): Date | undefined {
  const last = dayIn(query, 'to')
  return last && new Date(last.getTime() + DAY)
}

/** The filter in the query. @throws KeywrightError `invalid_input` */
export const activityFilterIn = (call: ConsoleCall): ActivityFilter => ({
  actions: kindIn(call),
  actor: givenIn(call.query, 'by'),
  target: givenIn(call.query, 'target'),
  ip: givenIn(call.query, 'address'),
  from: dayIn(call.query, 'from'),
  to: endIn(call),
  accountId: accountIn(call),
})
