import { ACCOUNT_STATUS_ATTRIBUTES } from '../../../accounts/account-attributes.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import { type AccountSummary, listAccounts } from '../../../management/account-operations.ts'
import { choiceValues } from '../../../shared/attributes.ts'
import { valueText } from '../kit/attribute-facts.ts'
import { badgeCell, boundedCell, type Cell, linkCell, timeCell } from '../kit/cells.ts'
import { choiceFilter } from '../kit/choice-filter.ts'
import type { Badge } from '../kit/console-page.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { listPage } from '../kit/list-page.ts'
import { choiceIn, givenIn, pageIn, sortIn } from '../kit/query-fields.ts'

const { status: STATUS } = ACCOUNT_STATUS_ATTRIBUTES

export function accountStatusBadge(
  t: ConsoleTranslate,
  { status, apiEnabled }: Pick<AccountSummary, 'status' | 'apiEnabled'>,
): Badge {
  const text = valueText(t, STATUS, status)
  if (status === 'deleting') return { tone: 'neutral', text }
  if (status === 'disabled') return { tone: 'error', text }
  if (apiEnabled) return { tone: 'success', text }
  return { tone: 'warning', text: t('API disabled') }
}

function rowOf(t: ConsoleTranslate, account: AccountSummary): Cell[] {
  const { tone, text } = accountStatusBadge(t, account)
  return [
    linkCell(account.name, `/accounts/${account.id}`),
    badgeCell(tone, text),
    boundedCell(account.users),
    boundedCell(account.applications),
    timeCell(account.createdAt),
  ]
}

const noticesIn = (t: ConsoleTranslate) => ({
  deleting: t('The account is being deleted with its users and applications. This can take a few minutes.'),
})

/** The list of all accounts. */
export async function showAccounts({ management, who, query, show, t }: ConsoleCall): Promise<void> {
  const sort = sortIn(query, ['name', 'added'], 'name')
  const { items, ...part } = await listAccounts(management, who, {
    search: givenIn(query, 'search'),
    status: choiceIn(query, 'status', choiceValues(STATUS)),
    sort,
    ...pageIn(query),
  })
  const add = { href: '/accounts/new', label: t('Add account'), primary: true }
  const page = listPage(
    { title: t('Accounts'), lead: t('Enterprise customers of this instance.'), actions: [add], notices: noticesIn(t) },
    {
      caption: t('Accounts'),
      columns: [
        { heading: t('Account'), sort: 'name' },
        { heading: t.declared(STATUS.label) },
        { heading: t('Users'), numeric: true },
        { heading: t('Applications'), numeric: true },
        { heading: t('Added'), sort: '-added' },
      ],
      rows: items.map((account) => rowOf(t, account)),
      empty: { title: t('No accounts yet'), text: t('Add an account, then invite its first admin.'), action: add },
      search: {
        path: '/accounts',
        query,
        placeholder: t('Name, ID or external ID'),
        filters: [choiceFilter(t, 'status', STATUS, 'All statuses', true)],
      },
      sort,
      page: part,
    },
  )
  show(page)
}
