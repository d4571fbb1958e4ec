/** Schemes that a browser, and not an installed application, answers. */
const OF_BROWSERS = [
  ...['http', 'https', 'ws', 'wss', 'ftp', 'file', 'data', 'blob', 'javascript', 'vbscript', 'about', 'mailto', 'tel'],
  ...['view-source', 'chrome', 'chrome-extension', 'moz-extension', 'resource', 'filesystem', 'intent', 'sms'],
]

/** Why an operator cannot allow a URI scheme for redirect URIs. Undefined: they can. */
export function redirectSchemeError(scheme: string): string | undefined {
  if (!/^[a-z][a-z0-9+-]{0,39}$/.test(scheme)) {
    return `a scheme is a lower-case name without a dot, such as cursor or vscode, not: ${scheme.slice(0, 100)}`
  }
  return OF_BROWSERS.includes(scheme) ? `${scheme} is no scheme of an installed application` : undefined
}
