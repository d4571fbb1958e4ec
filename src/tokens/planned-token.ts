import { findByIdentifier } from '../apis/resource-identifiers.ts'
import { resolveScope } from '../apis/scopes.ts'
import { type AuthenticatedClient, networksOf } from '../clients/client-authentication.ts'
import { quotaKeyOf } from '../clients/quotas.ts'
import type { ApiAccess, Registration } from '../clients/registration.ts'
import type { ServerWatch } from '../database/server-watch.ts'
import type { KeyRing, SigningRingKey } from '../keys/key-ring.ts'
import { epochSeconds } from '../shared/clock.ts'
import { type ClaimSources, claimValues } from '../shared/declared-claims.ts'
import type { Environment } from '../shared/environments.ts'
import { KeywrightError } from '../shared/errors.ts'
import { newId } from '../shared/ids.ts'
import type { StatusIndex, StatusIndexes } from '../status/status-indexes.ts'
import { statusUri } from '../status/status-lists.ts'
import type { SubjectToken, TokenRecord } from './token-recording.ts'

/** What a token is exchanged for (RFC 8693). */
export interface Exchange {
  /** Locked, with all that it depends on, by the transaction that records the token. */
  readonly subjectToken: SubjectToken
  /** Seconds since 1970: the latest time at which the token may expire. */
  readonly expiresBy: number
}

/** A request for an access token, after client authentication. */
export interface TokenRequest {
  readonly client: AuthenticatedClient
  /** The API's identifier. Undefined: the client's default API. */
  readonly resource: string | undefined
  /** Space-separated. Undefined: every scope that the client has for the API. */
  readonly scope: string | undefined
  /** OpenID Connect scopes (Core, section 5.4), space-separated. If present, an empty `scope` means no scope of the API. */
  readonly identityScope?: string
  /** The user's id. Empty when the client acts for itself. */
  readonly subject: string
  /** The account of the user; null: an operator, or the client acts for itself, with the account of its registration. */
  readonly accountId: string | null
  /** Of the user and their account, as the transaction that issues the token locked it; null: the client acts for itself. */
  readonly metadata: ClaimSources | null
  readonly grantId: string | null
  /** Claims in addition to those of RFC 9068, such as `cnf`. */
  readonly extra?: Record<string, unknown>
  /** Absent: the token is not exchanged. */
  readonly exchange?: Exchange
}

/** An access token with its claims and its row, before it is recorded and signed. */
export interface PlannedToken {
  readonly record: TokenRecord
  readonly api: ApiAccess
  readonly claims: Record<string, unknown>
  readonly status: StatusIndex
  /** The key to sign with; its id is recorded. */
  readonly signingKey: SigningRingKey
  /** Must be notified of the server that runs the statement which records the token. */
  readonly server: ServerWatch
}

/** `indexes_missing`: no status index of the API is leased. `StatusIndexes.ready` waits for the lease. */
export type PlanResult =
  | { readonly status: 'planned'; readonly planned: PlannedToken }
  | { readonly status: 'indexes_missing' }

/** @throws KeywrightError `invalid_target` (RFC 8707, section 2) */
export function selectApi(registration: Registration, resource: string | undefined): ApiAccess {
  const api = resource === undefined ? registration.apis[0] : findByIdentifier(registration.apis, resource)
  if (api) return api
  throw new KeywrightError(
    'invalid_target',
    resource === undefined
      ? 'the client has no default API; name an API in the resource parameter'
      : 'the client has no access to this API',
  )
}

/** Whether tokens of the client for the API must be bound to a key by DPoP (RFC 9449). */
export const requiresProof = ({ dpop }: Registration, { dpopRequired }: ApiAccess): boolean =>
  dpopRequired || dpop !== 'optional'

/**
 * The `cnf` claim (RFC 7800) of the API key in the request: its SHA-256. An API key has 256 random bits, so the hash does
 * not reveal it. A resource server hashes the `x-api-key` header and compares.
 */
function apiKeyConfirmation(apiKeyHash: Buffer | null): Record<string, unknown> | undefined {
  return apiKeyHash ? { 'x-api-key#S256': apiKeyHash.toString('base64url') } : undefined
}

/** The `cnf` claim of the certificate in TLS (RFC 8705, section 3.1). @throws KeywrightError `invalid_input`: there is none */
function certificateConfirmation(client: AuthenticatedClient): Record<string, unknown> | undefined {
  if (!client.registration.certificateBoundAccessTokens) return undefined
  const { certificateThumbprint } = client
  if (certificateThumbprint) return { 'x5t#S256': certificateThumbprint }
  throw new KeywrightError('invalid_input', 'a client certificate in TLS is required', {
    reason: 'certificate_missing',
  })
}

/** Refuses a token without a key (RFC 9449) where the client or the API requires one. @throws KeywrightError `invalid_input` */
function checkProof({ client, extra }: TokenRequest, api: ApiAccess): void {
  if (!requiresProof(client.registration, api)) return
  if ((extra?.cnf as { jkt?: string } | undefined)?.jkt !== undefined) return
  throw new KeywrightError('invalid_input', 'a DPoP proof is required (RFC 9449)', { reason: 'dpop_proof_missing' })
}

/** FAPI 2.0 Security Profile, section 5.4.1: no RS256. @throws KeywrightError `invalid_target` */
function checkFapi({ fapi2 }: Registration, { signingAlg }: ApiAccess): void {
  if (fapi2 && signingAlg === 'RS256')
    throw new KeywrightError('invalid_target', 'the API signs its tokens by RS256, which FAPI 2.0 does not allow')
}

