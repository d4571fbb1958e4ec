import type { DescribedScope } from '../apis/scope-texts.ts'
import type { ConnectedApplication } from '../consents/connected-applications.ts'
import type { Translate } from '../languages/translator.ts'
import type { ConsolePage } from './console/kit/console-page.ts'
import { permissionGroups } from './permission-groups.ts'

/** @param withAccount whether it names the account, as it does where the user has several */
function withdrawPath({ clientId, actingFor }: ConnectedApplication, withAccount: boolean): string {
  const account = withAccount && actingFor ? `?${new URLSearchParams({ account: actingFor.id })}` : ''
  return `/account/applications/${encodeURIComponent(clientId)}/withdraw${account}`
}

function groupsOf(t: Translate, connection: ConnectedApplication, texts: readonly DescribedScope[]) {
  const isAllowed = ({ api, scope }: DescribedScope) =>
    connection.apis.some(({ identifier, scopes }) => identifier === api && scopes.includes(scope))
  return permissionGroups(t, connection, texts.filter(isAllowed))
}

/** What the page knows beside the connections. */
interface ConnectionTexts {
  readonly texts: readonly DescribedScope[]
  readonly hasSeveralAccounts: boolean
}

function rowOf(t: Translate, connection: ConnectedApplication, { texts, hasSeveralAccounts }: ConnectionTexts) {
  return {
    name: connection.name,
    accountName: connection.accountName,
    actingFor: hasSeveralAccounts ? connection.actingFor?.name : undefined,
    groups: groupsOf(t, connection, texts),
    allowedAt: connection.allowedAt,
    lastUsedAt: connection.lastUsedAt,
    withdrawPath: withdrawPath(connection, hasSeveralAccounts),
  }
}

export function connectionsPage(
  t: Translate,
  connections: readonly ConnectedApplication[],
  known: ConnectionTexts,
): ConsolePage {
  const rows = connections.map((connection) => rowOf(t, connection, known))
  return {
    view: 'connected-applications',
    title: t('connections.title'),
    actions: [{ href: '/account/data', label: t('account.downloadData') }],
    lead: rows.length > 0 ? t('connections.lead') : undefined,
    data: { rows },
  }
}

/** A confirmation that lists the effects of a destructive action. */
export function withdrawPage(t: Translate, connection: ConnectedApplication, hasSeveralAccounts: boolean): ConsolePage {
  return {
    view: 'withdraw',
    title: t('revocation.title', { name: connection.name }),
    breadcrumbs: [{ href: '/account/applications', label: t('connections.title') }],
    data: {
      name: connection.name,
      hasOfflineAccess: connection.identityScopes.includes('offline_access'),
      actingFor: hasSeveralAccounts ? connection.actingFor : undefined,
      path: withdrawPath(connection, false),
    },
  }
}
