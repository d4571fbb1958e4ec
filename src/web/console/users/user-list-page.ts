import { searchUsers, type UserSummary } from '../../../management/user-operations.ts'
import { accountFilter, accountIn } from '../kit/account-filter.ts'
import { badgeCell, type Cell, linkCell, quietCell, textCell, timeCell } from '../kit/cells.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { displayName } from '../kit/display-name.ts'
import { type Column, type Filter, listPage } from '../kit/list-page.ts'
import { choiceIn, givenIn, pageIn, sortIn } from '../kit/query-fields.ts'
import { ROLE_NAMES, userPath, userStatusBadge } from './user-texts.ts'

const ROLES = ['admin', 'member', 'operator'] as const
const STATUSES = ['active', 'disabled'] as const

const roleFilter = (isOperator: boolean): Filter => ({
  name: 'role',
  label: 'Role',
  choices: [
    { value: '', label: 'All roles' },
    { value: 'admin', label: 'Admins' },
    { value: 'member', label: 'Members' },
    ...(isOperator ? [{ value: 'operator', label: 'Operators' }] : []),
  ],
})

const STATUS_FILTER: Filter = {
  name: 'status',
  label: 'Status',
  choices: [
    { value: '', label: 'All statuses' },
    { value: 'active', label: 'Active' },
    { value: 'disabled', label: 'Disabled' },
  ],
}

const ACCOUNT: Column = { heading: 'Account' }

const columnsFor = (isOperator: boolean): Column[] => [
  { heading: 'User', sort: 'name' },
  ...(isOperator ? [ACCOUNT] : []),
  { heading: 'Role', short: true },
  { heading: 'Status' },
  { heading: 'Last sign-in' },
  { heading: 'Added', sort: '-added', wideOnly: true },
]

const accountCell = ({ accountId, accountName }: UserSummary): Cell =>
  accountId === null ? quietCell('none') : linkCell(accountName ?? accountId, `/accounts/${accountId}`)

function rowOf(user: UserSummary, isOperator: boolean): Cell[] {
  const { tone, text } = userStatusBadge(user)
  return [
    linkCell(displayName(user), userPath(user.id), user.name === null ? undefined : user.email),
    ...(isOperator ? [accountCell(user)] : []),
    textCell(ROLE_NAMES[user.role]),
    badgeCell(tone, text),
    timeCell(user.lastSignedInAt),
    timeCell(user.createdAt),
  ]
}

/** The users of the account; for operators all users. */
export async function showUsers(call: ConsoleCall): Promise<void> {
  const { management, who, query, show } = call
  const isOperator = who.role === 'operator'
  const accountId = accountIn(call)
  const sort = sortIn(query, ['name', 'added'], 'name')
  const { items, ...part } = await searchUsers(management, who, {
    search: givenIn(query, 'search'),
    role: choiceIn(query, 'role', ROLES),
    status: choiceIn(query, 'status', STATUSES),
    accountId,
    sort,
    ...pageIn(query),
  })
  const invite = `/users/invite${accountId === undefined ? '' : `?account=${accountId}`}`
  const page = listPage(
    {
      title: 'Users',
      lead: isOperator ? 'All users of this instance.' : 'Users of your account and their roles.',
      actions: [{ href: invite, label: 'Invite user', primary: true }],
    },
    {
      caption: 'Users',
      columns: columnsFor(isOperator),
      rows: items.map((user) => rowOf(user, isOperator)),
      empty: {
        title: 'No users yet',
        text: 'Invite the first user.',
        action: { href: invite, label: 'Invite user' },
      },
      search: {
        path: '/users',
        query,
        placeholder: 'Name or email address',
        filters: [roleFilter(isOperator), STATUS_FILTER, ...accountFilter(call, items)],
      },
      sort,
      page: part,
    },
  )
  show(page)
}
