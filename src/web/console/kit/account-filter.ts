import { invalidInput } from '../../../shared/errors.ts'
import { isId } from '../../../shared/ids.ts'
import type { ConsoleCall } from './console-route.ts'
import type { Filter } from './list-page.ts'
import { givenIn } from './query-fields.ts'

/** The field of the address that narrows an operator's list to one account. */
const ACCOUNT = 'account'

/** @throws KeywrightError `invalid_input` */
export function accountIn({ query }: Pick<ConsoleCall, 'query'>): string | undefined {
  const accountId = givenIn(query, ACCOUNT)
  if (accountId !== undefined && !isId(accountId)) throw invalidInput('this is not an account ID', ACCOUNT)
  return accountId
}

interface OfAccount {
  readonly accountId: string | null
  readonly accountName: string | null
}

/**
 * The way back from one account's part of a list to all of it; a page links to an account's part, nobody chooses it from
 * a hundred thousand.
 */
export function accountFilter(call: ConsoleCall, items: readonly OfAccount[]): Filter[] {
  const { t } = call
  const accountId = accountIn(call)
  if (accountId === undefined) return []
  const name = items.find((item) => item.accountId === accountId)?.accountName
  return [
    {
      name: ACCOUNT,
      label: t('Account'),
      choices: [
        { value: '', label: t('All accounts') },
        { value: accountId, label: name ?? t('Account {accountId}', { accountId }) },
      ],
    },
  ]
}
