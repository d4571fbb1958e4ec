import type { DescribedScope } from '../clients/scope-texts.ts'
import type { Connection } from '../tokens/consents.ts'
import { noticeOf } from './notices.ts'
import { permissionGroups } from './permissions.ts'
import { momentOf } from './relative-time.ts'
import type { Page } from './renderer.ts'

const withdrawPath = (clientId: string): string => `/account/applications/${encodeURIComponent(clientId)}/withdraw`

function groupsOf(connection: Connection, texts: readonly DescribedScope[]) {
  const isAllowed = ({ api, scope }: DescribedScope) =>
    connection.apis.some(({ identifier, scopes }) => identifier === api && scopes.includes(scope))
  return permissionGroups(connection, texts.filter(isAllowed))
}

function rowOf(connection: Connection, texts: readonly DescribedScope[]) {
  return {
    name: connection.name,
    accountName: connection.accountName,
    groups: groupsOf(connection, texts),
    allowed: momentOf(connection.allowedAt),
    used: connection.lastUsedAt ? momentOf(connection.lastUsedAt) : undefined,
    withdrawPath: withdrawPath(connection.clientId),
  }
}

/** @param notice as it was in the query */
export function connectionsPage(
  connections: readonly Connection[],
  texts: readonly DescribedScope[],
  notice: unknown,
): Page {
  const rows = connections.map((connection) => rowOf(connection, texts))
  return {
    view: 'connected-applications',
    title: 'Connected applications',
    data: { rows, notice: noticeOf(notice), current: 'applications' },
  }
}

/** What destroys says what it will stop, and asks once. */
export function withdrawPage(connection: Connection): Page {
  return {
    view: 'withdraw',
    title: `Withdraw access of ${connection.name}?`,
    data: {
      name: connection.name,
      staysAway: connection.identityScopes.includes('offline_access'),
      path: withdrawPath(connection.clientId),
      current: 'applications',
    },
  }
}
