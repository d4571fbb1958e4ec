/** RFC 8252, section 7.1: a private-use scheme is a reversed domain name, so it has a dot. */
function isPrivateUse(url: URL): boolean {
  return /^[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+:$/.test(url.protocol)
}

/** Schemes without a dot that an operator allows. */
export type AllowedSchemes = readonly string[]

const hasAllowedScheme = ({ protocol }: URL, schemes: AllowedSchemes): boolean =>
  schemes.includes(protocol.slice(0, -1))

const isLoopback = (url: URL) => ['127.0.0.1', '[::1]', 'localhost'].includes(url.hostname)

/** User information in a URI is deprecated (RFC 9110, section 4.2.4) and can disguise the host. */
const hasUserinfo = (uri: string) => /^[^/?]*:\/\/[^/?]*@/.test(uri)

/** Parsers disagree on the host of `https:host` and `https:///host`. */
const isWeb = (uri: string, url: URL) => /^https?:\/\/[^/]/i.test(uri) && (url.protocol === 'https:' || isLoopback(url))

/** The beginning of a URI, long enough to recognize it in a message. */
const shown = (uri: string) => (uri.length > 300 ? `${uri.slice(0, 300).toWellFormed()}…` : uri.toWellFormed())

/** A URI must be absolute and unambiguous to every parser, and satisfy `isAllowed`. */
function uriError(what: string, uri: string, isAllowed: (url: URL) => boolean, allowed: string): string | undefined {
  const url = URL.parse(uri)
  if (!url || uri.includes('#') || /[\s\0*\\]/.test(uri) || uri.length > 2000 || !uri.isWellFormed()) {
    return `a ${what} must be an absolute URI without fragment, spaces or wildcards: ${shown(uri)}`
  }
  if (hasUserinfo(uri)) return `a ${what} must not contain a user name or password`
  return isAllowed(url) ? undefined : `a ${what} must use ${allowed}: ${shown(uri)}`
}

/** The parameters of authorization and sign-out responses (RFC 6749, section 4.1.2; RFC 9207; OpenID Connect Session). */
const RESPONSE_PARAMETERS = ['code', 'state', 'iss', 'error', 'error_description', 'error_uri', 'session_state']

/** A response parameter must not be included twice (RFC 6749, section 3.1). */
function queryError(what: string, uri: string): string | undefined {
  const query = URL.parse(uri)?.searchParams
  const name = RESPONSE_PARAMETERS.find((one) => query?.has(one))
  return name && `a ${what} must not have the query parameter ${name}, which the response adds: ${shown(uri)}`
}

/** Why a URI cannot be a redirect URI. Undefined: it can. */
export const redirectUriError = (what: string, uri: string, schemes: AllowedSchemes = []): string | undefined =>
  uriError(
    what,
    uri,
    (url) => isWeb(uri, url) || isPrivateUse(url) || hasAllowedScheme(url, schemes),
    'https, http on loopback, a private-use scheme with a dot, or a scheme that an operator has allowed',
  ) ?? queryError(what, uri)

/** In characters. */
export const MAX_LINK_LENGTH = 2000

/** Why a page of an application cannot link to this URI. Undefined: it can. @param what the subject of the message: `home page` */
export function linkUriError(what: string, uri: string): string | undefined {
  const url = URL.parse(uri)
  if (!url || /[\s\0\\]/.test(uri) || uri.length > MAX_LINK_LENGTH || !uri.isWellFormed())
    return `the ${what} must be an absolute URI without spaces: ${shown(uri)}`
  if (hasUserinfo(uri)) return `the ${what} must not contain a user name or password`
  return /^https:\/\/[^/]/i.test(uri) ? undefined : `the ${what} must use https: ${shown(uri)}`
}

/** OpenID Connect Back-Channel Logout 1.0, section 2.2. */
export const backchannelLogoutUriError = (uri: string): string | undefined =>
  uriError('back-channel logout URI', uri, (url) => isWeb(uri, url), 'https, or http on loopback')

/** Why a client cannot publish its keys at this URL. Undefined: it can. A server calls its own machine only if OUTGOING_ALLOW names it. */
export const jwksUriError = (uri: string): string | undefined =>
  uriError('URL of the public keys', uri, (url) => isWeb(uri, url), 'https, or http on loopback')

/** The parameter that names a sign-in to the product of the operator. */
export const SIGN_IN_CHALLENGE_PARAMETER = 'sign_in_challenge'

/** Why users cannot be redirected to this URL to sign in. Undefined: they can. */
export function signInUrlError(url: string): string | undefined {
  if (URL.parse(url)?.searchParams.has(SIGN_IN_CHALLENGE_PARAMETER))
    return `a sign-in URL must not have the query parameter ${SIGN_IN_CHALLENGE_PARAMETER}, which is added to it`
  return uriError('sign-in URL', url, (parsed) => isWeb(url, parsed), 'https, or http on loopback')
}
