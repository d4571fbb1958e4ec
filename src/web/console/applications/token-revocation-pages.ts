import type { Client } from '../../../clients/clients.ts'
import {
  listGrants,
  listTokens,
  revokeAllOfClient,
  revokeOneGrant,
  revokeOneToken,
} from '../../../management/token-operations.ts'
import { notFound } from '../../../shared/errors.ts'
import { isId } from '../../../shared/ids.ts'
import { fact, idCell, quietCell, textCell, timeCell } from '../kit/cells.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { confirmPage } from '../kit/panels.ts'
import { revocationPath } from '../kit/revocation-path.ts'
import { applicationBreadcrumbs } from './application-frame.ts'
import { applicationPath } from './application-list-page.ts'
import { applicationOf, tokensStop } from './application-status-pages.ts'
import { requireApplication } from './application-token-pages.ts'
import { affectedCallers } from './recent-callers-list.ts'

export async function askRevokeAll(call: ConsoleCall): Promise<void> {
  const application = await applicationOf(call)
  const { client } = application
  const page = confirmPage({
    title: `Revoke all tokens of ${client.name}?`,
    breadcrumbs: applicationBreadcrumbs(client),
    stops: [
      tokensStop(application),
      client.isPublic
        ? 'not change the application: users can sign in again'
        : 'not change the application or its client secret: it can get new tokens. To prevent that, archive the application or generate a new client secret',
    ],
    action: applicationPath(client.clientId, '/revoke'),
    submit: 'Revoke all tokens',
    keep: { href: applicationPath(client.clientId, '/tokens'), label: 'Cancel' },
    ...affectedCallers(application),
  })
  call.show(page)
}

export async function revokeAll(call: ConsoleCall): Promise<void> {
  const { client } = await applicationOf(call)
  await revokeAllOfClient(call.management, call.who, { clientId: client.clientId })
  call.goTo(revocationPath(client.clientId, '?notice=revoked'))
}

interface Held {
  readonly userId: string | null
  readonly email: string | null
  readonly api: string
  readonly scope: string
  readonly expiresAt: Date
}

interface Asked {
  readonly client: Client
  /** Absent: it is gone, or there never was one. */
  readonly item: Held | undefined
  readonly id: string
  readonly kind: 'tokens' | 'grants'
  readonly title: string
  readonly stops: readonly string[]
}

/** What would end, so that nobody ends another one. @throws KeywrightError `not_found` */
function askAbout({ show }: ConsoleCall, { client, item, id, kind, title, stops }: Asked): void {
  requireApplication(client)
  if (!item) throw notFound(kind, id)
  const list = applicationPath(client.clientId, `/${kind}`)
  const page = confirmPage({
    title,
    breadcrumbs: [...applicationBreadcrumbs(client), { href: list, label: kind === 'tokens' ? 'Tokens' : 'Grants' }],
    stops,
    facts: [
      fact('Id', idCell(id, 'id')),
      fact('For', item.userId === null ? quietCell('itself') : textCell(item.email ?? 'a user of another account')),
      fact('API', textCell(item.api)),
      fact('Scopes', textCell(item.scope)),
      fact('Expires', timeCell(item.expiresAt)),
    ],
    action: `${list}/${id}/revoke`,
    submit: kind === 'tokens' ? 'Revoke token' : 'Revoke grant',
    keep: { href: list, label: 'Cancel' },
  })
  show(page)
}

/** @throws KeywrightError `not_found`: what is no id names nothing */
function idIn({ params }: ConsoleCall): string {
  const id = (params.jti ?? params.grantId)!
  if (!isId(id)) throw notFound('token', id)
  return id.toLowerCase()
}

/** A list that is searched for one id has it, and perhaps what is a user's of that id. */
const requestOf = (call: ConsoleCall) => ({ clientId: call.params.clientId!, search: idIn(call), limit: 1 })

export async function askRevokeToken(call: ConsoleCall): Promise<void> {
  const id = idIn(call)
  const { client, items } = await listTokens(call.management, call.who, requestOf(call))
  askAbout(call, {
    client,
    item: items.find(({ jti }) => jti === id),
    id,
    kind: 'tokens',
    title: 'Revoke this access token?',
    stops: ['revoke this token immediately', 'not affect the refresh token that it came from'],
  })
}

export async function askRevokeGrant(call: ConsoleCall): Promise<void> {
  const id = idIn(call)
  const { client, items } = await listGrants(call.management, call.who, requestOf(call))
  askAbout(call, {
    client,
    item: items.find((grant) => grant.id === id),
    id,
    kind: 'grants',
    title: 'Revoke this grant?',
    stops: ['revoke this refresh token and every access token obtained with it', 'not affect other grants'],
  })
}

/** A key pair's are not revoked here. @throws KeywrightError `not_found` */
async function requireOne(call: ConsoleCall): Promise<string> {
  const { client } = await applicationOf(call)
  return client.clientId
}

export async function revokeToken(call: ConsoleCall): Promise<void> {
  const clientId = await requireOne(call)
  await revokeOneToken(call.management, call.who, { clientId, jti: idIn(call) })
  call.goTo(applicationPath(clientId, '/tokens?notice=token-revoked'))
}

export async function revokeGrant(call: ConsoleCall): Promise<void> {
  const clientId = await requireOne(call)
  await revokeOneGrant(call.management, call.who, { clientId, grantId: idIn(call) })
  call.goTo(applicationPath(clientId, '/grants?notice=grant-revoked'))
}
