import type { Knex } from 'knex'
import { lockUserShared } from '../accounts/user-locks.ts'
import { findUserById, mayAct } from '../accounts/users.ts'
import type { AuthenticatedClient } from '../clients/client-authentication.ts'
import type { Registrations } from '../clients/registrations.ts'
import { KeywrightError } from '../shared/errors.ts'
import { planInTransaction } from './insert-in-transaction.ts'
import type { IssuedToken, Issuer } from './issuance.ts'
import type { TokenRequest } from './planned-token.ts'
import { retryOnStaleClient, rollBackIfStale } from './stale-client.ts'

/** A token with which a service acts for a user, in one account. */
export interface DelegatedTokenRequest {
  /** The client of the service, which has authenticated. */
  readonly clientId: string
  readonly userId: string
  readonly accountId: string
  /** The identifier of the API. */
  readonly resource: string
  /** Separated by spaces; scopes that the client has. */
  readonly scope: string
  /** Seconds, at most. */
  readonly lifetime: number
}

/** Issues tokens in the name of users for whom a service answers. They carry `act` (RFC 8693, section 4.1). */
export interface DelegatedTokens {
  /** @throws KeywrightError `invalid_client`, `invalid_scope`, `invalid_target`, `conflict` (the user may not act), `unavailable` */
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
    registration: { ...registration, accessTokenTtl },
    authentication: null,
    renew: () => readClient(registrations, clientId, lifetime),
  }
}

export function createDelegatedTokens({ knex, issuer, registrations }: Services): DelegatedTokens {
  /** Undefined: the client is stale. The user is locked, so that no change of theirs misses the token. */
  async function issueInTransaction(
    trx: Knex,
    client: AuthenticatedClient,
    { userId, accountId, resource, scope, clientId }: DelegatedTokenRequest,
  ): Promise<IssuedToken | undefined> {
    await lockUserShared(trx, userId, accountId)
    const user = await findUserById(trx, userId, accountId)
    if (!user || !mayAct(user)) throw new KeywrightError('conflict', 'the user, or the account, is disabled')
    const request: TokenRequest = {
      client,
      resource,
      scope,
      subject: userId,
      accountId,
      metadata: null,
      grantId: null,
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
        return await rollBackIfStale(knex, (trx) => issueInTransaction(trx, client, request))
      })
    },
  }
}
