import { includesRole, PERMISSIONS } from '../../../accounts/permissions.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import { filteredOrder } from '../../../management/client-filters.ts'
import { type ClientSummary, listClients } from '../../../management/client-list.ts'
import type { Form } from '../../forms.ts'
import { accountFilter, accountIn } from '../kit/account-filter.ts'
import { badgeCell, type Cell, idCell, linkCell, quietCell, selectCell, textCell, timeCell } from '../kit/cells.ts'
import type { PageAction } from '../kit/console-page.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { clientName } from '../kit/display-name.ts'
import { type Column, type Empty, listPage } from '../kit/list-page.ts'
import { pageIn, sortIn } from '../kit/query-fields.ts'
import { applicationFilters, clientQueryIn, ownerField } from './application-filters.ts'
import { actsForDetail, neverUsed, statusBadge } from './application-texts.ts'
import { creatorFilter } from './creator-filter.ts'
import { initialAccessTokensPath } from './initial-access-token-pages.ts'

export const APPLICATIONS_PATH = '/applications'

export const applicationsBreadcrumbs = (t: ConsoleTranslate) => [{ href: APPLICATIONS_PATH, label: t('Applications') }]

export const applicationPath = (clientId: string, rest = ''): string =>
  `${APPLICATIONS_PATH}/${encodeURIComponent(clientId)}${rest}`

/** The action of the form below the list. */
export const BULK_ARCHIVE_PATH = `${APPLICATIONS_PATH}/archive`

export const keyPairPath = (clientId: string, rest = ''): string => `/key-pairs/${encodeURIComponent(clientId)}${rest}`

const addAction = (t: ConsoleTranslate) => ({
  href: `${APPLICATIONS_PATH}/new`,
  label: t('Add application'),
  primary: true,
})

const noneYet = (t: ConsoleTranslate): Empty => ({
  title: t('No applications yet'),
  text: t('An application gets tokens for users who sign in, or for itself with client credentials.'),
  action: addAction(t),
})

/** What a list shows beside its other columns. */
interface Shown {
  readonly isOperator: boolean
  readonly isExpiring: boolean
}

const columnsFor = (t: ConsoleTranslate, { isOperator, isExpiring }: Shown): Column[] => [
  { heading: t('Name'), sort: 'name' },
  { heading: t('Type'), wideOnly: isExpiring },
  { heading: t('Client ID') },
  ...(isOperator ? [{ heading: t('Account') }] : []),
  { heading: t('Status') },
  ...(isExpiring ? [{ heading: t('Secret expires') }] : []),
  { heading: t('Last used') },
  // The list of secrets that expire is in the order of the expiry.
  ...(isExpiring ? [] : [{ heading: t('Added'), sort: '-added', wideOnly: true }]),
  { heading: t('Select') },
]

/** For a list whose filters decide its order. */
const withoutSort = ({ sort: _, ...column }: Column): Column => column

const accountCell = (t: ConsoleTranslate, { accountId, accountName }: ClientSummary): Cell =>
  accountId === null ? quietCell(t('this instance')) : linkCell(accountName ?? accountId, `/accounts/${accountId}`)

const noticesOf = (t: ConsoleTranslate) => ({
  archived: t('Applications archived. Their tokens and credentials no longer work.'),
  'none-selected': t('Nothing was archived. Select at least one application.'),
  deleted: t('Application deleted. Its tokens stay revoked.'),
  deleting: t('The application is being deleted. Its tokens stay revoked.'),
})

/** The page of an application or a key pair. */
const pathOf = ({ kind, clientId }: ClientSummary): string =>
  kind === 'key_pair' ? keyPairPath(clientId) : applicationPath(clientId)

/** A key pair is stopped for good, one by one. */
const isSelectable = ({ kind, status }: ClientSummary): boolean => kind === 'application' && status === 'active'

/** Names of key pairs often contain the email address of the owner. */
const ownerText = (t: ConsoleTranslate, { name, ownerEmail }: ClientSummary): string | undefined =>
  ownerEmail === null || name.includes(ownerEmail) ? undefined : t('Owner: {email}', { email: ownerEmail })

function rowOf(t: ConsoleTranslate, client: ClientSummary, { isOperator, isExpiring }: Shown): Cell[] {
  const { kind, clientId, name, grants, status, lastUsedAt, createdAt, isPublic } = client
  const { tone, text } = statusBadge(t, status)
  return [
    linkCell(clientName(t, client), pathOf(client), ownerText(t, client)),
    kind === 'key_pair'
      ? textCell(t('Key pair'))
      : textCell(client.isDynamic ? t('Registered dynamically') : t('Application'), actsForDetail(t, grants)),
    idCell(clientId, t('client ID')),
    ...(isOperator ? [accountCell(t, client)] : []),
    badgeCell(tone, text),
    ...(isExpiring ? [timeCell(client.secretExpiresAt)] : []),
    timeCell(lastUsedAt, neverUsed(t, isPublic)),
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

/** Operators see the tokens of the account whose applications they list. */
function tokensAction({ t, who, query }: ConsoleCall): PageAction[] {
  const accountId = accountIn({ query })
  if (!includesRole(who.role, PERMISSIONS.viewInitialAccessTokens.role)) return []
  if (who.role === 'operator' && accountId === undefined) return []
  const href = initialAccessTokensPath(who.role === 'operator' ? accountId : undefined)
  return [{ href, label: t('Initial access tokens') }]
}

export async function showApplications(call: ConsoleCall): Promise<void> {
  const { management, who, query, show, t } = call
  const isOperator = who.role === 'operator'
  const sort = sortIn(query, ['name', 'added'], '-added')
  const filters = await clientQueryIn(call)
  const { items, ...part } = await listClients(management, who, { ...filters, sort, ...pageIn(query) })
  const shown = { isOperator, isExpiring: filters.expiringDays !== undefined }
  const columns = columnsFor(t, shown)
  const page = listPage(
    {
      title: t('Applications'),
      notices: noticesOf(t),
      lead: t('Applications and key pairs that get tokens for your APIs.'),
      // Where there is nothing yet, the list itself says so, and how to begin.
      ...((items.length > 0 || query.size > 0) && {
        actions: [...tokensAction(call), { href: exportPath(query), label: t('Download CSV') }, addAction(t)],
      }),
    },
    {
      caption: t('Applications'),
      columns: filteredOrder(filters) ? columns.map(withoutSort) : columns,
      rows: items.map((client) => rowOf(t, client, shown)),
      empty: noneYet(t),
      search: {
        path: APPLICATIONS_PATH,
        query,
        placeholder: t('Name, client ID or owner'),
        filters: [
          ...applicationFilters(t),
          ...(isOperator ? accountFilter(call, items) : []),
          ...(await creatorFilter(call)),
        ],
        more: [ownerField(t, isOperator)],
      },
      sort,
      ...(items.some(isSelectable) && { selection: { action: BULK_ARCHIVE_PATH, submit: t('Archive selected') } }),
      page: part,
    },
  )
  show(page)
}
