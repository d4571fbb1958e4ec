import { invalidInput } from '../shared/errors.ts'
import { checkAccessTokenTtl } from './apis.ts'
import type { ClientSettings } from './clients.ts'

const GRANTS = ['authorization_code', 'refresh_token', 'client_credentials']

/** The longest life of a refresh token: 366 days, in seconds. */
export const MAX_REFRESH_TOKEN_TTL = 31_622_400

/** RFC 8252: a private-use scheme is a reversed domain name, so it has a dot. */
function isPrivateUse(url: URL): boolean {
  return /^[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+:$/.test(url.protocol)
}

const isLoopback = (url: URL) => ['127.0.0.1', '[::1]', 'localhost'].includes(url.hostname)

function checkRedirectUri(uri: string): void {
  const url = URL.parse(uri)
  if (!url || uri.includes('#') || /[\s\0*]/.test(uri) || uri.length > 2000) {
    throw invalidInput(`a redirect URI is absolute, exact and without a fragment, not: ${uri}`)
  }
  if (url.protocol === 'https:' || isPrivateUse(url) || (url.protocol === 'http:' && isLoopback(url))) return
  throw invalidInput(`a redirect URI is https, http on loopback, or a private-use scheme with a dot, not: ${uri}`)
}

function checkGrants(settings: ClientSettings): void {
  const unknown = settings.grants.find((grant) => !GRANTS.includes(grant))
  if (unknown) throw invalidInput(`unknown grant type ${unknown}; known are ${GRANTS.join(', ')}`)
  if (settings.grants.length === 0) throw invalidInput('a client needs at least one grant type')
  if (settings.isPublic && settings.grants.includes('client_credentials')) {
    throw invalidInput('a public client has no secret, so it cannot use client_credentials (RFC 6749, section 4.4)')
  }
  if (settings.grants.includes('authorization_code') && settings.redirectUris.length === 0) {
    throw invalidInput('authorization_code needs at least one redirect URI')
  }
}

function checkConcessions(settings: ClientSettings): void {
  if (settings.isPublic && settings.apiKeyRequired) throw invalidInput('a public client cannot keep an API key')
  if (settings.clientCredentialsRefresh && !settings.grants.includes('client_credentials')) {
    throw invalidInput('a refresh token for client_credentials needs the grant client_credentials')
  }
}

function checkRefreshTokenTtl(ttl: number): void {
  if (!Number.isInteger(ttl) || ttl < 60 || ttl > MAX_REFRESH_TOKEN_TTL) {
    throw invalidInput(`a refresh token lives 60 to ${MAX_REFRESH_TOKEN_TTL} seconds, not ${ttl}`)
  }
}

/** @throws KeywrightError `invalid_input`, saying which rule the settings break */
export function checkClientSettings(settings: ClientSettings): void {
  if (settings.name.length < 1 || settings.name.length > 200 || settings.name.includes('\0')) {
    throw invalidInput('a client name has 1 to 200 characters')
  }
  checkGrants(settings)
  checkConcessions(settings)
  settings.redirectUris.forEach(checkRedirectUri)
  if (settings.accessTokenTtl !== null) checkAccessTokenTtl(settings.accessTokenTtl)
  if (settings.refreshTokenTtl !== null) checkRefreshTokenTtl(settings.refreshTokenTtl)
}
