import type { KoaContextWithOIDC } from 'oidc-provider'
import type { OidcContext } from './request-state.ts'

export type JwtBearerContext = KoaContextWithOIDC & OidcContext

/**
 * Responds to a request with one kind of assertion (RFC 7523, section 2.1), whose client has authenticated: verifies the assertion, and sets
 * `ctx.state.issued` and the `token_type` of the body. @throws OAuthError `invalid_grant`
 */
export type AssertionHandler = (ctx: JwtBearerContext, assertion: string) => Promise<void>
