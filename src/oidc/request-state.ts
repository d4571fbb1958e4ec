import type { ParameterizedContext } from 'koa'
import type { Budget } from '../accounts/sign-in-limits.ts'
import type { Actor } from '../audit/audit-log.ts'
import type { AuthenticatedClient, Authenticator } from '../clients/client-authentication.ts'
import type { Registration } from '../clients/registration.ts'
import type { IssuedTokens } from '../refresh/refresh-token-families.ts'
import type { TokenRequest } from '../tokens/planned-token.ts'
import type { ActingAccount } from './account-choice.ts'

/** The parameters of a request. A repeated parameter is an array. */
export type Form = Record<string, string | string[] | undefined>

/** What identifies the client of a request (RFC 6749, section 2.3). */
export interface RequestCredentials {
  readonly clientId: string
  /** Undefined where the request has only a client ID, as a public client sends it. */
  readonly secret: string | undefined
  /** A signed JWT that proves the client (RFC 7523, section 2.2). */
  readonly assertion?: string | undefined
}

/** What the engine stores in the session while a sign-out awaits its confirmation. */
export interface SignOut {
  readonly postLogoutRedirectUri?: string
  readonly state?: string
}

/** The state of one request, beside the engine's own. */
export interface OidcState {
  requestId: string
  /** Milliseconds since 1970. */
  arrivedAt: number
  /** The parameters, with those of legacy compatibility options. */
  form?: Form
  credentials?: RequestCredentials
  /** Whether the fast path may serve the request. */
  isPlain?: boolean
  /** The authenticated client, or a public client. */
  client?: AuthenticatedClient
  /** Whether the grant of the request, the token of a workload, has authenticated the client. */
  isProvedByGrant?: boolean
  /** Whether `client` rests on a cached registration, which may be stale. */
  isClientCached?: boolean
  /** Whether the request names a public client and has no valid token of it, so that strangers can send it. */
  isAnonymous?: boolean
  /** Whether the request was counted against a rate limit. */
  isRateLimited?: boolean
  /** What the fast path authorized. */
  tokenRequest?: TokenRequest | undefined
  issued?: IssuedTokens | undefined
  /** The claims of the JWT to introspect or revoke, if it was signed by a key of this server. */
  presented?: Record<string, unknown>
  /** The client of the presented token. */
  tokenHolder?: Registration | undefined
  /** Whether the parameters are those of a signed request object. */
  hasRequestObject?: boolean
  /** For which account the user of an authorization request acts; undefined while nobody is signed in. */
  acting?: ActingAccount
  /** The sign-out that the request confirms. */
  signOut?: SignOut
  /** The network budget that the request was counted against, until its public client shows a valid code or token. */
  unproven?: Budget
  /** The error that ended the request, for the log and the metrics. */
  failure?: Error & { error_detail?: string }
}

export type OidcContext = ParameterizedContext<OidcState>

/** Engine clients and the registrations that they were made from. */
const registrationsOfClients = new WeakMap<object, Registration>()

export function bindRegistration(client: object, registration: Registration): void {
  registrationsOfClients.set(client, registration)
}

export function registrationOf(client: object): Registration {
  const registration = registrationsOfClients.get(client)
  if (!registration) throw new Error('the engine client has no registration')
  return registration
}

/** The client of the request: as it authenticated, or else as the engine found it. */
export function clientOf(ctx: OidcContext, authenticator: Authenticator, engineClient: object): AuthenticatedClient {
  ctx.state.client ??= authenticator.trust(registrationOf(engineClient))
  return ctx.state.client
}

export function actorOf(ctx: OidcContext): Actor {
  const id = ctx.state.client?.registration.clientId
  return { type: 'client', id, ip: ctx.ip, requestId: ctx.state.requestId }
}
