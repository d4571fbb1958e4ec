import type { DescribedScope } from '../apis/scope-texts.ts'
import type { ConnectedApplication } from '../consents/connected-applications.ts'
import type { Translate } from '../languages/translator.ts'
import type { ConsolePage } from './console/kit/console-page.ts'
import { permissionGroups } from './permission-groups.ts'

const withdrawPath = (clientId: string): string => `/account/applications/${encodeURIComponent(clientId)}/withdraw`

function groupsOf(t: Translate, connection: ConnectedApplication, texts: readonly DescribedScope[]) {
  const isAllowed = ({ api, scope }: DescribedScope) =>
    connection.apis.some(({ identifier, scopes }) => identifier === api && scopes.includes(scope))
  return permissionGroups(t, connection, texts.filter(isAllowed))
}

function rowOf(t: Translate, connection: ConnectedApplication, texts: readonly DescribedScope[]) {
  return {
    name: connection.name,
    accountName: connection.accountName,
    groups: groupsOf(t, connection, texts),
    allowedAt: connection.allowedAt,
    lastUsedAt: connection.lastUsedAt,
    withdrawPath: withdrawPath(connection.clientId),
  }
}

export function connectionsPage(
  t: Translate,
  connections: readonly ConnectedApplication[],
  texts: readonly DescribedScope[],
): ConsolePage {
  const rows = connections.map((connection) => rowOf(t, connection, texts))
  return {
    view: 'connected-applications',
    title: t('connections.title'),
    actions: [{ href: '/account/data', label: t('account.downloadData') }],
    lead: rows.length > 0 ? t('connections.lead') : undefined,
    data: { rows },
  }
}

/** A confirmation that lists the effects of a destructive action. */
export function withdrawPage(t: Translate, connection: ConnectedApplication): ConsolePage {
  return {
    view: 'withdraw',
    title: t('revocation.title', { name: connection.name }),
    breadcrumbs: [{ href: '/account/applications', label: t('connections.title') }],
    data: {
      name: connection.name,
      hasOfflineAccess: connection.identityScopes.includes('offline_access'),
      path: withdrawPath(connection.clientId),
    },
  }
}
