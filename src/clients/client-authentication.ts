import { commonNetworks, isAllowedAddress } from '../shared/allowed-networks.ts'
import type { Clock } from '../shared/clock.ts'
import { ForbiddenNetworkError, KeywrightError } from '../shared/errors.ts'
import { hashSecret, isWellFormedSecret, sameHash } from '../shared/secrets.ts'
import type { PendingUse } from './assertion-uses.ts'
import type { Registration, ValidSecret } from './registration.ts'
import type { Registrations } from './registrations.ts'

/** A successful client authentication (RFC 6749, section 2.3). */
export interface Authentication {
  readonly secretId: number
  /** The API key, when the client must send one. */
  readonly apiKeyId: number | null
  /** Milliseconds since 1970; tokens that the secret obtained expire with it. */
  readonly retiresAt: number | null
  /** SHA-256 of the API key, when the client must send one. */
  readonly apiKeyHash: Buffer | null
  /** In clear; only where a token may be used again, which is encrypted under a key derived from it. */
  readonly clientSecret?: string | undefined
}

/** The secrets that a request was authenticated with; none: the client is public. */
export const secretIdsOf = (authentication: Authentication | null): number[] =>
  authentication ? [authentication.secretId, authentication.apiKeyId].filter((id) => id !== null) : []

export interface Credentials {
  readonly secret: string
  /** The `x-api-key` header; undefined where no API key is required. */
  readonly apiKey?: string | undefined
  /** The address of the request; undefined where the client may call from any network. */
  readonly address?: string | undefined
}

/** The networks that a client may request tokens from; null: any network. */
export const networksOf = ({ allowedNetworks, accountNetworks }: Registration): readonly string[] | null =>
  commonNetworks(allowedNetworks, accountNetworks)

const isAllowedFrom = ({ allowedNetworks, accountNetworks }: Registration, address: string | undefined): boolean =>
  address === undefined || (isAllowedAddress(allowedNetworks, address) && isAllowedAddress(accountNetworks, address))

export function checkAddress(registration: Registration, address: string | undefined): void {
  if (!isAllowedFrom(registration, address)) throw new ForbiddenNetworkError()
}

function match(candidates: readonly ValidSecret[], given: Buffer, now: number): ValidSecret | undefined {
  return candidates.find(
    ({ hash, retiresAt }) => sameHash(Buffer.from(hash, 'base64'), given) && (retiresAt === null || retiresAt > now),
  )
}

function matchApiKey(registration: Registration, apiKey: string | undefined, now: number): ValidSecret | undefined {
  if (!apiKey || !isWellFormedSecret('apiKey', apiKey)) return undefined
  return match(registration.apiKeys, hashSecret(apiKey), now)
}

/**
 * Checks the secret, and the API key if `requireApiKey` and the registration require it. Undefined: invalid credentials, or a client for FAPI 2.0, which
 * may have a secret in its overlap with another authentication method.
 */
export function authenticate(
  registration: Registration,
  credentials: Credentials,
  requireApiKey: boolean,
  now: number,
): Authentication | undefined {
  if (registration.fapi2 || !isWellFormedSecret('clientSecret', credentials.secret)) return undefined
  const secret = match(registration.secrets, hashSecret(credentials.secret), now)
  if (!secret) return undefined
  const clientSecret = registration.reuseWindow === null ? undefined : credentials.secret
  if (!requireApiKey || !registration.apiKeyRequired) {
    return { secretId: secret.id, apiKeyId: null, retiresAt: secret.retiresAt, apiKeyHash: null, clientSecret }
  }
  const apiKey = matchApiKey(registration, credentials.apiKey, now)
  if (!apiKey) return undefined
  const expiries = [secret.retiresAt, apiKey.retiresAt].filter((expiry) => expiry !== null)
  return {
    secretId: secret.id,
    apiKeyId: apiKey.id,
    retiresAt: expiries.length > 0 ? Math.min(...expiries) : null,
    apiKeyHash: hashSecret(credentials.apiKey!),
    clientSecret,
  }
}

/** An authenticated client, with a registration that may come from the cache. */
export interface AuthenticatedClient {
  readonly registration: Registration
  /** Null for a public client, which cannot authenticate. */
  readonly authentication: Authentication | null
  /** SHA-256 in base64url of the certificate of the TLS connection, where tokens are bound to it (RFC 8705, section 3.1: `x5t#S256`). */
  readonly certificateThumbprint?: string
  /** The use of the assertion, which is recorded with the token, or when the client is renewed; absent: nothing is to be recorded. */
  readonly pendingUse?: PendingUse
  /** Authenticates the same credentials against the current registration. @throws KeywrightError `invalid_client` */
  renew(): Promise<AuthenticatedClient>
}

/** Authenticates clients by their registrations. */
export interface Authenticator {
  /**
   * Checks credentials against a registration. Undefined: invalid credentials.
   * @throws ForbiddenNetworkError
   */
  prove(registration: Registration, credentials: Credentials, requireApiKey: boolean): AuthenticatedClient | undefined
  /**
   * Finds a client and checks its credentials. A cached registration can only confirm them: before a rejection the
   * registration is read again. `accept` may reject a registration, with the same second look.
   * @throws ForbiddenNetworkError
   */
  proveById(
    clientId: string,
    credentials: Credentials,
    requireApiKey: boolean,
    accept?: (registration: Registration) => boolean,
  ): Promise<AuthenticatedClient | undefined>
  /** A public client, without authentication. @param address as in `Credentials` @throws ForbiddenNetworkError */
  trust(registration: Registration, address?: string): AuthenticatedClient
}

/** @param clock the database's: on a node whose own clock is late, a retired secret would still be valid */
export function createAuthenticator(registrations: Registrations, clock: Clock): Authenticator {
  async function renewed(clientId: string): Promise<Registration> {
    const registration = await registrations.fresh(clientId)
    if (!registration) throw new KeywrightError('invalid_client', 'the client was replaced or archived')
    return registration
  }

  const trust: Authenticator['trust'] = (registration, address) => {
    checkAddress(registration, address)
    return {
      registration,
      authentication: null,
      renew: async () => trust(await renewed(registration.clientId), address),
    }
  }

  const prove: Authenticator['prove'] = (registration, credentials, requireApiKey) => {
    const authentication = authenticate(registration, credentials, requireApiKey, clock.now())
    if (!authentication) return undefined
    checkAddress(registration, credentials.address)
    const renew = async () => {
      const again = prove(await renewed(registration.clientId), credentials, requireApiKey)
      if (!again) throw new KeywrightError('invalid_client', 'the client secret was replaced')
      return again
    }
    return { registration, authentication, renew }
  }

  const proveById: Authenticator['proveById'] = async (clientId, credentials, requireApiKey, accept = () => true) => {
    // An ID that is longer than any of ours, or a mistyped secret, needs no query.
    if (clientId.length > 200) return undefined
    if (!isWellFormedSecret('clientSecret', credentials.secret)) return undefined
    const proveBy = (registration: Registration | undefined) =>
      registration && accept(registration) ? prove(registration, credentials, requireApiKey) : undefined
    const cached = registrations.cached(clientId)
    const isRefused = cached !== undefined && !isAllowedFrom(cached, credentials.address)
    return (isRefused ? undefined : proveBy(cached)) ?? proveBy(await registrations.fresh(clientId))
  }

  return { trust, prove, proveById }
}
