import { takeFromRateLimit } from '../clients/client-rate-limits.ts'
import type { Step } from './client-endpoint.ts'
import { renewClient } from './endpoint-authentication.ts'
import type { OidcServices } from './oidc-services.ts'
import { takeFromNetwork } from './public-client-limits.ts'

/**
 * Counts a token request against the rate limit of its client. A request that names a public client proves nothing yet, so
 * it counts against its network.
 * @throws RateLimitedError
 */
export function limitRate(services: OidcServices): Step {
  return async (ctx) => {
    if (!ctx.state.client!.registration.rateLimit || ctx.state.isRateLimited) return
    // A cached limit may be lower than the current one.
    if (ctx.state.isClientCached) await renewClient(ctx)
    const { registration } = ctx.state.client!
    if (registration.isPublic) await takeFromNetwork(ctx, registration, services)
    else if (registration.rateLimit)
      await takeFromRateLimit(services.database, registration.key, registration.rateLimit)
    ctx.state.isRateLimited = true
  }
}
