import type { Clock } from '../shared/clock.ts'
import { KeywrightError } from '../shared/errors.ts'
import { type AssertionUse, PendingUse } from './assertion-uses.ts'
import { type Audiences, InvalidAssertionError, verifyAssertion, worksAt } from './client-assertions.ts'
import { type AuthenticatedClient, checkAddress } from './client-authentication.ts'
import type { KeyFetches } from './key-fetches.ts'
import { quotaKeyOf } from './quotas.ts'
import type { Registration, ValidKey } from './registration.ts'
import type { Registrations } from './registrations.ts'

/** A client assertion, and where it came from. */
export interface AssertionRequest {
  readonly assertion: string
  readonly audiences: Audiences
  /** The address of the request; undefined where the client may call from any network. */
  readonly address: string | undefined
  /** Whether the caller records the use itself (`pendingUse`), where that is possible. */
  readonly defersUse?: boolean
}

/** A client that an assertion has proved. */
export interface ProvedClient extends AuthenticatedClient {
  /** Whether the assertion was accepted because of `endpointAudiences`. */
  readonly hasEndpointAudience: boolean
}

/** Authenticates clients by signed assertions (RFC 7523, section 2.2). */
export interface AssertionAuthenticator {
  /**
   * Verifies an assertion, and records its use unless that is deferred.
   * @throws InvalidAssertionError, ForbiddenNetworkError
   * @throws KeywrightError `invalid_client`: the assertion was used before
   */
  prove(registration: Registration, request: AssertionRequest): Promise<ProvedClient>
  /**
   * The same with the current registration. Where the client publishes its keys, and none of those that are known signed the assertion, they
   * are fetched and it is tried again.
   * @param find reads the current registration
   */
  proveByCurrent(find: () => Promise<Registration>, request: AssertionRequest): Promise<ProvedClient>
}

/** What a proved assertion says beside its key. */
interface Proof extends Pick<AssertionRequest, 'address'> {
  readonly hasEndpointAudience: boolean
}

/** What an assertion has proved: the same as the secret with the ID of its key. */
const provedBy = ({ id, retiresAt }: ValidKey) => ({ secretId: id, apiKeyId: null, retiresAt, apiKeyHash: null })

/** A limit is checked before a token is recorded, and counts only requests of the client itself. */
const hasLimit = (registration: Registration): boolean =>
  Boolean(registration.rateLimit) || quotaKeyOf(registration) !== null

const hasUnknownKey = (error: unknown): boolean =>
  error instanceof InvalidAssertionError && error.reason === 'assertion_key'

/**
 * @param isFirstUse records a use; false: an earlier one is recorded
 * @param clock the database's: on a node whose own clock is late, a retired key would still be valid
 */
export function createAssertionAuthenticator(
  registrations: Registrations,
  isFirstUse: (use: AssertionUse) => Promise<boolean>,
  clock: Clock,
  keyFetches: Pick<KeyFetches, 'afterUnknownKey'>,
): AssertionAuthenticator {
  /** The current registration with a key that was proved. The key may have been stored again, as when it moves to a URL. */
  async function readKey(clientId: string, proved: ValidKey) {
    const registration = await registrations.fresh(clientId)
    const keys = registration?.keys.filter((one) => worksAt(one, clock.now())) ?? []
    const key = keys.find(({ id }) => id === proved.id) ?? keys.find(({ hash }) => hash === proved.hash)
    return { registration, key }
  }

  /** The client by a key that it has proved: the assertion is recorded and would not prove it again. */
  async function withKey(clientId: string, proved: ValidKey, proof: Proof): Promise<ProvedClient> {
    let { registration, key } = await readKey(clientId, proved)
    if (registration?.jwksUri && !key) {
      await keyFetches.afterUnknownKey(registration.key)
      ;({ registration, key } = await readKey(clientId, proved))
    }
    if (!registration || !key)
      throw new KeywrightError('invalid_client', 'the client or its key was replaced or archived')
    if (proof.hasEndpointAudience && !registration.endpointAudiences)
      throw new KeywrightError('invalid_client', 'the client may no longer name endpoints as audience')
    checkAddress(registration, proof.address)
    return authenticated(registration, key, proof)
  }

  const authenticated = (registration: Registration, key: ValidKey, proof: Proof): ProvedClient => ({
    registration,
    authentication: provedBy(key),
    hasEndpointAudience: proof.hasEndpointAudience,
    renew: () => withKey(registration.clientId, key, proof),
  })

  const prove: AssertionAuthenticator['prove'] = async (registration, request) => {
    const { assertion, audiences, address } = request
    const verified = verifyAssertion(registration, assertion, audiences, clock.now())
    const { key, hasEndpointAudience, ...use } = verified
    checkAddress(registration, address)
    const pendingUse = new PendingUse({ clientId: registration.clientId, ...use }, isFirstUse)
    const client = authenticated(registration, key, { address, hasEndpointAudience })
    if (!request.defersUse || hasLimit(registration)) {
      await pendingUse.record()
      return client
    }
    const renew = async () => {
      await pendingUse.record()
      return await client.renew()
    }
    return { ...client, pendingUse, renew }
  }

  const proveByCurrent: AssertionAuthenticator['proveByCurrent'] = async (find, request) => {
    const registration = await find()
    try {
      return await prove(registration, request)
    } catch (error) {
      if (registration.jwksUri === null || !hasUnknownKey(error)) throw error
    }
    const failure = await keyFetches.afterUnknownKey(registration.key)
    try {
      return await prove(await find(), request)
    } catch (error) {
      if (failure === undefined || !hasUnknownKey(error)) throw error
      throw new InvalidAssertionError('keys_not_fetched', `the keys of the client could not be fetched: ${failure}`)
    }
  }

  return { prove, proveByCurrent }
}
