import type { Clock } from '../shared/clock.ts'
import { KeywrightError } from '../shared/errors.ts'
import { hashSecret, isWellFormedSecret, sameHash } from '../shared/secrets.ts'
import type { LiveSecret, Registration, Registrations } from './registrations.ts'

/** How a client proved who it is. */
export interface Authentication {
  readonly secretId: number
  /** Milliseconds since 1970; what was obtained with the secret ends with it. */
  readonly retiresAt: number | null
  /** SHA-256 of the API key that came with it, where the client must send one. */
  readonly apiKeyHash: Buffer | null
}

export interface Credentials {
  readonly secret: string
  /** The `x-api-key` header; undefined where it is not asked for. */
  readonly apiKey?: string | undefined
}

function match(candidates: readonly LiveSecret[], hash: Buffer, now: number): LiveSecret | undefined {
  return candidates.find(
    (candidate) => sameHash(candidate.hash, hash) && (candidate.retiresAt === null || candidate.retiresAt > now),
  )
}

function matchApiKey(registration: Registration, apiKey: string | undefined, now: number): LiveSecret | undefined {
  if (!apiKey || !isWellFormedSecret('apiKey', apiKey)) return undefined
  return match(registration.apiKeys, hashSecret(apiKey), now)
}

/** Checks a secret, and the API key where `requireApiKey` and the registration ask for one. Undefined: not proven. */
export function authenticate(
  registration: Registration,
  credentials: Credentials,
  requireApiKey: boolean,
  now: number,
): Authentication | undefined {
  if (!isWellFormedSecret('clientSecret', credentials.secret)) return undefined
  const secret = match(registration.secrets, hashSecret(credentials.secret), now)
  if (!secret) return undefined
  if (!requireApiKey || !registration.apiKeyRequired) {
    return { secretId: secret.id, retiresAt: secret.retiresAt, apiKeyHash: null }
  }
  const apiKey = matchApiKey(registration, credentials.apiKey, now)
  if (!apiKey) return undefined
  const ends = [secret.retiresAt, apiKey.retiresAt].filter((end) => end !== null)
  return {
    secretId: secret.id,
    retiresAt: ends.length > 0 ? Math.min(...ends) : null,
    apiKeyHash: hashSecret(credentials.apiKey!),
  }
}

/** A client that proved who it is, by a registration that may have been remembered. */
export interface AuthenticatedClient {
  readonly registration: Registration
  /** Null for a public client, which has nothing to prove itself with. */
  readonly authentication: Authentication | null
  /** Proves the same credentials again, by the registration as it is now. @throws KeywrightError `invalid_client` */
  renew(): Promise<AuthenticatedClient>
}

/** Puts the question of who calls to the registrations. */
export interface Authenticator {
  /** Checks credentials against a registration. Undefined: not proven. */
  prove(registration: Registration, credentials: Credentials, requireApiKey: boolean): AuthenticatedClient | undefined
  /**
   * Finds a client and checks its credentials. By a remembered registration only a yes counts: before a no, the
   * registration is read again. `accept` may refuse a registration for what it says; it is then asked again the same way.
   */
  proveById(
    clientId: string,
    credentials: Credentials,
    requireApiKey: boolean,
    accept?: (registration: Registration) => boolean,
  ): Promise<AuthenticatedClient | undefined>
  /** A client that has nothing to prove. */
  trust(registration: Registration): AuthenticatedClient
}

/** @param clock the database's: on a node whose own clock is behind, a retired secret would still prove a client */
export function createAuthenticator(registrations: Registrations, clock: Clock): Authenticator {
  async function renewed(clientId: string): Promise<Registration> {
    const registration = await registrations.fresh(clientId)
    if (!registration) throw new KeywrightError('invalid_client', 'the client was replaced or archived')
    return registration
  }

  const trust = (registration: Registration): AuthenticatedClient => ({
    registration,
    authentication: null,
    renew: async () => trust(await renewed(registration.clientId)),
  })

  const prove: Authenticator['prove'] = (registration, credentials, requireApiKey) => {
    const authentication = authenticate(registration, credentials, requireApiKey, clock.now())
    if (!authentication) return undefined
    const renew = async () => {
      const again = prove(await renewed(registration.clientId), credentials, requireApiKey)
      if (!again) throw new KeywrightError('invalid_client', 'the client secret was replaced')
      return again
    }
    return { registration, authentication, renew }
  }

  const proveById: Authenticator['proveById'] = async (clientId, credentials, requireApiKey, accept = () => true) => {
    // Neither an ID that is longer than any of ours nor a mistyped secret needs a look-up.
    if (clientId.length > 200) return undefined
    if (!isWellFormedSecret('clientSecret', credentials.secret)) return undefined
    const proveBy = (registration: Registration | undefined) =>
      registration && accept(registration) ? prove(registration, credentials, requireApiKey) : undefined
    return proveBy(registrations.remembered(clientId)) ?? proveBy(await registrations.fresh(clientId))
  }

  return { trust, prove, proveById }
}
