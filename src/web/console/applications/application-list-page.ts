import { type ApplicationSummary, listApplications } from '../../../management/application-operations.ts'
import { accountFilter, accountIn } from '../kit/account-filter.ts'
import { badgeCell, type Cell, idCell, linkCell, quietCell, textCell, timeCell } from '../kit/cells.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { type Column, type Empty, listPage } from '../kit/list-page.ts'
import { choiceIn, givenIn, pageIn, sortIn } from '../kit/query-fields.ts'
import { actsForText, neverUsed, statusBadge } from './application-texts.ts'
import { createdByIn, creatorFilter } from './creator-filter.ts'

export const APPLICATIONS_PATH = '/applications'

export const APPLICATIONS_BREADCRUMBS = [{ href: APPLICATIONS_PATH, label: 'Applications' }]

export const applicationPath = (clientId: string, rest = ''): string =>
  `${APPLICATIONS_PATH}/${encodeURIComponent(clientId)}${rest}`

const STATUSES = {
  name: 'status',
  label: 'Status',
  choices: [
    { value: '', label: 'All statuses' },
    { value: 'active', label: 'Active' },
    { value: 'archived', label: 'Archived' },
  ],
}

const ADD = { href: `${APPLICATIONS_PATH}/new`, label: 'Add application', primary: true }

const NONE_YET: Empty = {
  title: 'No applications yet',
  text: 'An application gets tokens for users who sign in, or for itself with client credentials.',
  action: ADD,
}

const columnsFor = (isOperator: boolean): Column[] => [
  { heading: 'Name', sort: 'name' },
  { heading: 'Client ID' },
  ...(isOperator ? [{ heading: 'Account' }] : []),
  { heading: 'Used by' },
  { heading: 'Status' },
  { heading: 'Last used' },
  { heading: 'Added', sort: '-added', wideOnly: true },
]

const accountCell = ({ accountId, accountName }: ApplicationSummary): Cell =>
  accountId === null ? quietCell('this instance') : linkCell(accountName ?? accountId, `/accounts/${accountId}`)

function rowOf(application: ApplicationSummary, isOperator: boolean): Cell[] {
  const { clientId, name, grants, status, lastUsedAt, createdAt, isPublic } = application
  const { tone, text } = statusBadge(status)
  const whom = actsForText(grants)
  return [
    linkCell(name, applicationPath(clientId)),
    idCell(clientId, 'client ID'),
    ...(isOperator ? [accountCell(application)] : []),
    whom === undefined ? quietCell('none') : textCell(whom),
    badgeCell(tone, text),
    timeCell(lastUsedAt, neverUsed(isPublic)),
    timeCell(createdAt),
  ]
}

export async function showApplications(call: ConsoleCall): Promise<void> {
  const { management, who, query, show } = call
  const isOperator = who.role === 'operator'
  const sort = sortIn(query, ['name', 'added'], '-added')
  const { items, ...part } = await listApplications(management, who, {
    search: givenIn(query, 'search'),
    status: choiceIn(query, 'status', ['active', 'archived']),
    accountId: isOperator ? accountIn(call) : undefined,
    createdBy: createdByIn(call),
    sort,
    ...pageIn(query),
  })
  const page = listPage(
    {
      title: 'Applications',
      lead: 'OAuth clients that get tokens for your APIs.',
      // Where there is nothing yet, the list itself says so, and how to begin.
      ...((items.length > 0 || query.size > 0) && { actions: [ADD] }),
    },
    {
      caption: 'Applications',
      columns: columnsFor(isOperator),
      rows: items.map((application) => rowOf(application, isOperator)),
      empty: NONE_YET,
      search: {
        path: APPLICATIONS_PATH,
        query,
        placeholder: 'Name or client ID',
        filters: [STATUSES, ...(isOperator ? accountFilter(call, items) : []), ...(await creatorFilter(call))],
      },
      sort,
      page: part,
    },
  )
  show(page)
}
