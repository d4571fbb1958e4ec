import type Provider from 'oidc-provider'
import { networkBudget, refundAttempts, takeAttempts } from '../accounts/sign-in-limits.ts'
import { readLogout } from '../identity-providers/upstream-logouts.ts'
import { LOGOUT_PATH } from '../identity-providers/upstream-redirect-uris.ts'
import { RateLimitedError } from '../shared/errors.ts'
import { createBrowserSessions } from './browser-sessions.ts'
import { readRequest } from './endpoint-requests.ts'
import { OAuthError } from './engine-errors.ts'
import type { OidcServices } from './oidc-services.ts'
import type { OidcContext } from './request-state.ts'
import { takeUpstreamSessions } from './upstream-session-ends.ts'

/**
 * Receives logout tokens of identity providers (OpenID Connect Back-Channel Logout 1.0, sections 2.5 to 2.8): ends the sessions that came
 * of theirs, and notifies the applications.
 */
export function upstreamLogoutEndpoint(engine: () => Provider, services: OidcServices) {
  const { database, encryptionKeys, upstreamClient, metrics } = services
  const { knex } = database
  const { notify } = createBrowserSessions(engine, services)
  const count = (outcome: string) => metrics.upstreamLogouts.inc({ outcome })

  async function receive(ctx: OidcContext): Promise<void> {
    const { logout_token: token } = await readRequest(ctx)
    if (typeof token !== 'string') throw new OAuthError(400, 'invalid_request', 'logout_token is required, once')
    const providerId = ctx.path.slice(LOGOUT_PATH.length + 1)
    const read = await readLogout({ knex, encryptionKeys, client: upstreamClient }, providerId, token)
    const origin = { ip: ctx.ip, requestId: ctx.state.requestId }
    await notify(await takeUpstreamSessions(knex, encryptionKeys, { ...read, ...origin }))
  }

  /** Only requests that are refused use up the attempts of their network. @throws RateLimitedError */
  async function receiveLimited(ctx: OidcContext): Promise<void> {
    const budgets = [networkBudget(ctx.ip)]
    const slowed = await takeAttempts(knex, budgets)
    if (slowed) throw new RateLimitedError(slowed.retryAfter)
    await receive(ctx)
    await refundAttempts(knex, budgets)
  }

  return async (ctx: OidcContext): Promise<void> => {
    ctx.set('Cache-Control', 'no-store')
    try {
      await receiveLimited(ctx)
    } catch (error) {
      count('refused')
      throw error
    }
    count('accepted')
    ctx.status = 200
    ctx.body = ''
  }
}
