import { publicClientBudget, refundAttempts, takeAttempt } from '../accounts/sign-in-limits.ts'
import { takeFromRateLimit } from '../clients/client-rate-limits.ts'
import type { Registration } from '../clients/registration.ts'
import { RateLimitedError } from '../shared/errors.ts'
import type { OidcServices } from './oidc-services.ts'
import type { OidcContext } from './request-state.ts'

const isLimited = ({ isPublic, rateLimit }: Registration): boolean => isPublic && rateLimit !== null

/**
 * Counts a token request that names a public client against its network: anybody can name the client, so the request does
 * not count against the client yet.
 * @throws RateLimitedError
 */
export async function takeFromNetwork(ctx: OidcContext, registration: Registration, services: OidcServices) {
  if (!isLimited(registration) || ctx.state.unproven) return
  const budget = publicClientBudget(ctx.ip)
  const wait = await takeAttempt(services.database.knex, budget)
  if (wait !== undefined) throw new RateLimitedError(wait)
  ctx.state.unproven = budget
}

/**
 * Counts the request against the public client, which presented a valid code or refresh token of its own, in place of its
 * network.
 * @throws RateLimitedError
 */
export async function takeFromPublicClient(ctx: OidcContext, registration: Registration, services: OidcServices) {
  if (!isLimited(registration)) return
  const { unproven } = ctx.state
  if (unproven) await refundAttempts(services.database.knex, [unproven])
  await takeFromRateLimit(services.database, registration.key, registration.rateLimit!)
}
