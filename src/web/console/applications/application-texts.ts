import type { ClientStatus } from '../../../clients/clients.ts'
import { actsFor, findGrantType } from '../../../clients/grant-types.ts'
import type { Badge } from '../kit/console-page.ts'

/** Whom an application acts for; undefined: it only renews tokens. */
export function actsForText(grants: readonly string[]): string | undefined {
  const isForItself = actsFor('client', grants)
  if (actsFor('user', grants)) return isForItself ? 'Users, itself' : 'Users'
  return isForItself ? 'Itself' : undefined
}

export const grantWords = (grants: readonly string[]): string[] =>
  grants.map((grant) => findGrantType(grant)?.label ?? grant)

export const statusBadge = (status: ClientStatus): Badge =>
  status === 'active' ? { tone: 'success', text: 'Active' } : { tone: 'neutral', text: 'Archived' }

/** In place of a time: the use of a public application is known for 30 days, and that of a secret for good. */
export const neverUsed = (isPublic: boolean): string => (isPublic ? 'not in the last 30 days' : 'never')
