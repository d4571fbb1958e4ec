import type { DescribedScope } from '../apis/scope-texts.ts'
import type { ConnectedApplication } from '../consents/consents.ts'
import { toEnglish } from '../languages/translator.ts'
import type { ConsolePage } from './console/kit/console-page.ts'
import { permissionGroups } from './permission-groups.ts'
import { momentOf } from './relative-time.ts'

const withdrawPath = (clientId: string): string => `/account/applications/${encodeURIComponent(clientId)}/withdraw`

function groupsOf(connection: ConnectedApplication, texts: readonly DescribedScope[]) {
  const isAllowed = ({ api, scope }: DescribedScope) =>
    connection.apis.some(({ identifier, scopes }) => identifier === api && scopes.includes(scope))
  return permissionGroups(toEnglish(), connection, texts.filter(isAllowed))
}

function rowOf(connection: ConnectedApplication, texts: readonly DescribedScope[]) {
  return {
    name: connection.name,
    accountName: connection.accountName,
    groups: groupsOf(connection, texts),
    allowed: momentOf(connection.allowedAt),
    used: connection.lastUsedAt ? momentOf(connection.lastUsedAt) : undefined,
    withdrawPath: withdrawPath(connection.clientId),
  }
}

export function connectionsPage(
  connections: readonly ConnectedApplication[],
  texts: readonly DescribedScope[],
): ConsolePage {
  const rows = connections.map((connection) => rowOf(connection, texts))
  return {
    view: 'connected-applications',
    title: 'Connected applications',
    actions: [{ href: '/account/data', label: 'Download your data' }],
    lead: rows.length > 0 ? 'Applications that can access your account. Revoked access stops immediately.' : undefined,
    data: { rows },
  }
}

/** A confirmation that lists the effects of a destructive action. */
export function withdrawPage(connection: ConnectedApplication): ConsolePage {
  return {
    view: 'withdraw',
    title: `Revoke access of ${connection.name}?`,
    breadcrumbs: [{ href: '/account/applications', label: 'Connected applications' }],
    data: {
      name: connection.name,
      hasOfflineAccess: connection.identityScopes.includes('offline_access'),
      path: withdrawPath(connection.clientId),
    },
  }
}
