import type { Knex } from 'knex'
import type { AuthenticatedClient } from '../clients/client-authentication.ts'
import type { Registrations } from '../clients/registrations.ts'
import { KeywrightError } from '../shared/errors.ts'
import { planInTransaction } from '../tokens/insert-in-transaction.ts'
import type { IssuedToken, Issuer } from '../tokens/issuance.ts'
import type { TokenRequest } from '../tokens/planned-token.ts'
import { retryOnStaleClient, rollBackIfStaleOrDeadlocked } from '../tokens/stale-client.ts'
import type { SubjectToken } from '../tokens/token-recording.ts'
import { lockSubjectToken } from './subject-tokens.ts'

/** A token with which a service acts for a user, in one account. */
export interface DelegatedTokenRequest {
  readonly clientId: string
  /** The access token of the service, with which it requests the other one. The new token ends with it. */
  readonly serviceToken: SubjectToken
  readonly userId: string
  readonly accountId: string
  /** The identifier of the API. */
  readonly resource: string
  /** Separated by spaces; scopes that the client has. */
  readonly scope: string
  /** Seconds, at most. */
  readonly lifetime: number
}

/**
 * Issues tokens in the name of users for whom a service answers. They carry `act` (RFC 8693, section 4.1), and depend on the token of the
 * service as an exchanged one does.
 */
export interface DelegatedTokens {
  /**
   * @throws KeywrightError `invalid_client`, `invalid_scope`, `invalid_target`, `conflict` (the user may not act), `forbidden` (the token
   * of the service has ended), `unavailable`
   */
  issue(request: DelegatedTokenRequest): Promise<IssuedToken>
}

interface Services {
  readonly knex: Knex
  readonly issuer: Issuer
  readonly registrations: Pick<Registrations, 'fresh'>
}

/** With a shorter lifetime of tokens, and as it is registered now. */
async function readClient(
  registrations: Services['registrations'],
  clientId: string,
  lifetime: number,
): Promise<AuthenticatedClient> {
  const registration = await registrations.fresh(clientId)
  if (!registration) throw new KeywrightError('invalid_client', 'the client of the service is not active')
  const accessTokenTtl = Math.min(registration.accessTokenTtl ?? lifetime, lifetime)
  return {
    // Pages of a browser use the token, which has no certificate of the service.
    registration: { ...registration, accessTokenTtl, certificateBoundAccessTokens: false },
    authentication: null,
    renew: () => readClient(registrations, clientId, lifetime),
  }
}

/** @throws KeywrightError */
function refuse(error: unknown): never {
  const reason = error instanceof KeywrightError ? error.reason : undefined
  if (reason === 'exchange_not_allowed') throw new KeywrightError('conflict', 'the user, or the account, is disabled')
  if (reason === 'subject_token_invalid') throw new KeywrightError('forbidden', 'the access token has ended')
  throw error
}

export function createDelegatedTokens({ knex, issuer, registrations }: Services): DelegatedTokens {
  /** Undefined: the client is stale. The user and the token of the service are locked, so that no change of theirs misses the token. */
  async function issueInTransaction(
    trx: Knex,
    client: AuthenticatedClient,
    { userId, accountId, resource, scope, clientId, serviceToken }: DelegatedTokenRequest,
  ): Promise<IssuedToken | undefined> {
    const token = { ...serviceToken, accountId: null }
    const acting = { userId, accountId }
    const { user } = await lockSubjectToken(trx, token, client.registration.key, acting).catch(refuse)
    const request: TokenRequest = {
      client,
      resource,
      scope,
      subject: userId,
      accountId,
      metadata: user.metadata,
      grantId: null,
      exchange: { subjectToken: serviceToken, expiresBy: serviceToken.expiresAt },
      extra: { act: { sub: clientId } },
    }
    const planned = await planInTransaction(trx, issuer, request)
    return planned && (await issuer.sign(planned, planned.quota))
  }

  return {
    async issue(request) {
      const first = await readClient(registrations, request.clientId, request.lifetime)
      return await retryOnStaleClient(first, async (client) => {
        await issuer.prepare({ client, resource: request.resource })
        return await rollBackIfStaleOrDeadlocked(knex, (trx) => issueInTransaction(trx, client, request))
      })
    },
  }
}
