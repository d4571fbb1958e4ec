import type { ParameterizedContext } from 'koa'
import type { Budget } from '../accounts/sign-in-limits.ts'
import type { Actor } from '../audit/audit-log.ts'
import type { AuthenticatedClient, Authenticator } from '../clients/client-authentication.ts'
import type { Registration } from '../clients/registrations.ts'

/** The parameters of a request. A repeated parameter is an array. */
export type Form = Record<string, string | string[] | undefined>

/** What the engine keeps in the session of a sign-out that awaits its confirmation. */
export interface SignOut {
  readonly postLogoutRedirectUri?: string
  readonly state?: string
}

/** What one request of this face knows of itself, beside what the engine keeps. */
export interface OidcState {
  requestId: string
  /** Milliseconds since 1970. */
  arrivedAt: number
  /** The request's parameters, after what is taken from elsewhere. */
  form?: Form
  /** The client as it proved itself, or as it was found where it has nothing to prove. */
  client?: AuthenticatedClient
  /** The claims of the JWT that was presented for introspection or revocation, if one of our keys signed it. */
  presented?: Record<string, unknown>
  /** The API that a token was issued for, by its identifier. */
  audience?: string
  /** What the answer carries beside the engine's members. */
  refresh?: { refreshToken: string; refreshTokenExpiresIn: number }
  /** The sign-out that the request confirms. */
  signOut?: SignOut
  /** What the request took from its network's budget, until something of its public client is proved. */
  unproven?: Budget
  /** What ended the request, for the log and the metrics. */
  failure?: Error & { error_detail?: string }
}

export type OidcContext = ParameterizedContext<OidcState>

/** The registration that an engine client was made from. */
const registrationsOfClients = new WeakMap<object, Registration>()

export function bindRegistration(client: object, registration: Registration): void {
  registrationsOfClients.set(client, registration)
}

export function registrationOf(client: object): Registration {
  const registration = registrationsOfClients.get(client)
  if (!registration) throw new Error('an engine client that was not made from a registration')
  return registration
}

export function clientOf(ctx: OidcContext, authenticator: Authenticator, engineClient: object): AuthenticatedClient {
  ctx.state.client ??= authenticator.trust(registrationOf(engineClient))
  return ctx.state.client
}

export function actorOf(ctx: OidcContext): Actor {
  const id = ctx.state.client?.registration.clientId
  return { type: 'client', id, ip: ctx.ip, requestId: ctx.state.requestId }
}
