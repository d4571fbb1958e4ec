import type { Client } from '../../../clients/clients.ts'
import { type ActiveGrant, type ActiveToken, listGrants, listTokens } from '../../../management/token-operations.ts'
import { notFound } from '../../../shared/errors.ts'
import { actionsCell, type Cell, idCell, linesCell, linkCell, quietCell, textCell, timeCell } from '../kit/cells.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { type ListOptions, listPage } from '../kit/list-page.ts'
import { givenIn, pageIn } from '../kit/query-fields.ts'
import { applicationFrame } from './application-frame.ts'
import { applicationPath } from './application-list-page.ts'

const NOTICES = { 'token-revoked': 'Token revoked.', 'grant-revoked': 'Grant revoked.' }

/** Key pairs have no page here. @throws KeywrightError `not_found` */
export function requireApplication({ kind, clientId }: Client): void {
  if (kind !== 'application') throw notFound('client', clientId)
}

const forWhomCell = ({ userId, email }: { userId: string | null; email: string | null }): Cell =>
  userId === null
    ? quietCell('itself')
    : email === null
      ? quietCell('a user of another account')
      : linkCell(email, `/users/${userId}`)

const scopesCell = (scope: string): Cell => linesCell(scope.split(' ').filter(Boolean))

const revokeCell = (href: string, id: string): Cell => actionsCell({ label: 'Revoke', href, of: id })

function tokenRow({ clientId }: Client, token: ActiveToken): Cell[] {
  return [
    idCell(token.jti, 'token ID'),
    forWhomCell(token),
    textCell(token.api),
    scopesCell(token.scope),
    timeCell(token.issuedAt),
    timeCell(token.expiresAt),
    revokeCell(applicationPath(clientId, `/tokens/${token.jti}/revoke`), token.jti),
  ]
}

function grantRow({ clientId }: Client, grant: ActiveGrant): Cell[] {
  return [
    idCell(grant.id, 'grant ID'),
    forWhomCell(grant),
    textCell(grant.api),
    scopesCell(grant.scope),
    timeCell(grant.createdAt),
    timeCell(grant.rotatedAt, 'never'),
    timeCell(grant.expiresAt),
    revokeCell(applicationPath(clientId, `/grants/${grant.id}/revoke`), grant.id),
  ]
}

const columnsOf = (...headings: string[]) => [
  ...headings.map((heading) => ({ heading })),
  { heading: 'Actions', hiddenHeading: true },
]

const SEARCHED = 'User, or a complete ID'

interface Shown {
  readonly client: Client
  readonly tab: 'tokens' | 'grants'
  readonly lead: string
  readonly list: Pick<ListOptions, 'caption' | 'columns' | 'rows' | 'empty' | 'page'>
}

/** The page of either list. */
function show(call: ConsoleCall, { client, tab, lead, list }: Shown): void {
  requireApplication(client)
  const path = applicationPath(client.clientId, `/${tab}`)
  const revoke = { href: applicationPath(client.clientId, '/revoke'), label: 'Revoke all tokens' }
  const frame = { ...applicationFrame(client, tab), lead, notices: NOTICES }
  call.show(
    listPage(
      { ...frame, ...(list.rows.length > 0 && { actions: [revoke] }) },
      { ...list, search: { path, query: call.query, placeholder: SEARCHED } },
    ),
  )
}

const requestOf = ({ params, query }: ConsoleCall) => ({
  clientId: params.clientId!,
  search: givenIn(query, 'search'),
  ...pageIn(query),
})

export async function showTokens(call: ConsoleCall): Promise<void> {
  const { client, items, ...part } = await listTokens(call.management, call.who, requestOf(call))
  show(call, {
    client,
    tab: 'tokens',
    lead: 'Active access tokens. Each is valid until it expires.',
    list: {
      caption: 'Active access tokens',
      columns: columnsOf('Token', 'For', 'API', 'Scopes', 'Issued', 'Expires'),
      rows: items.map((token) => tokenRow(client, token)),
      empty: { title: 'No active tokens', text: 'Access tokens appear here when the application gets them.' },
      page: part,
    },
  })
}

export async function showGrants(call: ConsoleCall): Promise<void> {
  const { client, items, ...part } = await listGrants(call.management, call.who, requestOf(call))
  show(call, {
    client,
    tab: 'grants',
    lead: 'Active refresh tokens. With each, the application gets new access tokens without asking the user.',
    list: {
      caption: 'Grants',
      columns: columnsOf('Grant', 'For', 'API', 'Scopes', 'Issued', 'Last used', 'Expires'),
      rows: items.map((grant) => grantRow(client, grant)),
      empty: { title: 'No grants', text: 'Grants appear here when a user allows offline access.' },
      page: part,
    },
  })
}
