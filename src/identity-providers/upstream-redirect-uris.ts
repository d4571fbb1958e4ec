/** The path to which a provider sends its response. Each has its own, so that no provider answers for another. */
const callbackPath = (providerId: string): string => `/signin/callback/${providerId}`

/** The redirect URI that a provider must know. */
export const redirectUriOf = (issuerUrl: string, providerId: string): string =>
  new URL(callbackPath(providerId), issuerUrl).href

/** The post-logout redirect URI that a provider must know (OpenID Connect RP-Initiated Logout 1.0). */
export const postLogoutUriOf = (issuerUrl: string, providerId: string): string =>
  new URL(`/signout/callback/${providerId}`, issuerUrl).href

/** The path at which a provider announces that a user has signed out. Each has its own, so that none speaks for another. */
export const LOGOUT_PATH = '/oauth2/backchannel-logout'

/** The back-channel logout URI of a provider. */
export const logoutUriOf = (issuerUrl: string, providerId: string): string =>
  new URL(`${LOGOUT_PATH}/${providerId}`, issuerUrl).href
