import { isLoopbackHost } from './networks.ts'

export const LONGEST_ISSUER = 2000

/**
 * What is wrong with an issuer identifier (OpenID Connect Discovery 1.0, section 3). `http` only for this machine, for development: a
 * server calls its own machine only if OUTGOING_ALLOW names it.
 */
export function issuerError(value: string): string | undefined {
  const url = URL.parse(value)
  if (value.length > LONGEST_ISSUER) return `the issuer has at most ${LONGEST_ISSUER} characters`
  const isSafe = url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopbackHost(url.hostname))
  if (!url || !isSafe) return 'the issuer must begin with https://; http:// is for localhost'
  if (url.username || url.password) return 'the issuer must not contain a user name or password'
  return url.search || url.hash || value.includes('?') || value.includes('#')
    ? 'the issuer must not contain a query or a fragment'
    : undefined
}
