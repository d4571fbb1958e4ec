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
    { value: '', label: 'Every status' },
    { value: 'active', label: 'Active' },
    { value: 'disabled', label: 'Switched off' },
  ],
}

export function accountStatusBadge({ status, apiEnabled }: Pick<AccountSummary, 'status' | 'apiEnabled'>): Badge {
  if (status === 'disabled') return { tone: 'error', text: 'Switched off' }
  return apiEnabled ? { tone: 'success', text: 'Active' } : { tone: 'warning', text: 'API off' }
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

/** Every enterprise of this instance. */
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
    { title: 'Accounts', lead: 'The enterprises whose people and applications use this instance.', actions: [add] },
    {
      caption: 'Accounts',
      columns: [
        { heading: 'Account', sort: 'name' },
        { heading: 'Status' },
        { heading: 'People', numeric: true },
        { heading: 'Applications', numeric: true },
        { heading: 'Added', sort: '-added' },
      ],
      rows: items.map(rowOf),
      empty: { title: 'There are no accounts yet', text: 'Add one, then invite its first admin.', action: add },
      search: { path: '/accounts', query, placeholder: 'Name or id', filters: [STATUS_FILTER] },
      sort,
      page: part,
    },
  )
  show(page)
}
