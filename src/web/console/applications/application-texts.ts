import type { ClientStatus } from '../../../clients/clients.ts'
import { actsFor, findGrantType } from '../../../clients/grant-types.ts'
import type { Badge } from '../kit/console-page.ts'

/** Whom an application acts for; undefined: it only renews tokens. */
export function actsForText(grants: readonly string[]): string | undefined {
  const isForItself = actsFor('client', grants)
  if (actsFor('user', grants)) return isForItself ? 'Users, itself' : 'Users'
  return isForItself ? 'Itself' : undefined
}

/** The same below the type of an application. */
export const actsForDetail = (grants: readonly string[]): string | undefined =>
  actsForText(grants)?.toLowerCase().replace(', ', ' and ').replace(/^/, 'for ')

export const grantWords = (grants: readonly string[]): string[] =>
  grants.map((grant) => findGrantType(grant)?.label ?? grant)

export function statusBadge(status: ClientStatus): Badge {
  if (status === 'active') return { tone: 'success', text: 'Active' }
  return { tone: 'neutral', text: status === 'deleting' ? 'Deleting' : 'Archived' }
}

/** In place of a time: the use of a public application is known for 30 days, and that of a secret for good. */
export const neverUsed = (isPublic: boolean): string => (isPublic ? 'not in the last 30 days' : 'never')
