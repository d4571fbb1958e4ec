/** RFC 8252: a private-use scheme is a reversed domain name, so it has a dot. */
function isPrivateUse(url: URL): boolean {
  return /^[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+:$/.test(url.protocol)
}

/** Schemes without a dot that an operator allows. */
export type AllowedSchemes = readonly string[]

const isAllowed = ({ protocol }: URL, schemes: AllowedSchemes): boolean => schemes.includes(protocol.slice(0, -1))

const isLoopback = (url: URL) => ['127.0.0.1', '[::1]', 'localhost'].includes(url.hostname)

/** Names of people do not belong in addresses (RFC 9110, section 4.2.4), and hide which host is meant. */
const hasUserinfo = (uri: string) => /^[^/?]*:\/\/[^/?]*@/.test(uri)

/** `https:host` and `https:///host` are an address to some parsers and a path to others. */
const isWeb = (uri: string, url: URL) => /^https?:\/\/[^/]/i.test(uri) && (url.protocol === 'https:' || isLoopback(url))

/** A message repeats no more of a URI than is needed to find it. */
const shown = (uri: string) => (uri.length > 300 ? `${uri.slice(0, 300).toWellFormed()}…` : uri.toWellFormed())

/** Absolute, and the same to every parser, and then what `isFit` asks. */
function uriError(what: string, uri: string, isFit: (url: URL) => boolean, fit: string): string | undefined {
  const url = URL.parse(uri)
  if (!url || uri.includes('#') || /[\s\0*\\]/.test(uri) || uri.length > 2000 || !uri.isWellFormed()) {
    return `a ${what} is absolute, exact and without a fragment, not: ${shown(uri)}`
  }
  if (hasUserinfo(uri)) return `a ${what} carries no user name or password`
  return isFit(url) ? undefined : `a ${what} is ${fit}, not: ${shown(uri)}`
}

/** What an authorization response or a return after sign-out adds (RFC 6749, 4.1.2; RFC 9207; OpenID Connect Session). */
const ADDED = ['code', 'state', 'iss', 'error', 'error_description', 'error_uri', 'session_state']

/** A response parameter must not be included twice (RFC 6749, section 3.1). */
function queryError(what: string, uri: string): string | undefined {
  const query = URL.parse(uri)?.searchParams
  const name = ADDED.find((one) => query?.has(one))
  return name && `a ${what} has no ${name} in its query, because the response adds one: ${shown(uri)}`
}

/** The reason why users are not sent there. Undefined: there is none. */
export const redirectUriError = (what: string, uri: string, schemes: AllowedSchemes = []): string | undefined =>
  uriError(
    what,
    uri,
    (url) => isWeb(uri, url) || isPrivateUse(url) || isAllowed(url, schemes),
    'https, http on loopback, a private-use scheme with a dot, or a scheme that an operator has allowed',
  ) ?? queryError(what, uri)

/** OpenID Connect Back-Channel Logout 1.0, section 2.2. */
export const backchannelLogoutUriError = (uri: string): string | undefined =>
  uriError('back-channel logout URI', uri, (url) => isWeb(uri, url), 'https, or http on loopback')
