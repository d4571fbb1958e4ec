import { DEVICE_CODE_GRANT } from '../../../clients/client-rules.ts'
import type { AccessType, ClientSettings, Consent } from '../../../clients/client-settings.ts'
import type { ClientStatus } from '../../../clients/clients.ts'
import type { Badge } from '../kit/console-page.ts'

const ACTS_FOR_USERS: readonly string[] = ['authorization_code', DEVICE_CODE_GRANT]

export const actsForUsers = (grants: readonly string[]): boolean =>
  grants.some((grant) => ACTS_FOR_USERS.includes(grant))

export const actsForItself = (grants: readonly string[]): boolean => grants.includes('client_credentials')

/** For whom it acts; undefined: it begins nothing, and only renews what it has. */
export function actsFor(grants: readonly string[]): string | undefined {
  if (actsForUsers(grants)) return actsForItself(grants) ? 'People, itself' : 'People'
  return actsForItself(grants) ? 'Itself' : undefined
}

const GRANT_WORDS: Readonly<Record<string, string>> = {
  authorization_code: 'Signs people in',
  refresh_token: 'Keeps access',
  client_credentials: 'Works by itself',
  [DEVICE_CODE_GRANT]: 'Runs on devices without a keyboard',
}

export const grantWords = (grants: readonly string[]): string[] => grants.map((grant) => GRANT_WORDS[grant] ?? grant)

export const CONSENT_WORDS: Record<Consent, string> = {
  show: 'Shown to everybody',
  skip_own_account: 'Skipped for people of its own account',
  skip: 'Skipped for everybody',
}

export const ACCESS_TYPE_WORDS: Record<AccessType, string> = {
  both: 'For people and for itself',
  user: 'For people only',
  client: 'For itself only',
}

export const statusBadge = (status: ClientStatus): Badge =>
  status === 'active' ? { tone: 'success', text: 'Active' } : { tone: 'neutral', text: 'Archived' }

/** What it may do that the standard would not have. */
export function legacyOptionText(settings: ClientSettings): string[] {
  const { isPublic, queryCredentials, clientCredentialsRefresh, apiKeyRequired, pkceRequired } = settings
  const rotates = isPublic || settings.refreshTokenRotation
  const words = [
    queryCredentials && 'Credentials in the address',
    clientCredentialsRefresh && 'Refresh tokens when it works by itself',
    apiKeyRequired && 'An x-api-key header beside the secret',
    !pkceRequired && 'Codes without PKCE',
    !rotates && 'One refresh token until it ends',
  ]
  return words.filter((word) => word !== false)
}

/** In place of a time: the use of a public application is known for 30 days, and that of a secret for good. */
export const neverUsed = (isPublic: boolean): string => (isPublic ? 'not in the last 30 days' : 'never')
