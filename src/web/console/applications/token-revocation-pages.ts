import type { Client } from '../../../clients/clients.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import {
  listGrants,
  listTokens,
  revokeAllOfClient,
  revokeOneGrant,
  revokeOneToken,
} from '../../../management/token-operations.ts'
import { notFound } from '../../../shared/errors.ts'
import { isId } from '../../../shared/ids.ts'
import { type Cell, fact, idCell, quietCell, textCell, timeCell } from '../kit/cells.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { confirmPage } from '../kit/panels.ts'
import { revocationPath } from '../kit/revocation-path.ts'
import { applicationBreadcrumbs } from './application-frame.ts'
import { applicationPath } from './application-list-page.ts'
import { applicationOf } from './application-status-pages.ts'
import { requireApplication } from './application-token-pages.ts'
import { heldTokensStop } from './effect-texts.ts'
import { affectedCallers } from './recent-callers-list.ts'

const unchangedText = (t: ConsoleTranslate, { isPublic }: Client): string =>
  isPublic
    ? t('not change the application: users can sign in again')
    : t(
        'not change the application or its client secret: it can get new tokens. To prevent that, archive the application or generate a new client secret',
      )

export async function askRevokeAll(call: ConsoleCall): Promise<void> {
  const { t } = call
  const application = await applicationOf(call)
  const { client } = application
  const page = confirmPage({
    title: t('Revoke all tokens of {name}?', { name: client.name }),
    breadcrumbs: applicationBreadcrumbs(t, client),
    stops: [heldTokensStop(t, application), unchangedText(t, client)],
    action: applicationPath(client.clientId, '/revoke'),
    submit: t('Revoke all tokens'),
    keep: { href: applicationPath(client.clientId, '/tokens'), label: t('Cancel') },
    ...affectedCallers(t, application),
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
  readonly accountId: string | null
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

function forWhomCell(t: ConsoleTranslate, { userId, accountId, email }: Held): Cell {
  if (accountId !== null) return idCell(accountId, t('account ID'))
  return userId === null ? quietCell(t('itself')) : textCell(email ?? t('a user of another account'))
}

/** What would end, so that nobody ends another one. @throws KeywrightError `not_found` */
function askAbout({ show, t }: ConsoleCall, { client, item, id, kind, title, stops }: Asked): void {
  requireApplication(client)
  if (!item) throw notFound(kind, id)
  const list = applicationPath(client.clientId, `/${kind}`)
  const isToken = kind === 'tokens'
  const page = confirmPage({
    title,
    breadcrumbs: [...applicationBreadcrumbs(t, client), { href: list, label: isToken ? t('Tokens') : t('Grants') }],
    stops,
    facts: [
      fact(t('Id'), idCell(id, t('id'))),
      fact(t('For'), forWhomCell(t, item)),
      fact(t('API'), textCell(item.api)),
      fact(t('Scopes'), textCell(item.scope)),
      fact(t('Expires'), timeCell(item.expiresAt)),
    ],
    action: `${list}/${id}/revoke`,
    submit: isToken ? t('Revoke token') : t('Revoke grant'),
    keep: { href: list, label: t('Cancel') },
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
  const { t } = call
  const id = idIn(call)
  const { client, items } = await listTokens(call.management, call.who, requestOf(call))
  askAbout(call, {
    client,
    item: items.find(({ jti }) => jti === id),
    id,
    kind: 'tokens',
    title: t('Revoke this access token?'),
    stops: [t('revoke this token immediately'), t('not affect the refresh token that it came from')],
  })
}

export async function askRevokeGrant(call: ConsoleCall): Promise<void> {
  const { t } = call
  const id = idIn(call)
  const { client, items } = await listGrants(call.management, call.who, requestOf(call))
  askAbout(call, {
    client,
    item: items.find((grant) => grant.id === id),
    id,
    kind: 'grants',
    title: t('Revoke this grant?'),
    stops: [t('revoke this refresh token and every access token obtained with it'), t('not affect other grants')],
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
