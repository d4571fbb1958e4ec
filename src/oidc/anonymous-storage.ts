import type { Knex } from 'knex'
import type { AdapterPayload, KoaContextWithOIDC } from 'oidc-provider'
import { anonymousStorageBudget, takeAttempt } from '../accounts/sign-in-limits.ts'
import { OAuthError } from './engine-errors.ts'
import { engineContext } from './engine-internals.ts'
import { registrationOf } from './request-state.ts'

/** Seconds from an authorization request, or a step of its sign-in, until the next step. */
export const INTERACTION_TTL = 30 * 60

/** Seconds that a session without a user lasts: it binds a form to its browser, and holds nothing else. */
export const ANONYMOUS_SESSION_TTL = 15 * 60

/** What an anonymous request makes the engine store; codes and grants always belong to a user. */
const BY_BROWSERS = new Set(['Session', 'Interaction'])
const BY_CLIENTS = new Set(['PushedAuthorizationRequest', 'DeviceCode'])

interface Stored extends AdapterPayload {
  readonly session?: { readonly accountId?: string }
}

/** Anybody can name a public client, so its requests are anonymous. */
const isPublic = ({ oidc }: KoaContextWithOIDC): boolean => !oidc.client || registrationOf(oidc.client).isPublic

function isAnonymous(ctx: KoaContextWithOIDC, model: string, { accountId, session }: Stored): boolean {
  if (accountId || session?.accountId) return false
  return BY_BROWSERS.has(model) || (BY_CLIENTS.has(model) && isPublic(ctx))
}

async function charge(knex: Knex, ctx: KoaContextWithOIDC, bytes: number): Promise<void> {
  const retryAfter = await takeAttempt(knex, anonymousStorageBudget(ctx.ip), Math.ceil(bytes / 1024))
  if (retryAfter === undefined) return
  const description = `too many requests from this network without a sign-in; try again in ${retryAfter} s`
  const error = new OAuthError(429, 'rate_limit_exceeded', description, { retryAfter })
  // The user reads the reason on a page of this server, because an application cannot show it.
  throw Object.assign(error, { allow_redirect: false })
}

/**
 * Charges what an anonymous request stores to the budget of its network.
 * @throws OAuthError 429 when its budget is used up
 */
export async function chargeAnonymous(knex: Knex, model: string, payload: AdapterPayload): Promise<void> {
  // Absent where our own pages write: there a user has signed in, or responds to a request that was charged.
  const ctx = engineContext()
  if (ctx && isAnonymous(ctx, model, payload as Stored)) {
    await charge(knex, ctx, Buffer.byteLength(JSON.stringify(payload)))
  }
}

/** Charges the id of a DPoP proof that a public client stores without a valid code or token. @throws OAuthError 429 */
export async function chargeProof(knex: Knex): Promise<void> {
  const ctx = engineContext()!
  const isPushed = ctx.oidc.route === 'pushed_authorization_request' && isPublic(ctx)
  if (isPushed || ctx.state.isAnonymous) await charge(knex, ctx, 1)
}
