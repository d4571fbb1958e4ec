import type Provider from 'oidc-provider'

interface IdToken {
  scope?: string
}

interface Issuing {
  readonly use?: string
}

/**
 * Keeps the claims of `profile` and `email` out of ID tokens: with an access token they are for userinfo (OpenID Connect
 * Core, section 5.4). What the `claims` parameter requests for the ID token is still in it. The engine does this only for
 * access tokens without an audience, and every access token here has one. Each grant ends in `issue`, so the rule is here.
 */
export function useIdTokens({ IdToken }: Provider): void {
  const issue = IdToken.prototype.issue as (this: IdToken, options: Issuing) => Promise<string>
  Object.assign(IdToken.prototype, {
    issue(this: IdToken, options: Issuing): Promise<string> {
      if (options.use === 'idtoken') this.scope = 'openid'
      return issue.call(this, options)
    },
  })
}
