import { USER_ATTRIBUTES } from '../../../accounts/user-attributes.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import { searchUsers } from '../../../management/user-list.ts'
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
import { scimTokensPath } from './scim-token-pages.ts'
import { userPath, userStatusBadge } from './user-texts.ts'

const { role: ROLE, accountId: ACCOUNT_ID, status: STATUS } = USER_ATTRIBUTES

const columnsFor = (t: ConsoleTranslate, isOperator: boolean): Column[] => [
  { heading: t('User'), sort: 'name' },
  ...(isOperator ? [{ heading: t.declared(ACCOUNT_ID.label) }] : []),
  { heading: t.declared(ROLE.label), short: true },
  { heading: t.declared(STATUS.label) },
  { heading: t('Last sign-in') },
  { heading: t('Added'), sort: '-added', wideOnly: true },
]

const accountCell = (t: ConsoleTranslate, { accountId, accountName }: UserSummary): Cell =>
  accountId === null ? quietCell(t('no account')) : linkCell(accountName ?? accountId, `/accounts/${accountId}`)

function rowOf(t: ConsoleTranslate, user: UserSummary, isOperator: boolean): Cell[] {
  const { tone, text } = userStatusBadge(t, user)
  return [
    linkCell(displayName(user), userPath(user.id), user.name === null ? undefined : user.email),
    ...(isOperator ? [accountCell(t, user)] : []),
    textCell(valueText(t, ROLE, user.role)),
    badgeCell(tone, text),
    timeCell(user.lastSignedInAt),
    timeCell(user.createdAt),
  ]
}

/** The SCIM tokens of the account; operators see them from the users of one account. */
const scimTokensAction = (t: ConsoleTranslate, isOperator: boolean, accountId: string | undefined) =>
  isOperator && accountId === undefined ? [] : [{ href: scimTokensPath(accountId), label: t('SCIM tokens') }]

/** The users of the account; for operators all users. */
export async function showUsers(call: ConsoleCall): Promise<void> {
  const { management, who, query, show, t } = call
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
      title: t('Users'),
      notices: {
        deleting: t('The user is being deleted, and their personal data erased. This can take a few minutes.'),
        removed: t('User removed from the account.'),
      },
      lead: isOperator ? t('All users of this instance.') : t('Users of your account and their roles.'),
      actions: [
        ...scimTokensAction(t, isOperator, accountId),
        { href: invite, label: t('Invite user'), primary: true },
      ],
    },
    {
      caption: t('Users'),
      columns: columnsFor(t, isOperator),
      rows: items.map((user) => rowOf(t, user, isOperator)),
      empty: {
        title: t('No users yet'),
        text: t('Invite the first user.'),
        action: { href: invite, label: t('Invite user') },
      },
      search: {
        path: '/users',
        query,
        placeholder: t('Name or email address'),
        filters: [
          choiceFilter(t, 'role', ROLE, 'All roles', isOperator),
          choiceFilter(t, 'status', STATUS, 'All statuses', isOperator),
          ...accountFilter(call, items),
        ],
      },
      sort,
      page: part,
    },
  )
  show(page)
}
