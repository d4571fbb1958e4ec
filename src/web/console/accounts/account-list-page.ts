import { ACCOUNT_STATUS_ATTRIBUTES } from '../../../accounts/account-attributes.ts'
import { toConsoleEnglish } from '../../../languages/console/console-translator.ts'
import { type AccountSummary, listAccounts } from '../../../management/account-operations.ts'
import { choiceValues } from '../../../shared/attributes.ts'
import { valueText } from '../kit/attribute-facts.ts'
import { badgeCell, boundedCell, type Cell, linkCell, timeCell } from '../kit/cells.ts'
import { choiceFilter } from '../kit/choice-filter.ts'
import type { Badge } from '../kit/console-page.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { listPage } from '../kit/list-page.ts'
import { choiceIn, givenIn, pageIn, sortIn } from '../kit/query-fields.ts'

const { status: STATUS, apiEnabled: API_ENABLED } = ACCOUNT_STATUS_ATTRIBUTES

export function accountStatusBadge({ status, apiEnabled }: Pick<AccountSummary, 'status' | 'apiEnabled'>): Badge {
  const text = valueText(toConsoleEnglish(), STATUS, status)
  if (status === 'deleting') return { tone: 'neutral', text }
  if (status === 'disabled') return { tone: 'error', text }
  if (apiEnabled) return { tone: 'success', text }
  return {
    tone: 'warning',
    text: `${API_ENABLED.label} ${valueText(toConsoleEnglish(), API_ENABLED, false).toLowerCase()}`,
  }
}

function rowOf(account: AccountSummary): Cell[] {
  const { tone, text } = accountStatusBadge(account)
  return [
    linkCell(account.name, `/accounts/${account.id}`),
    badgeCell(tone, text),
    boundedCell(account.users),
    boundedCell(account.applications),
    timeCell(account.createdAt),
  ]
}

const NOTICES = {
  deleting: 'The account is being deleted with its users and applications. This can take a few minutes.',
}

/** The list of all accounts. */
export async function showAccounts({ management, who, query, show }: ConsoleCall): Promise<void> {
  const sort = sortIn(query, ['name', 'added'], 'name')
  const { items, ...part } = await listAccounts(management, who, {
    search: givenIn(query, 'search'),
    status: choiceIn(query, 'status', choiceValues(STATUS)),
    sort,
    ...pageIn(query),
  })
  const add = { href: '/accounts/new', label: 'Add account', primary: true }
  const page = listPage(
    { title: 'Accounts', lead: 'Enterprise customers of this instance.', actions: [add], notices: NOTICES },
    {
      caption: 'Accounts',
      columns: [
        { heading: 'Account', sort: 'name' },
        { heading: STATUS.label },
        { heading: 'Users', numeric: true },
        { heading: 'Applications', numeric: true },
        { heading: 'Added', sort: '-added' },
      ],
      rows: items.map(rowOf),
      empty: { title: 'No accounts yet', text: 'Add an account, then invite its first admin.', action: add },
      search: {
        path: '/accounts',
        query,
        placeholder: 'Name or ID',
        filters: [choiceFilter(toConsoleEnglish(), 'status', STATUS, 'All statuses', true)],
      },
      sort,
      page: part,
    },
  )
  show(page)
}
