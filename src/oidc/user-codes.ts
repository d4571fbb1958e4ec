import type { Next } from 'koa'
import { takeAttempt, userCodeBudget } from '../accounts/sign-in-limits.ts'
import { OAuthError } from './engine-errors.ts'
import type { OidcServices } from './oidc-services.ts'
import type { OidcContext } from './request-state.ts'

/**
 * Limits attempts to guess a user code (RFC 8628, section 5.1), and refuses a form without the session cookie: the engine
 * would create a session for it and then fail.
 */
export function takeUserCode({ database, issuerUrl }: OidcServices) {
  const cookie = issuerUrl().startsWith('https:') ? '__Host-kw_session' : 'kw_session'

  return async (ctx: OidcContext, next: Next): Promise<void> => {
    if (ctx.method !== 'POST') return await next()
    if (!ctx.cookies.get(cookie)) {
      throw new OAuthError(400, 'invalid_request', 'the session cookie is missing; open the page again')
    }
    const retryAfter = await takeAttempt(database.knex, userCodeBudget(ctx.ip))
    if (retryAfter === undefined) return await next()
    throw new OAuthError(429, 'slow_down', 'too many attempts from this network; try again later', { retryAfter })
  }
}
