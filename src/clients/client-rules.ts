import { invalidInput } from '../shared/errors.ts'
import { checkAccessTokenTtl } from './apis.ts'
import type { ClientSettings } from './client-settings.ts'
import { checkScopes } from './scopes.ts'

/** RFC 8628, section 3.4. */
export const DEVICE_CODE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code'

const GRANTS = ['authorization_code', 'refresh_token', 'client_credentials', DEVICE_CODE_GRANT]

/** The longest life of a refresh token: 366 days, in seconds. */
export const MAX_REFRESH_TOKEN_TTL = 31_622_400

/** The latest absolute end of a chain of refresh tokens: 3650 days after the sign-in, in seconds. */
export const MAX_REFRESH_TOKEN_MAX_AGE = 315_360_000

/** RFC 8252: a private-use scheme is a reversed domain name, so it has a dot. */
function isPrivateUse(url: URL): boolean {
  return /^[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+:$/.test(url.protocol)
}

const isLoopback = (url: URL) => ['127.0.0.1', '[::1]', 'localhost'].includes(url.hostname)

/** Names of people do not belong in addresses (RFC 9110, section 4.2.4), and hide which host is meant. */
const hasUserinfo = (uri: string) => /^[^/?]*:\/\/[^/?]*@/.test(uri)

/** Absolute, and the same to every parser. */
function parseExactUri(what: string, uri: string): URL {
  const url = URL.parse(uri)
  if (!url || uri.includes('#') || /[\s\0*\\]/.test(uri) || uri.length > 2000) {
    throw invalidInput(`a ${what} is absolute, exact and without a fragment, not: ${uri}`)
  }
  if (hasUserinfo(uri)) throw invalidInput(`a ${what} carries no user name or password`)
  return url
}

/** `https:host` and `https:///host` are an address to some parsers and a path to others. */
const isWeb = (uri: string, url: URL) => /^https?:\/\/[^/]/i.test(uri) && (url.protocol === 'https:' || isLoopback(url))

function checkReturnUri(what: string, uri: string): void {
  const url = parseExactUri(what, uri)
  if (isWeb(uri, url) || isPrivateUse(url)) return
  throw invalidInput(`a ${what} is https, http on loopback, or a private-use scheme with a dot, not: ${uri}`)
}

/** OpenID Connect Back-Channel Logout 1.0, section 2.2. */
function checkBackchannelLogoutUri(uri: string): void {
  if (isWeb(uri, parseExactUri('back-channel logout URI', uri))) return
  throw invalidInput(`a back-channel logout URI is https, or http on loopback, not: ${uri}`)
}

function checkUris(settings: ClientSettings): void {
  for (const uri of settings.redirectUris) checkReturnUri('redirect URI', uri)
  for (const uri of settings.postLogoutRedirectUris) checkReturnUri('post-logout redirect URI', uri)
  if (settings.backchannelLogoutUri !== null) checkBackchannelLogoutUri(settings.backchannelLogoutUri)
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

/** RFC 9700, sections 2.1.1 and 2.2.2: without a secret, these are all that a stolen code or token meets. */
function checkPublic(settings: ClientSettings): void {
  if (!settings.isPublic) return
  if (!settings.pkceRequired) throw invalidInput('a public client cannot be exempted from PKCE (RFC 9700, 2.1.1)')
  if (!settings.refreshTokenRotation) {
    throw invalidInput('the refresh tokens of a public client always rotate (RFC 9700, 2.2.2)')
  }
}

function checkRefreshTokens({ refreshTokenTtl: ttl, refreshTokenMaxAge: age }: ClientSettings): void {
  const lasts = (seconds: number, most: number) => Number.isInteger(seconds) && seconds >= 60 && seconds <= most
  if (ttl !== null && !lasts(ttl, MAX_REFRESH_TOKEN_TTL)) {
    throw invalidInput(`a refresh token lives 60 to ${MAX_REFRESH_TOKEN_TTL} seconds, not ${ttl}`)
  }
  if (age !== null && !lasts(age, MAX_REFRESH_TOKEN_MAX_AGE)) {
    throw invalidInput(`refresh tokens end 60 to ${MAX_REFRESH_TOKEN_MAX_AGE} seconds after the sign-in, not ${age}`)
  }
}

/** @throws KeywrightError `invalid_input`, saying which rule the settings break */
export function checkClientSettings(settings: ClientSettings): void {
  if (settings.name.length < 1 || settings.name.length > 200 || settings.name.includes('\0')) {
    throw invalidInput('a client name has 1 to 200 characters')
  }
  checkGrants(settings)
  checkPublic(settings)
  checkConcessions(settings)
  checkUris(settings)
  if (settings.accessTokenTtl !== null) checkAccessTokenTtl(settings.accessTokenTtl)
  checkRefreshTokens(settings)
  if (settings.defaultScopes !== null) checkScopes(settings.defaultScopes)
}
