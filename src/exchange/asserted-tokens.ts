import type { Knex } from 'knex'
import { findCredentialsById } from '../accounts/credentials.ts'
import { isMultiFactor } from '../accounts/sign-in-tickets.ts'
import { findByIdentifier } from '../apis/resource-identifiers.ts'
import { IDENTITY_SCOPES, resolveScope } from '../apis/scopes.ts'
import { type Actor, recordAudit } from '../audit/audit-log.ts'
import type { AuthenticatedClient } from '../clients/client-authentication.ts'
import type { ApiAccess, Registration } from '../clients/registration.ts'
import { lockActiveUserShared } from '../consents/consent-locks.ts'
import { assertionError, type IdentityAssertion } from '../identity-providers/identity-assertions.ts'
import { lockAssertingProviderShared } from '../identity-providers/identity-providers.ts'
import { authenticationIn, usernameIn } from '../identity-providers/upstream-claims.ts'
import { createNewcomer } from '../identity-providers/upstream-users.ts'
import { findAssertedIdentity, recordAssertionUse } from '../identity-providers/user-identities.ts'
import { epochSeconds } from '../shared/clock.ts'
import { KeywrightError } from '../shared/errors.ts'
import { MANAGEMENT_API } from '../shared/management-api-identifier.ts'
import { planInTransaction } from '../tokens/insert-in-transaction.ts'
import type { IssuedToken, Issuer } from '../tokens/issuance.ts'
import { selectApi, type TokenRequest } from '../tokens/planned-token.ts'
import { retryOnStaleClient, rollBackIfStaleOrDeadlocked } from '../tokens/stale-client.ts'
import { accountOfAssertion } from './asserted-accounts.ts'

/** A request with an identity assertion, after client authentication. */
export interface AssertedTokenRequest {
  readonly client: AuthenticatedClient
  /** Verified; its use is not recorded yet. */
  readonly assertion: IdentityAssertion
  /** The API's identifier. Undefined: that of the assertion. */
  readonly resource: string | undefined
  /** Space-separated. Undefined: every scope that is allowed. */
  readonly scope: string | undefined
  /** The thumbprint of the key whose DPoP proof was verified (RFC 9449). */
  readonly jkt: string | undefined
  /** Who is named in the audit log. */
  readonly actor: Actor & { readonly ip: string }
  /** Records a one-time ID. False when any node has recorded it before. @param expiresAt seconds since 1970 */
  once(trx: Knex, id: string, expiresAt: number): Promise<boolean>
}

const notAllowed = (message: string, cause?: unknown) =>
  assertionError(message, 'identity_assertion_not_allowed', cause)

/** Whether the client may present identity assertions. It stays so until the transaction ends if its row is locked. */
export const acceptsIdentityAssertions = async (db: Knex, clientKey: number): Promise<boolean> =>
  (await db('clients').where({ id: clientKey }).first('identity_assertions'))?.identity_assertions === true

/** The API that the assertion and the request name (RFC 8707, section 2). @throws KeywrightError `invalid_target` */
function targetOf(registration: Registration, { assertion, resource }: AssertedTokenRequest): ApiAccess {
  const { resources } = assertion
  const isNamed = (api: ApiAccess) => resources?.some((one) => findByIdentifier([api], one)) ?? true
  const named = resources && resource === undefined ? registration.apis.filter(isNamed) : []
  if (named.length > 1)
    throw new KeywrightError('invalid_target', 'the assertion is for several APIs; name one in the resource parameter')
  const api = named[0] ?? selectApi(registration, resource ?? resources?.[0])
  if (!isNamed(api)) throw new KeywrightError('invalid_target', 'the identity assertion is not for this API')
  if (api.identifier === MANAGEMENT_API)
    throw new KeywrightError('invalid_target', 'no identity assertion obtains a token for the management API')
  return api
}

/** The scopes that the assertion and the client have in common. @throws KeywrightError `invalid_scope` */
function grantedScope({ assertion, scope: requested }: AssertedTokenRequest, api: ApiAccess): string {
  const asserted = assertion.scopes?.filter((scope) => !IDENTITY_SCOPES.includes(scope))
  const scope = resolveScope(requested, asserted ? api.scopes.filter((one) => asserted.includes(one)) : api.scopes)
  if (scope === '')
    throw new KeywrightError('invalid_scope', 'the identity assertion has no scope that the client has for this API')
  return scope
}

/** A bound assertion takes the proof of its key (section 4.4 of the draft, *Proof-of-Possession*). @throws KeywrightError `invalid_grant` */
function checkProof({ assertion, jkt }: AssertedTokenRequest): void {
  if (assertion.jkt !== undefined && assertion.jkt !== jkt)
    throw assertionError('the identity assertion is bound to a key that this request does not prove')
}

/** Finds the user of the subject, or creates one where the provider is set up to. An address alone never finds a user. */
async function findOrCreateIdentity(trx: Knex, { assertion, actor }: AssertedTokenRequest) {
  const { provider, subject, claims } = assertion
  const found = await findAssertedIdentity(trx, provider.id, subject)
  if (found) return { ...found, isNew: false }
  const origin = { ip: actor.ip, requestId: actor.requestId }
  const newcomer = { provider, subject, username: usernameIn(claims), claims, origin }
  try {
    const created = await createNewcomer(trx, newcomer)
    if (created) return { id: created.identityId, userId: created.userId, signedOutAt: null, isNew: true }
  } catch (error) {
    if (!(error instanceof KeywrightError)) throw error
    throw notAllowed('no user can be created for this subject', error)
  }
  throw notAllowed('no user is connected to this subject: they must first sign in through the identity provider')
}

