import { KeywrightError } from '../shared/errors.ts'

/** RFC 6749, section 3.3: printable ASCII without space, quote and backslash. */
const SCOPE_TOKEN = /^[\x21\x23-\x5B\x5D-\x7E]{1,100}$/

/** Of many scopes that are wrong, so many are named. */
const MAX_NAMED = 3

/** About the person and the access, so of no API: OpenID Connect Core 1.0, sections 5.4 and 11. */
export const IDENTITY_SCOPES: readonly string[] = ['openid', 'profile', 'email', 'offline_access']

/** The error of a list of scopes. Undefined: valid. */
export function scopesError(scopes: readonly string[]): string | undefined {
  if (scopes.length === 0) return 'at least one scope is needed'
  const wrong = scopes.filter((scope) => !SCOPE_TOKEN.test(scope)).slice(0, MAX_NAMED)
  if (wrong.length > 0) {
    return `not a scope (RFC 6749, section 3.3): ${wrong.map((scope) => JSON.stringify(scope.slice(0, 200))).join(', ')}`
  }
  return new Set(scopes).size === scopes.length ? undefined : 'a scope is named twice'
}

export function apiScopesError(scopes: readonly string[]): string | undefined {
  const reserved = [...new Set(scopes)].filter((scope) => IDENTITY_SCOPES.includes(scope)).join(', ')
  const messages = [
    reserved && `${reserved} belongs to OpenID Connect; an API's scopes need other names`,
    scopesError(scopes),
  ]
  return messages.filter(Boolean).join('; ') || undefined
}

/**
 * The scope of a token: what was asked for, or everything granted when nothing was (RFC 6749, section 3.3).
 * @throws KeywrightError `invalid_scope` when more was asked for than was granted
 */
export function resolveScope(requested: string | undefined, granted: readonly string[]): string {
  if (requested === undefined || requested === '') return granted.join(' ')
  const wanted = [...new Set(requested.split(' '))]
  const missing = wanted.filter((scope) => !granted.includes(scope))
  if (missing.length > 0) {
    throw new KeywrightError('invalid_scope', `the client was not granted: ${missing.join(' ').trim().slice(0, 200)}`)
  }
  return wanted.join(' ')
}
