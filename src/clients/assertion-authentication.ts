import type { Clock } from '../shared/clock.ts'
import { KeywrightError } from '../shared/errors.ts'
import type { AssertionUse } from './assertion-uses.ts'
import { InvalidAssertionError, verifyAssertion } from './client-assertions.ts'
import { type AuthenticatedClient, checkAddress } from './client-authentication.ts'
import type { Registration, ValidKey } from './registration.ts'
import type { Registrations } from './registrations.ts'

/** A client assertion, and where it came from. */
export interface AssertionRequest {
  readonly assertion: string
  /** The issuer identifier of this server, the only audience that is accepted. */
  readonly issuer: string
  /** The address of the request; undefined where the client may call from any network. */
  readonly address: string | undefined
}

/** Authenticates clients by signed assertions (RFC 7523, section 2.2). */
export interface AssertionAuthenticator {
  /**
   * Verifies an assertion, and records its use.
   * @throws InvalidAssertionError, ForbiddenNetworkError
   */
  prove(registration: Registration, request: AssertionRequest): Promise<AuthenticatedClient>
}

/** What an assertion has proved: the same as the secret with the ID of its key. */
const provedBy = ({ id, retiresAt }: ValidKey) => ({ secretId: id, apiKeyId: null, retiresAt, apiKeyHash: null })

/**
 * @param isFirstUse records a use; false: an earlier one is recorded
 * @param clock the database's: on a node whose own clock is late, a retired key would still be valid
 */
export function createAssertionAuthenticator(
  registrations: Registrations,
  isFirstUse: (use: AssertionUse) => Promise<boolean>,
  clock: Clock,
): AssertionAuthenticator {
  /** The client by a key that it has proved: the assertion is recorded and would not prove it again. */
  async function withKey(clientId: string, keyId: number, address: string | undefined): Promise<AuthenticatedClient> {
    const registration = await registrations.fresh(clientId)
    const key = registration?.keys.find(({ id }) => id === keyId)
    if (!registration || !key)
      throw new KeywrightError('invalid_client', 'the client or its key was replaced or archived')
    checkAddress(registration, address)
    return authenticated(registration, key, address)
  }

  const authenticated = (
    registration: Registration,
    key: ValidKey,
    address: string | undefined,
  ): AuthenticatedClient => ({
    registration,
    authentication: provedBy(key),
    renew: () => withKey(registration.clientId, key.id, address),
  })

  return {
    async prove(registration, { assertion, issuer, address }) {
      const { key, ...use } = await verifyAssertion(registration, assertion, issuer, clock.now())
      checkAddress(registration, address)
      if (!(await isFirstUse({ clientId: registration.clientId, ...use }))) {
        throw new InvalidAssertionError('assertion_replayed', 'the assertion was used before (jti)')
      }
      return authenticated(registration, key, address)
    },
  }
}
