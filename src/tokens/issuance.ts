import { findByIdentifier } from '../apis/resource-identifiers.ts'
import { resolveScope } from '../apis/scopes.ts'
import type { AuthenticatedClient } from '../clients/client-authentication.ts'
import type { ApiAccess, Registration } from '../clients/registrations.ts'
import type { ServerWatch } from '../database/server-watch.ts'
import { signJwt } from '../keys/jwt.ts'
import type { KeyRings } from '../keys/key-ring.ts'
import { type Clock, epochSeconds } from '../shared/clock.ts'
import { KeywrightError } from '../shared/errors.ts'
import { newId } from '../shared/ids.ts'
import type { StatusIndex, StatusIndexes } from '../status/status-indexes.ts'
import { statusUri } from '../status/status-lists.ts'
import type { AccessTokenStore, TokenRecord } from './access-token-store.ts'

/** What is asked for. */
export interface TokenRequest {
  readonly client: AuthenticatedClient
  /** The API by its identifier; undefined: the client's default. */
  readonly resource: string | undefined
  /** Space-separated; undefined: everything granted. */
  readonly scope: string | undefined
  /** Scopes about the person (OpenID Connect Core, section 5.4). Given, an empty `scope` means none of the API's. */
  readonly identityScope?: string
  /** Empty for the client itself. */
  readonly subject: string
  readonly grantId: string | null
  /** Claims beside those of RFC 9068, such as a key binding. */
  readonly extra?: Record<string, unknown>
}

/** A token ready to be recorded and signed. */
export interface PlannedToken {
  readonly record: TokenRecord
  readonly api: ApiAccess
  readonly claims: Record<string, unknown>
  /** Told which server the statement that records it reached. */
  readonly server: ServerWatch
}

export interface IssuedToken {
  readonly accessToken: string
  readonly jti: string
  readonly audience: string
  /** Seconds. */
  readonly expiresIn: number
  readonly scope: string
}

/** @throws KeywrightError `invalid_target` (RFC 8707, section 2) */
export function selectApi(registration: Registration, resource: string | undefined): ApiAccess {
  const api = resource === undefined ? registration.apis[0] : findByIdentifier(registration.apis, resource)
  if (api) return api
  throw new KeywrightError(
    'invalid_target',
    resource === undefined ? 'the client has no default API; name one with resource' : 'the client has no such API',
  )
}

/**
 * RFC 7800 confirmation of the API key that came with the request: the SHA-256 of the key, which carries 256 random bits
 * and so gives nothing away. A resource server hashes the `x-api-key` that it receives and compares.
 */
function confirmation(apiKeyHash: Buffer | null): Record<string, unknown> | undefined {
  return apiKeyHash ? { 'x-api-key#S256': apiKeyHash.toString('base64url') } : undefined
}

function expiry(client: AuthenticatedClient, api: ApiAccess, issuedAt: number): number {
  const ttl = client.registration.accessTokenTtl ?? api.tokenTtl
  const retiresAt = client.authentication?.retiresAt ?? null
  // A token dies with the secret that obtained it; saying so in `exp` tells those too who only verify offline.
  return retiresAt === null ? issuedAt + ttl : Math.min(issuedAt + ttl, epochSeconds(retiresAt))
}

function scopeOf(request: TokenRequest, api: ApiAccess): string {
  if (request.identityScope === undefined) return resolveScope(request.scope, api.scopes)
  const ofApi = request.scope ? resolveScope(request.scope, api.scopes) : ''
  return `${request.identityScope} ${ofApi}`.trim()
}

/** Signals that what a token was to rest on is not, or no longer, there: it is to be planned anew (`retryOnStaleClient`). */
export class StaleClientError extends Error {}

/** Undefined when the work ended with `StaleClientError`, and took back what it had done. */
export async function undefinedIfStale<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work
  } catch (error) {
    if (error instanceof StaleClientError) return undefined
    throw error
  }
}

/** How resource servers learn whether the token was revoked (Token Status List, section 6.2). */
const statusClaim = ({ list, index }: StatusIndex, issuer: string) => ({
  status_list: { idx: index, uri: statusUri(issuer, list.id) },
})

/**
 * Decides what a token will say, without issuing it.
 * @throws KeywrightError `invalid_target`, `invalid_scope`, `invalid_client` (the secret ends this very second)
 * @throws StaleClientError while places in a status list are on their way
 */