type Identity = Awaited<ReturnType<typeof findOrCreateIdentity>>

/** What a sign-in through the provider would require of the user, who is locked. @throws KeywrightError `invalid_grant` */
async function checkUser(trx: Knex, { assertion }: AssertedTokenRequest, { userId, isNew }: Identity): Promise<void> {
  const person = await findCredentialsById(trx, userId)
  if (!person || person.user.role === 'operator') throw notAllowed('the user may not be acted for')
  const { amr } = authenticationIn(assertion.claims, assertion.provider)
  if ((person.hasSecondFactor || person.mustHaveSecondFactor) && !isMultiFactor(amr))
    throw notAllowed('the user must use a second factor, and the assertion states none that is accepted')
  // A new user was not signed out before, although the assertion is older than the user.
  const { sessionsValidFrom, createdAt } = person.user
  if (!isNew && sessionsValidFrom > createdAt && assertion.issuedAt < Math.floor(sessionsValidFrom.getTime() / 1000))
    throw assertionError('the identity assertion was issued before the access of the user was revoked')
}

/** Issues access tokens by identity assertions (draft-ietf-oauth-identity-assertion-authz-grant-03): no refresh token and no ID token. */
export class AssertedTokens {
  readonly #knex: Knex
  readonly #issuer: Issuer

  constructor(knex: Knex, issuer: Issuer) {
    this.#knex = knex
    this.#issuer = issuer
  }

  /**
   * Uses the assertion once, over all nodes. A request that is refused does not use it up.
   * @throws KeywrightError `invalid_grant`, `invalid_target`, `invalid_scope`
   * @throws QuotaExceededError
   */
  issue(request: AssertedTokenRequest): Promise<IssuedToken> {
    checkProof(request)
    return retryOnStaleClient(request.client, async (client) => {
      const api = targetOf(client.registration, request)
      await this.#issuer.prepare({ client, resource: api.identifier })
      return await rollBackIfStaleOrDeadlocked(this.#knex, (trx) =>
        this.#issueInTransaction(trx, { ...request, client }, api),
      )
    })
  }

  /**
   * Undefined: the client is stale. The locks are taken in the order of other transactions: provider, user, client. So what ends the
   * trust in the provider, the identity, the user or the membership either is seen here, or waits and then revokes the token.
   */
  async #issueInTransaction(
    trx: Knex,
    request: AssertedTokenRequest,
    api: ApiAccess,
  ): Promise<IssuedToken | undefined> {
    const { client, assertion, actor } = request
    const { clientId, key } = client.registration
    const provider = await lockAssertingProviderShared(trx, assertion.provider.id)
    if (!provider) throw notAllowed('the identity provider no longer accepts identity assertions')
    const id = `identity assertion ${provider.issuer}\n${assertion.jti}`
    if (!(await request.once(trx, id, assertion.keptUntil)))
      throw assertionError('the identity assertion was used before', 'identity_assertion_replayed')
    const identity = await findOrCreateIdentity(trx, request)
    const accountId = await accountOfAssertion(trx, { ...request, userId: identity.userId })
    const user = await lockActiveUserShared(trx, { userId: identity.userId, accountId }).catch((error: unknown) => {
      throw error instanceof KeywrightError ? notAllowed('the user is not active in this account', error) : error
    })
    // While the user was not locked, the identity may have been removed, or signed out.
    const locked = await findAssertedIdentity(trx, provider.id, assertion.subject)
    if (locked?.userId !== identity.userId) throw notAllowed('the identity was removed')
    if (locked.signedOutAt !== null && assertion.issuedAt <= locked.signedOutAt)
      throw assertionError('the user has signed out at the identity provider since the assertion was issued')
    await checkUser(trx, request, identity)
    const scope = grantedScope(request, api)
    const planned = await planInTransaction(trx, this.#issuer, {
      ...this.#toTokenRequest(request, api, scope),
      ...user,
      subject: identity.userId,
      grantId: locked.id,
    })
    if (!planned) return undefined
    if (!(await acceptsIdentityAssertions(trx, key)))
      throw notAllowed('this client may not present identity assertions')
    await recordAssertionUse(trx, locked.id)
    await recordAudit(trx, actor, {
      action: 'token.obtained_by_assertion',
      target: { type: 'user', id: identity.userId },
      accountId,
      detail: {
        client_id: clientId,
        identity_provider: provider.id,
        provider: provider.name,
        audience: api.identifier,
        scope,
      },
    })
    return await this.#issuer.sign(planned, planned.quota)
  }

  #toTokenRequest({ client, assertion, jkt }: AssertedTokenRequest, api: ApiAccess, scope: string) {
    const { amr, acr, authenticatedAt } = authenticationIn(assertion.claims, assertion.provider)
    return {
      client,
      resource: api.identifier,
      scope,
      extra: {
        ...(authenticatedAt !== undefined && { auth_time: epochSeconds(authenticatedAt) }),
        ...(acr !== undefined && { acr }),
        ...(amr.length > 0 && { amr }),
        ...(jkt !== undefined && { cnf: { jkt } }),
      },
    } satisfies Partial<TokenRequest>
  }
}
