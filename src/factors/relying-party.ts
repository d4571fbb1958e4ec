import { isIP } from 'node:net'

/** This server as browsers name it in Web Authentication. */
export interface RelyingParty {
  /** A host name (Web Authentication Level 3, section 4, `RP ID`). */
  readonly id: string
  /** The only origin whose pages create and use passkeys. */
  readonly origin: string
}

const isLocalhost = (host: string): boolean => host === 'localhost' || host.endsWith('.localhost')

/** Undefined: browsers offer no passkeys there, because the host is an IP address or the page comes over plain HTTP. */
export function relyingPartyOf(issuer: string): RelyingParty | undefined {
  const { protocol, hostname, origin } = new URL(issuer)
  const isAddress = hostname.startsWith('[') || isIP(hostname) !== 0
  const isSecure = protocol === 'https:' || isLocalhost(hostname)
  return isSecure && !isAddress ? { id: hostname, origin } : undefined
}
