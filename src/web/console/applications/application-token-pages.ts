import type { Client } from '../../../clients/clients.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import { type ActiveGrant, type ActiveToken, listGrants, listTokens } from '../../../management/token-operations.ts'
import { notFound } from '../../../shared/errors.ts'
import { actionsCell, type Cell, idCell, linesCell, linkCell, quietCell, textCell, timeCell } from '../kit/cells.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { type ListOptions, listPage } from '../kit/list-page.ts'
import { givenIn, pageIn } from '../kit/query-fields.ts'
import { applicationFrame } from './application-frame.ts'
import { applicationPath } from './application-list-page.ts'

/** Key pairs have no page here. @throws KeywrightError `not_found` */
export function requireApplication({ kind, clientId }: Client): void {
  if (kind !== 'application') throw notFound('client', clientId)
}

/** For whom the application acts. */
interface ForWhom {
  readonly userId: string | null
  readonly accountId: string | null
  readonly email: string | null
}

function forWhomCell(t: ConsoleTranslate, { userId, accountId, email }: ForWhom): Cell {
  if (accountId !== null) return idCell(accountId, t('account ID'))
  if (userId === null) return quietCell(t('itself'))
  return email === null ? quietCell(t('a user of another account')) : linkCell(email, `/users/${userId}`)
}

const scopesCell = (scope: string): Cell => linesCell(scope.split(' ').filter(Boolean))

const revokeCell = (t: ConsoleTranslate, href: string, id: string): Cell =>
  actionsCell({ label: t('Revoke'), href, of: id })

function tokenRow(t: ConsoleTranslate, { clientId }: Client, token: ActiveToken): Cell[] {
  return [
    idCell(token.jti, t('token ID')),
    forWhomCell(t, token),
    textCell(token.api),
    scopesCell(token.scope),
    timeCell(token.issuedAt),
    timeCell(token.expiresAt),
    revokeCell(t, applicationPath(clientId, `/tokens/${token.jti}/revoke`), token.jti),
  ]
}

function grantRow(t: ConsoleTranslate, { clientId }: Client, grant: ActiveGrant): Cell[] {
  return [
    idCell(grant.id, t('grant ID')),
    forWhomCell(t, grant),
    textCell(grant.api),
    scopesCell(grant.scope),
    timeCell(grant.createdAt),
    timeCell(grant.rotatedAt),
    timeCell(grant.expiresAt),
    revokeCell(t, applicationPath(clientId, `/grants/${grant.id}/revoke`), grant.id),
  ]
}

const columnsOf = (t: ConsoleTranslate, ...headings: string[]) => [
  ...headings.map((heading) => ({ heading })),
  { heading: t('Actions'), hiddenHeading: true },
]

interface Shown {
  readonly client: Client
  readonly tab: 'tokens' | 'grants'
  readonly lead: string
  readonly list: Pick<ListOptions, 'caption' | 'columns' | 'rows' | 'empty' | 'page'>
}

/** The page of either list. */
function show(call: ConsoleCall, { client, tab, lead, list }: Shown): void {
  requireApplication(client)
  const { t, query } = call
  const path = applicationPath(client.clientId, `/${tab}`)
  const revoke = { href: applicationPath(client.clientId, '/revoke'), label: t('Revoke all tokens') }
  const notices = { 'token-revoked': t('Token revoked.'), 'grant-revoked': t('Grant revoked.') }
  const frame = { ...applicationFrame(t, client, tab), lead, notices }
  call.show(
    listPage(
      { ...frame, ...(list.rows.length > 0 && { actions: [revoke] }) },
      { ...list, search: { path, query, placeholder: t('User, or a complete ID') } },
    ),
  )
}

const requestOf = ({ params, query }: ConsoleCall) => ({
  clientId: params.clientId!,
  search: givenIn(query, 'search'),
  ...pageIn(query),
})

export async function showTokens(call: ConsoleCall): Promise<void> {
  const { t } = call
  const { client, items, ...part } = await listTokens(call.management, call.who, requestOf(call))
  show(call, {
    client,
    tab: 'tokens',
    lead: t('Active access tokens. Each is valid until it expires.'),
    list: {
      caption: t('Active access tokens'),
      columns: columnsOf(t, t('Token'), t('For'), t('API'), t('Scopes'), t('Issued'), t('Expires')),
      rows: items.map((token) => tokenRow(t, client, token)),
      empty: { title: t('No active tokens'), text: t('Access tokens appear here when the application gets them.') },
      page: part,
    },
  })
}

export async function showGrants(call: ConsoleCall): Promise<void> {
  const { t } = call
  const { client, items, ...part } = await listGrants(call.management, call.who, requestOf(call))
  show(call, {
    client,
    tab: 'grants',
    lead: t('Active refresh tokens. With each, the application gets new access tokens without asking the user.'),
    list: {
      caption: t('Grants'),
      columns: columnsOf(t, t('Grant'), t('For'), t('API'), t('Scopes'), t('Issued'), t('Last used'), t('Expires')),
      rows: items.map((grant) => grantRow(t, client, grant)),
      empty: { title: t('No grants'), text: t('Grants appear here when a user allows offline access.') },
      page: part,
    },
  })
}
