import type { Knex } from 'knex'
import { IDENTITY_SCOPES, resolveScope } from '../apis/scopes.ts'
import { type Actor, type AuditEntry, recordAudit } from '../audit/audit-log.ts'
import type { AuthenticatedClient } from '../clients/client-authentication.ts'
import { DEFAULT_EXCHANGE_TTL, EXCHANGE_ATTRIBUTES, type ExchangePolicy } from '../clients/exchange-attributes.ts'
import type { ApiAccess } from '../clients/registration.ts'
import { fromColumns } from '../shared/attribute-columns.ts'
import { type Clock, epochSeconds } from '../shared/clock.ts'
import { KeywrightError } from '../shared/errors.ts'
import { MANAGEMENT_API } from '../shared/management-api-identifier.ts'
import { planInTransaction } from '../tokens/insert-in-transaction.ts'
import type { IssuedToken, Issuer } from '../tokens/issuance.ts'
import { selectApi, type TokenRequest } from '../tokens/planned-token.ts'
import { retryOnStaleClient, rollBackIfStaleOrDeadlocked } from '../tokens/stale-client.ts'
import {
  allowsSubject,
  type ExchangeSubject,
  findNamedSubject,
  type NamedSubject,
  namedSubjectRefused,
} from './named-subjects.ts'
import { type LockedSubjectToken, lockSubjectToken, subjectTokenError } from './subject-tokens.ts'

/** The most clients that act in a chain of exchanges: so many claims `act` are nested. */
export const MAX_ACTORS = 3

/** The claim `act` (RFC 8693, section 4.1): the client that acts, and the one that acted before it. */
interface ActClaim {
  readonly sub: string
  readonly act?: ActClaim
}

/** A token exchange (RFC 8693, section 2.1), after client authentication. */
export interface ExchangeRequest {
  readonly client: AuthenticatedClient
  /** The verified claims of the subject token, an access token of this issuer. */
  readonly claims: Readonly<Record<string, unknown>>
  /** For whom the client wants a token. Undefined: for whom the subject token acts. */
  readonly named?: NamedSubject | undefined
  /** The API's identifier. Undefined: that of the subject token. */
  readonly resource: string | undefined
  /** Space-separated. Undefined: every scope that is allowed. */
  readonly scope: string | undefined
  /** The thumbprint of the key whose DPoP proof was verified (RFC 9449). */
  readonly jkt: string | undefined
  /** Who is named in the audit log. */
  readonly actor: Actor
}

const notAllowed = (message: string) => new KeywrightError('invalid_input', message, { reason: 'exchange_not_allowed' })

/** The clients that acted so far, the latest first. */
function actorsOf({ act }: Readonly<Record<string, unknown>>): string[] {
  const actors: string[] = []
  for (let one = act as ActClaim | undefined; one !== undefined; one = one.act) actors.push(one.sub)
  return actors
}

/** A token that is bound to a key is exchanged only by who proves that key: a copy of it is worth nothing. */
function checkBinding({ client, claims, jkt }: ExchangeRequest): void {
  if (claims.cnf === undefined) return
  const { jkt: bound, 'x5t#S256': certificate, ...others } = claims.cnf as Record<string, unknown>
  const isProven = bound === jkt && (certificate === undefined || certificate === client.certificateThumbprint)
  if (Object.keys(others).length > 0 || !isProven)
    throw subjectTokenError('the subject token is bound to a key that this request does not prove')
}

const POLICY_COLUMNS = [
  ...['exchange_from', 'exchange_scopes', 'exchange_ttl', 'exchange_apis', 'exchange_accounts'],
  'exchange_without_user',
]

/** The policy of a client; undefined: the client was deleted. It stays so until the transaction ends if its row is locked. */
async function readPolicy(trx: Knex, clientKey: number): Promise<ExchangePolicy | undefined> {
  const row = await trx('clients').where({ id: clientKey }).first(POLICY_COLUMNS)
  return row && fromColumns(EXCHANGE_ATTRIBUTES, row)
}

/** @throws KeywrightError `invalid_input` */
function checkActors({ client, claims }: ExchangeRequest, subject: LockedSubjectToken): void {
  const [issuedTo, ...earlier] = subject.clientKeys
  const { key } = client.registration
  if (earlier.length > 0 && [issuedTo, ...earlier].includes(key))
    throw notAllowed('this client is already in the chain of exchanges')
  if (actorsOf(claims).length >= MAX_ACTORS) throw notAllowed(`a chain has at most ${MAX_ACTORS} exchanges`)
}

/** @throws KeywrightError `invalid_input` */
function checkPolicy(
  { named }: ExchangeRequest,
  { actsFor, clientId }: LockedSubjectToken,
  policy: ExchangePolicy,
): void {
  if (named) {
    if (!allowsSubject(policy, actsFor)) throw namedSubjectRefused(actsFor)
  } else if (!policy.exchangeFrom?.includes(clientId))
    throw notAllowed('this client may not exchange tokens of the client that the subject token was issued to')
}

