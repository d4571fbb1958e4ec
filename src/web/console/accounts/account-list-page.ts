import { type AccountSummary, listAccounts } from '../../../management/account-operations.ts'
import { badgeCell, boundedCell, type Cell, linkCell, timeCell } from '../kit/cells.ts'
import type { Badge } from '../kit/console-page.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { type Filter, listPage } from '../kit/list-page.ts'
import { choiceIn, givenIn, pageIn, sortIn } from '../kit/query-fields.ts'

const STATUS_FILTER: Filter = {
  name: 'status',
  label: 'Status',
  choices: [
    { value: '', label: 'All statuses' },
    { value: 'active', label: 'Active' },
    { value: 'disabled', label: 'Disabled' },
  ],
}

export function accountStatusBadge({ status, apiEnabled }: Pick<AccountSummary, 'status' | 'apiEnabled'>): Badge {
  if (status === 'disabled') return { tone: 'error', text: 'Disabled' }
  return apiEnabled ? { tone: 'success', text: 'Active' } : { tone: 'warning', text: 'API disabled' }
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

/** The list of all accounts. */
export async function showAccounts({ management, who, query, show }: ConsoleCall): Promise<void> {
  const sort = sortIn(query, ['name', 'added'], 'name')
  const { items, ...part } = await listAccounts(management, who, {
    search: givenIn(query, 'search'),
    status: choiceIn(query, 'status', ['active', 'disabled']),
    sort,
    ...pageIn(query),
  })
  const add = { href: '/accounts/new', label: 'Add account', primary: true }
  const page = listPage(
    { title: 'Accounts', lead: 'Enterprise customers of this instance.', actions: [add] },
    {
      caption: 'Accounts',
      columns: [
        { heading: 'Account', sort: 'name' },
        { heading: 'Status' },
        { heading: 'Users', numeric: true },
        { heading: 'Applications', numeric: true },
        { heading: 'Added', sort: '-added' },
      ],
      rows: items.map(rowOf),
      empty: { title: 'No accounts yet', text: 'Add an account, then invite its first admin.', action: add },
      search: { path: '/accounts', query, placeholder: 'Name or ID', filters: [STATUS_FILTER] },
      sort,
      page: part,
    },
  )
  show(page)
}
