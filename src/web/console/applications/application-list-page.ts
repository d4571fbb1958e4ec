import { filteredOrder } from '../../../management/client-filters.ts'
import { type ClientSummary, listClients } from '../../../management/client-list.ts'
import type { Form } from '../../forms.ts'
import { accountFilter } from '../kit/account-filter.ts'
import { badgeCell, type Cell, idCell, linkCell, quietCell, selectCell, textCell, timeCell } from '../kit/cells.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { type Column, type Empty, listPage } from '../kit/list-page.ts'
import { pageIn, sortIn } from '../kit/query-fields.ts'
import { APPLICATION_FILTERS, clientQueryIn, ownerField } from './application-filters.ts'
import { actsForDetail, neverUsed, statusBadge } from './application-texts.ts'
import { creatorFilter } from './creator-filter.ts'

export const APPLICATIONS_PATH = '/applications'

export const APPLICATIONS_BREADCRUMBS = [{ href: APPLICATIONS_PATH, label: 'Applications' }]

export const applicationPath = (clientId: string, rest = ''): string =>
  `${APPLICATIONS_PATH}/${encodeURIComponent(clientId)}${rest}`

/** The action of the form below the list. */
export const BULK_ARCHIVE_PATH = `${APPLICATIONS_PATH}/archive`

export const keyPairPath = (clientId: string, rest = ''): string => `/key-pairs/${encodeURIComponent(clientId)}${rest}`

const ADD = { href: `${APPLICATIONS_PATH}/new`, label: 'Add application', primary: true }

const NONE_YET: Empty = {
  title: 'No applications yet',
  text: 'An application gets tokens for users who sign in, or for itself with client credentials.',
  action: ADD,
}

/** What a list shows beside its other columns. */
interface Shown {
  readonly isOperator: boolean
  readonly isExpiring: boolean
}

const columnsFor = ({ isOperator, isExpiring }: Shown): Column[] => [
  { heading: 'Name', sort: 'name' },
  { heading: 'Type', wideOnly: isExpiring },
  { heading: 'Client ID' },
  ...(isOperator ? [{ heading: 'Account' }] : []),
  { heading: 'Status' },
  ...(isExpiring ? [{ heading: 'Secret expires' }] : []),
  { heading: 'Last used' },
  // The list of secrets that expire is in the order of the expiry.
  ...(isExpiring ? [] : [{ heading: 'Added', sort: '-added', wideOnly: true }]),
  { heading: 'Select' },
]

/** For a list whose filters decide its order. */
const withoutSort = ({ sort: _, ...column }: Column): Column => column

const accountCell = ({ accountId, accountName }: ClientSummary): Cell =>
  accountId === null ? quietCell('this instance') : linkCell(accountName ?? accountId, `/accounts/${accountId}`)

const NOTICES = {
  archived: 'Applications archived. Their tokens and credentials no longer work.',
  'none-selected': 'Nothing was archived. Select at least one application.',
  deleted: 'Application deleted. Its tokens stay revoked.',
  deleting: 'The application is being deleted. Its tokens stay revoked.',
}

/** The page of an application or a key pair. */
const pathOf = ({ kind, clientId }: ClientSummary): string =>
  kind === 'key_pair' ? keyPairPath(clientId) : applicationPath(clientId)

/** A key pair is stopped for good, one by one. */
const isSelectable = ({ kind, status }: ClientSummary): boolean => kind === 'application' && status === 'active'

function rowOf(client: ClientSummary, { isOperator, isExpiring }: Shown): Cell[] {
  const { kind, clientId, name, grants, status, lastUsedAt, createdAt, isPublic, ownerEmail } = client
  const { tone, text } = statusBadge(status)
  return [
    linkCell(
      name,
      pathOf(client),
      ownerEmail === null || name.includes(ownerEmail) ? undefined : `Owner: ${ownerEmail}`,
    ),
    kind === 'key_pair' ? textCell('Key pair') : textCell('Application', actsForDetail(grants)),
    idCell(clientId, 'client ID'),
    ...(isOperator ? [accountCell(client)] : []),
    badgeCell(tone, text),
    ...(isExpiring ? [timeCell(client.secretExpiresAt)] : []),
    timeCell(lastUsedAt, neverUsed(isPublic)),
    ...(isExpiring ? [] : [timeCell(createdAt)]),
    isSelectable(client) ? selectCell(`client.${clientId}`, name) : quietCell(''),
  ]
}

/** The file with what the list shows, on all its pages. */
function exportPath(query: Form): string {
  const filters = [...query].filter(([name]) => !['after', 'before', 'notice', 'sort'].includes(name))
  return filters.length > 0
    ? `${APPLICATIONS_PATH}/export?${new URLSearchParams(filters)}`
    : `${APPLICATIONS_PATH}/export`
}

export async function showApplications(call: ConsoleCall): Promise<void> {
  const { management, who, query, show } = call
  const isOperator = who.role === 'operator'
  const sort = sortIn(query, ['name', 'added'], '-added')
  const filters = await clientQueryIn(call)
  const { items, ...part } = await listClients(management, who, { ...filters, sort, ...pageIn(query) })
  const shown = { isOperator, isExpiring: filters.expiringDays !== undefined }
  const columns = columnsFor(shown)
  const page = listPage(
    {
      title: 'Applications',
      notices: NOTICES,
      lead: 'Applications and key pairs that get tokens for your APIs.',
      // Where there is nothing yet, the list itself says so, and how to begin.
      ...((items.length > 0 || query.size > 0) && {
        actions: [{ href: exportPath(query), label: 'Download CSV' }, ADD],
      }),
    },
    {
      caption: 'Applications',
      columns: filteredOrder(filters) ? columns.map(withoutSort) : columns,
      rows: items.map((client) => rowOf(client, shown)),
      empty: NONE_YET,
      search: {
        path: APPLICATIONS_PATH,
        query,
        placeholder: 'Name, client ID or owner',
        filters: [
          ...APPLICATION_FILTERS,
          ...(isOperator ? accountFilter(call, items) : []),
          ...(await creatorFilter(call)),
        ],
        more: [ownerField(isOperator)],
      },
      sort,
      ...(items.some(isSelectable) && { selection: { action: BULK_ARCHIVE_PATH, submit: 'Archive selected' } }),
      page: part,
    },
  )
  show(page)
}
