/** Schemes that a browser, and not an installed application, answers. */
const OF_BROWSERS = [
  ...['http', 'https', 'ws', 'wss', 'ftp', 'file', 'data', 'blob', 'javascript', 'vbscript', 'about', 'mailto', 'tel'],
  ...['view-source', 'chrome', 'chrome-extension', 'moz-extension', 'resource', 'filesystem', 'intent', 'sms'],
]

const MAX_SCHEMES = 50

/** An error message names at most this many invalid schemes. */
const MAX_NAMED = 3

function schemeError(scheme: string): string | undefined {
  if (!/^[a-z][a-z0-9+-]{0,39}$/.test(scheme)) {
    return `a scheme is a lower-case name without a dot, such as cursor or vscode, not: ${scheme.slice(0, 100)}`
  }
  return OF_BROWSERS.includes(scheme) ? `${scheme} is no scheme of an installed application` : undefined
}

/** The error of the URI schemes that an operator allows for redirect URIs. Undefined: valid. */
export const redirectSchemesError = (schemes: readonly string[]): string | undefined =>
  schemes.length > MAX_SCHEMES
    ? `there are at most ${MAX_SCHEMES} schemes`
    : schemes
        .flatMap((scheme) => schemeError(scheme) ?? [])
        .slice(0, MAX_NAMED)
        .join('; ') || undefined
