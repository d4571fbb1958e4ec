import { USER_ATTRIBUTES } from '../../../accounts/user-attributes.ts'
import { toConsoleEnglish } from '../../../languages/console/console-translator.ts'
import { searchUsers } from '../../../management/user-operations.ts'
import type { UserSummary } from '../../../management/user-views.ts'
import { choiceValues } from '../../../shared/attributes.ts'
import { accountFilter, accountIn } from '../kit/account-filter.ts'
import { valueText } from '../kit/attribute-facts.ts'
import { badgeCell, type Cell, linkCell, quietCell, textCell, timeCell } from '../kit/cells.ts'
import { choiceFilter } from '../kit/choice-filter.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { displayName } from '../kit/display-name.ts'
import { type Column, listPage } from '../kit/list-page.ts'
import { choiceIn, givenIn, pageIn, sortIn } from '../kit/query-fields.ts'
import { userPath, userStatusBadge } from './user-texts.ts'

const { role: ROLE, accountId: ACCOUNT_ID, status: STATUS } = USER_ATTRIBUTES

const ACCOUNT: Column = { heading: ACCOUNT_ID.label }

const columnsFor = (isOperator: boolean): Column[] => [
  { heading: 'User', sort: 'name' },
  ...(isOperator ? [ACCOUNT] : []),
  { heading: ROLE.label, short: true },
  { heading: STATUS.label },
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
    textCell(valueText(toConsoleEnglish(), ROLE, user.role)),
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
    role: choiceIn(query, 'role', choiceValues(ROLE)),
    status: choiceIn(query, 'status', choiceValues(STATUS)),
    accountId,
    sort,
    ...pageIn(query),
  })
  const invite = `/users/invite${accountId === undefined ? '' : `?account=${accountId}`}`
  const page = listPage(
    {
      title: 'Users',
      notices: { deleting: 'The user is being deleted, and their personal data erased. This can take a few minutes.' },
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
        filters: [
          choiceFilter(toConsoleEnglish(), 'role', ROLE, 'All roles', isOperator),
          choiceFilter(toConsoleEnglish(), 'status', STATUS, 'All statuses', isOperator),
          ...accountFilter(call, items),
        ],
      },
      sort,
      page: part,
    },
  )
  show(page)
}