/** @throws KeywrightError `invalid_target` */
function checkTarget(
  { client, named }: ExchangeRequest,
  api: ApiAccess,
  subject: LockedSubjectToken,
  policy: ExchangePolicy,
) {
  const { audience, clientKeys } = subject
  if (api.identifier === MANAGEMENT_API || audience === MANAGEMENT_API)
    throw new KeywrightError('invalid_target', 'tokens of the management API cannot be exchanged')
  if (api.identifier !== audience && !policy.exchangeApis?.includes(api.identifier))
    throw new KeywrightError('invalid_target', 'the subject token is for another API')
  const isSingle = (client.registration.policy ?? api.policy) === 'single'
  if (!named && isSingle && api.identifier === audience && clientKeys[0] === client.registration.key)
    throw notAllowed('under the token policy single, the new token would revoke the subject token')
}

/** The scopes that the subject token, the client and its policy have in common. @throws KeywrightError `invalid_scope` */
function grantedScope(
  requested: string | undefined,
  api: ApiAccess,
  subject: LockedSubjectToken,
  policy: ExchangePolicy,
) {
  const ofToken = subject.scope.split(' ').filter((scope) => !IDENTITY_SCOPES.includes(scope))
  const common = ofToken.filter(
    (scope) => api.scopes.includes(scope) && (policy.exchangeScopes?.includes(scope) ?? true),
  )
  const scope = resolveScope(requested, common)
  if (scope === '') throw new KeywrightError('invalid_scope', 'no scope of the subject token may be exchanged')
  return scope
}

const toTarget = ({ userId, accountId }: ExchangeSubject) =>
  userId === null ? { type: 'account' as const, id: accountId } : { type: 'user' as const, id: userId }

/** The action and the target of the audit event. */
function auditedSubject({ actsFor }: LockedSubjectToken, isNamed: boolean): Pick<AuditEntry, 'action' | 'target'> {
  const target = toTarget(actsFor)
  if (!isNamed) return { action: 'token.exchanged', target }
  return { action: target.type === 'user' ? 'token.obtained_for_user' : 'token.obtained_for_account', target }
}

const claimsAbout = ({ auth_time, acr, amr }: Readonly<Record<string, unknown>>) => ({ auth_time, acr, amr })

/**
 * Issues an access token in exchange for one of a user (RFC 8693), or, for a user or an account that the client names, for one of the
 * client. It depends on that token.
 */
export class TokenExchange {
  readonly #knex: Knex
  readonly #issuer: Issuer
  readonly #clock: Clock

  constructor(knex: Knex, issuer: Issuer, clock: Clock) {
    this.#knex = knex
    this.#issuer = issuer
    this.#clock = clock
  }

  /**
   * @throws KeywrightError `invalid_input` when the subject token is not acceptable, `invalid_target`, `invalid_scope`
   * @throws QuotaExceededError
   */
  exchange(request: ExchangeRequest): Promise<IssuedToken> {
    return retryOnStaleClient(request.client, (client) => this.#exchangeOnce({ ...request, client }))
  }

  /** Undefined when the client is stale, or the transaction conflicts with another one. */
  async #exchangeOnce(request: ExchangeRequest): Promise<IssuedToken | undefined> {
    checkBinding(request)
    const { client, claims, resource = String(claims.aud) } = request
    await this.#issuer.prepare({ client, resource })
    return await rollBackIfStaleOrDeadlocked(this.#knex, (trx) =>
      this.#exchangeInTransaction(trx, { ...request, resource }),
    )
  }

  async #exchangeInTransaction(trx: Knex, request: ExchangeRequest): Promise<IssuedToken | undefined> {
    const { client, claims, named } = request
    const { key } = client.registration
    const earlier = named && (await readPolicy(trx, key))
    if (named && !earlier) return undefined
    const acting = named && earlier && (await findNamedSubject(trx, named, earlier))
    const accountId = typeof claims.account_id === 'string' ? claims.account_id : null
    const token = { jti: String(claims.jti), expiresAt: Number(claims.exp), accountId }
    const subject = await lockSubjectToken(trx, token, key, acting)
    const policy = await readPolicy(trx, key)
    if (!policy) return undefined
    checkPolicy(request, subject, policy)
    checkActors(request, subject)
    const api = selectApi(client.registration, request.resource)
    checkTarget(request, api, subject, policy)
    const scope = grantedScope(request.scope, api, subject, policy)
    const planned = await planInTransaction(trx, this.#issuer, this.#toTokenRequest(request, subject, scope, policy))
    if (!planned) return undefined
    await recordAudit(trx, request.actor, {
      ...auditedSubject(subject, named !== undefined),
      accountId: subject.user.accountId,
      detail: {
        client_id: client.registration.clientId,
        subject_client_id: subject.clientId,
        audience: api.identifier,
        scope,
      },
    })
    return await this.#issuer.sign(planned, planned.quota)
  }

  #toTokenRequest(
    { client, claims, resource, jkt }: ExchangeRequest,
    { actsFor, user }: LockedSubjectToken,
    scope: string,
    policy: ExchangePolicy,
  ): TokenRequest {
    const expiresAt = Number(claims.exp)
    const longest = epochSeconds(this.#clock.now()) + (policy.exchangeTtl ?? DEFAULT_EXCHANGE_TTL)
    return {
      client,
      resource,
      scope,
      subject: toTarget(actsFor).id,
      accountId: user.accountId,
      metadata: user.metadata,
      grantId: null,
      exchange: { subjectToken: { jti: String(claims.jti), expiresAt }, expiresBy: Math.min(expiresAt, longest) },
      extra: {
        ...claimsAbout(claims),
        act: { sub: client.registration.clientId, ...(claims.act !== undefined && { act: claims.act }) },
        ...(jkt && { cnf: { jkt } }),
      },
    }
  }
}
