import { isIP } from 'node:net'

/** In characters: no longer than any client ID that is looked up. */
const MAX_CLIENT_ID_URL_LENGTH = 200

/** Whether a client ID is a URL, and not one that Keywright generated. */
export const isClientIdUrl = (clientId: string): boolean => clientId.startsWith('https://')

/** Parsers also accept hosts that DNS does not have. */
const isName = ({ hostname }: URL): boolean => /^[a-z0-9.-]+$/.test(hostname) && isIP(hostname) === 0

/**
 * Why a URL cannot be a client ID (draft-ietf-oauth-client-id-metadata-document, section 3). Undefined: it can. URLs are compared character
 * by character, so only the normalized form is accepted: otherwise one document would belong to many clients. That form also has no `.`
 * and `..` segments and no characters that look like others in the name of its host.
 */
export function clientIdUrlError(url: string): string | undefined {
  if (!isClientIdUrl(url)) return 'a client ID that is a URL must begin with https://'
  if (url.length > MAX_CLIENT_ID_URL_LENGTH)
    return `a client ID that is a URL has at most ${MAX_CLIENT_ID_URL_LENGTH} characters`
  const parsed = URL.parse(url)
  if (!parsed) return 'the client ID is no valid URL'
  if (parsed.username || parsed.password) return 'a client ID must not contain a user name or password'
  if (url.includes('#')) return 'a client ID must not contain a fragment'
  if (parsed.href !== url) return 'a client ID that is a URL must have a path and be normalized'
  return isName(parsed) ? undefined : 'a client ID must contain the name of a host, not an address'
}

/** Why this is not the host of client IDs, as they have it: `app.example.com`, or with a port that is not 443. Undefined: it is. */
export function hostError(host: string): string | undefined {
  const url = `https://${host}/`
  const isHost = clientIdUrlError(url) === undefined && hostOfClientId(url) === host
  return isHost ? undefined : `${host.slice(0, 200).toWellFormed()} is no host, such as app.example.com`
}

/** The host of a client ID, with its port if it has one. */
export const hostOfClientId = (url: string): string => new URL(url).host