/** Seconds since 1970. */
function expirationTime({ client, exchange }: TokenRequest, api: ApiAccess, issuedAt: number): number {
  const ttl = Math.min(
    client.registration.accessTokenTtl ?? api.tokenTtl,
    (exchange?.expiresBy ?? Number.POSITIVE_INFINITY) - issuedAt,
  )
  const retiresAt = client.authentication?.retiresAt ?? null
  // A token is revoked when the client secret that obtained it retires. With that time as `exp`, resource servers that only
  // verify the signature refuse it too.
  return retiresAt === null ? issuedAt + ttl : Math.min(issuedAt + ttl, epochSeconds(retiresAt))
}

/** The error of a token that would expire as soon as it is issued. */
const isOver = ({ exchange }: TokenRequest, issuedAt: number): KeywrightError =>
  exchange && exchange.expiresBy <= issuedAt
    ? new KeywrightError('invalid_input', 'the subject token has expired', { reason: 'subject_token_invalid' })
    : new KeywrightError('invalid_client', 'the client secret has been retired')

function grantedScope(request: TokenRequest, api: ApiAccess): string {
  if (request.identityScope === undefined) return resolveScope(request.scope, api.scopes)
  const apiScope = request.scope ? resolveScope(request.scope, api.scopes) : ''
  return `${request.identityScope} ${apiScope}`.trim()
}

/** The `status` claim, by which resource servers find the token's bit in its status list (Token Status List, section 6.2). */
const statusClaim = ({ list, index }: StatusIndex, issuer: string) => ({
  status_list: { idx: index, uri: statusUri(issuer, list.id) },
})

/** The networks that the client may request tokens from, so that the resource server can enforce them too. */
function networksClaim(registration: Registration, api: ApiAccess): Record<string, unknown> | undefined {
  const networks = api.networksClaim ? networksOf(registration) : null
  return networks === null ? undefined : { allowed_networks: networks }
}

/** The environment of a named key pair, so that the resource server can keep test data apart. */
const environmentClaim = ({ environment }: Registration): { environment: Environment } | undefined =>
  environment === null ? undefined : { environment }

/** The account that the token acts for: the user's, or the client's own. Absent: an operator, or a client of the instance. */
function accountClaim({ subject, accountId, client }: TokenRequest): { account_id: string } | undefined {
  const account = subject ? accountId : client.registration.accountId
  return account === null ? undefined : { account_id: account }
}

/** The claims that the API declares. The account is the one that the token acts for, as in `account_id`. */
function declaredClaims(
  { subject, metadata, client }: TokenRequest,
  api: ApiAccess,
): Record<string, unknown> | undefined {
  if (api.claims.length === 0) return undefined
  const own = client.registration.claimValues
  return claimValues(api.claims, (subject ? { ...metadata, client: own?.client } : own) ?? {})
}

/**
 * Decides the claims of an access token (RFC 9068), and whether it revokes the earlier ones (token policy `single`).
 * Does not record or sign it.
 * @param now milliseconds since 1970, by the database's clock
 * @throws KeywrightError `invalid_target`, `invalid_scope`, `invalid_input` without the certificate or the DPoP proof that is required, `invalid_client` when the client secret has just retired, or
 * `unavailable` when this node has no key to sign with
 */
export function planToken(
  request: TokenRequest,
  issuer: string,
  indexes: StatusIndexes,
  server: ServerWatch,
  ring: KeyRing,
  now: number,
): PlanResult {
  const { registration, authentication } = request.client
  const api = selectApi(registration, request.resource)
  const scope = grantedScope(request, api)
  const certificateCnf = certificateConfirmation(request.client)
  checkProof(request, api)
  checkFapi(registration, api)
  const issuedAt = epochSeconds(now)
  const expiresAt = expirationTime(request, api, issuedAt)
  if (expiresAt <= issuedAt) throw isOver(request, issuedAt)
  const signingKey = ring.current(api.signingAlg)
  // Last, so that a refused request uses no status index.
  const status = indexes.draw(api.id, expiresAt - issuedAt)
  if (!status) return { status: 'indexes_missing' }
  const jti = newId()
  const apiKeyCnf = apiKeyConfirmation(authentication?.apiKeyHash ?? null)
  const cnf = (apiKeyCnf || certificateCnf) && { ...apiKeyCnf, ...certificateCnf }
  const planned = {
    api,
    server,
    status,
    signingKey,
    record: {
      jti,
      clientKey: registration.key,
      clientVersion: registration.version,
      apiId: api.id,
      apiVersion: api.version,
      secretId: authentication?.secretId ?? null,
      secretRetiresAt: authentication?.retiresAt ?? null,
      subject: request.subject,
      userAccountId: (request.subject && request.accountId) || undefined,
      scope,
      issuedAt,
      expiresAt,
      single: (registration.policy ?? api.policy) === 'single',
      grantId: request.grantId,
      statusList: status.list.key,
      statusIndex: status.index,
      quotaKey: quotaKeyOf(registration),
      signingKey: signingKey.id,
      subjectToken: request.exchange?.subjectToken,
      assertionUse: request.client.pendingUse?.unrecorded,
    },
    claims: {
      // First, so that none replaces a claim of Keywright.
      ...declaredClaims(request, api),
      iss: issuer,
      sub: request.subject || registration.clientId,
      aud: api.identifier,
      exp: expiresAt,
      iat: issuedAt,
      jti,
      client_id: registration.clientId,
      ...accountClaim(request),
      scope,
      status: statusClaim(status, issuer),
      ...networksClaim(registration, api),
      ...environmentClaim(registration),
      ...request.extra,
      ...(cnf && { cnf: { ...(request.extra?.cnf as object), ...cnf } }),
    },
  }
  return { status: 'planned', planned }
}
