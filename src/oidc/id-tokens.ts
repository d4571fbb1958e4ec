import type Provider from 'oidc-provider'
import { beforeIdTokenIssue } from './engine-internals.ts'

/**
 * Leaves the claims of `profile` and `email` out of ID tokens: with an access token they are for userinfo (OpenID Connect
 * Core, section 5.4). What the `claims` parameter requests for the ID token is included. The engine does this only for
 * access tokens without an audience, and every access token here has one.
 */
export function useIdTokens(provider: Provider): void {
  beforeIdTokenIssue(provider, (token, use) => {
    if (use === 'idtoken') token.scope = 'openid'
  })
}
