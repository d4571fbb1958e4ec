/** The path to which a provider sends its response. Each has its own, so that no provider answers for another. */
const callbackPath = (providerId: string): string => `/signin/callback/${providerId}`

/** The redirect URI that a provider must know. */
export const redirectUriOf = (issuerUrl: string, providerId: string): string =>
  new URL(callbackPath(providerId), issuerUrl).href