function planToken(
  request: TokenRequest,
  issuer: string,
  indexes: StatusIndexes,
  server: ServerWatch,
  now: number,
): PlannedToken {
  const { registration, authentication } = request.client
  const api = selectApi(registration, request.resource)
  const scope = scopeOf(request, api)
  const issuedAt = epochSeconds(now)
  const expiresAt = expiry(request.client, api, issuedAt)
  if (expiresAt <= issuedAt) throw new KeywrightError('invalid_client', 'the client secret has been retired')
  // Last, so that what is refused uses none up.
  const status = indexes.draw(api.id, expiresAt - issuedAt)
  if (!status) throw new StaleClientError()
  const jti = newId()
  const cnf = confirmation(authentication?.apiKeyHash ?? null)
  return {
    api,
    server,
    record: {
      jti,
      clientKey: registration.key,
      clientVersion: registration.version,
      apiId: api.id,
      apiVersion: api.version,
      secretId: authentication?.secretId ?? null,
      secretRetiresAt: authentication?.retiresAt ?? null,
      subject: request.subject,
      scope,
      issuedAt,
      expiresAt,
      single: (registration.policy ?? api.policy) === 'single',
      grantId: request.grantId,
      statusList: status.list.key,
      statusIndex: status.index,
    },
    claims: {
      iss: issuer,
      sub: request.subject || registration.clientId,
      aud: api.identifier,
      exp: expiresAt,
      iat: issuedAt,
      jti,
      client_id: registration.clientId,
      scope,
      status: statusClaim(status, issuer),
      ...request.extra,
      ...(cnf && { cnf: { ...(request.extra?.cnf as object), ...cnf } }),
    },
  }
}

export interface Issuer {
  /**
   * Records a token, then signs it (RFC 9068).
   * @throws KeywrightError as `planToken`, and `invalid_client` when the client was replaced meanwhile
   */
  issue(request: TokenRequest): Promise<IssuedToken>
  /** The same by the registration at hand; undefined when that is no longer the client's. */
  issueOnce(request: TokenRequest): Promise<IssuedToken | undefined>
  /** @throws StaleClientError, after which `follow` waits for what was missing */
  plan(request: TokenRequest): PlannedToken
  /**
   * Sees to it that the keys at hand are the database's, and that there are places in status lists: those that a plan
   * lacked, and those that a request will need.
   */
  follow(request?: Pick<TokenRequest, 'client' | 'resource'>): Promise<void>
  /** Signs what has been recorded, with the keys at hand. */
  sign(planned: PlannedToken): Promise<IssuedToken>
}

/** How often a registration may change under one request before the client is asked to come again. */
const ATTEMPTS = 4

export async function retryOnStaleClient<T>(
  client: AuthenticatedClient,
  attempt: (client: AuthenticatedClient) => Promise<T | undefined>,
): Promise<T> {
  let current = client
  for (let n = 0; n < ATTEMPTS; n++) {
    const outcome = await attempt(current)
    if (outcome !== undefined) return outcome
    current = await current.renew()
  }
  throw new KeywrightError('unavailable', 'the client is being changed; try again')
}

/** @param clock the database's, so that a token's lifetime is the same whichever node issued it */
export function createIssuer(
  accessTokenStore: AccessTokenStore,
  rings: KeyRings,
  indexes: StatusIndexes,
  server: ServerWatch,
  issuer: string,
  clock: Clock,
): Issuer {
  const plan = (request: TokenRequest) => planToken(request, issuer, indexes, server, clock.now())

  /** Of many who wait for the first places of an API, some may come too late for the first few. */
  async function planWhenReady(request: TokenRequest): Promise<PlannedToken> {
    for (;;) {
      try {
        return plan(request)
      } catch (error) {
        if (!(error instanceof StaleClientError)) throw error
        await indexes.ready()
      }
    }
  }

  async function sign(planned: PlannedToken): Promise<IssuedToken> {
    const { record, claims, api } = planned
    return {
      accessToken: await signJwt(rings.ring.current(api.signingAlg), api.tokenType, claims),
      jti: record.jti,
      audience: api.identifier,
      expiresIn: record.expiresAt - record.issuedAt,
      scope: record.scope,
    }
  }

  async function issueOnce(request: TokenRequest): Promise<IssuedToken | undefined> {
    const planned = await planWhenReady(request)
    const recorded = await accessTokenStore.record(planned.record)
    if (!recorded.recorded) return undefined
    await rings.follow(recorded.keyRingVersion)
    return await sign(planned)
  }

  return {
    plan,
    async follow(request) {
      await indexes.ready(request && selectApi(request.client.registration, request.resource).id)
      await rings.follow()
    },
    sign,
    issueOnce,
    issue: (request) => retryOnStaleClient(request.client, (client) => issueOnce({ ...request, client })),
  }
}
