import type { AccessType, ClientSettings, Consent } from '../../../clients/client-settings.ts'
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

export const CONSENT_WORDS: Record<Consent, string> = {
  show: 'Shown to all users',
  skip_own_account: 'Skipped for users of the same account',
  skip: 'Skipped for all users',
}

export const ACCESS_TYPE_WORDS: Record<AccessType, string> = {
  both: 'Users and client credentials',
  user: 'Users only',
  client: 'Client credentials only',
}

export const statusBadge = (status: ClientStatus): Badge =>
  status === 'active' ? { tone: 'success', text: 'Active' } : { tone: 'neutral', text: 'Archived' }

/** What it may do that the standard would not have. */
export function legacyOptionText(settings: ClientSettings): string[] {
  const { isPublic, queryCredentials, clientCredentialsRefresh, apiKeyRequired, pkceRequired } = settings
  const rotates = isPublic || settings.refreshTokenRotation
  const words = [
    queryCredentials && 'Client secret in query parameters',
    clientCredentialsRefresh && 'Refresh tokens for client credentials',
    apiKeyRequired && 'API key (x-api-key header)',
    !pkceRequired && 'Authorization codes without PKCE',
    !rotates && 'No refresh token rotation',
  ]
  return words.filter((word) => word !== false)
}

/** In place of a time: the use of a public application is known for 30 days, and that of a secret for good. */
export const neverUsed = (isPublic: boolean): string => (isPublic ? 'not in the last 30 days' : 'never')
