import { readUser } from '../../../management/user-operations.ts'
import { invalidInput } from '../../../shared/errors.ts'
import { isId } from '../../../shared/ids.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { displayName } from '../kit/display-name.ts'
import type { Filter } from '../kit/list-page.ts'
import { givenIn } from '../kit/query-fields.ts'

/** The field of the address that narrows the list of applications to those that one user added. */
const ADDED_BY = 'added_by'

/** @throws KeywrightError `invalid_input` */
export function createdByIn({ query }: Pick<ConsoleCall, 'query'>): string | undefined {
  const userId = givenIn(query, ADDED_BY)
  if (userId !== undefined && !isId(userId)) throw invalidInput('this is not a user ID', ADDED_BY)
  return userId
}

/** The way back to all applications; the page of a user links to their part. @throws KeywrightError `not_found` */
export async function creatorFilter(call: ConsoleCall): Promise<Filter[]> {
  const userId = createdByIn(call)
  if (userId === undefined) return []
  const { management, who, t } = call
  const name = displayName(await readUser(management, who, { userId }))
  const choices = [
    { value: '', label: t('Created by any user') },
    { value: userId, label: t('Created by {name}', { name }) },
  ]
  return [{ name: ADDED_BY, label: t('Created by'), choices }]
}
