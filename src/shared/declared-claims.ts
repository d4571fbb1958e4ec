import { invalidInput } from './errors.ts'
import { MAX_METADATA_NAME, type Metadata } from './object-metadata.ts'
import { splitWords } from './split-words.ts'

/** Whose metadata the value of a claim comes from. */
export const CLAIM_SOURCES = ['account', 'client', 'user'] as const

export type ClaimSource = (typeof CLAIM_SOURCES)[number]

/** A claim of the access tokens of an API, whose value is a member of metadata. */
export interface DeclaredClaim {
  readonly name: string
  readonly from: ClaimSource
  /** The name of the member, at the first level. */
  readonly key: string
}

/** Metadata by source, complete or only the members that are declared. */
export type ClaimSources = { readonly [Source in ClaimSource]?: Metadata | undefined }

/** Of one API. With `MAX_VALUE_BYTES` this bounds what the claims add to a token: gateways accept headers of 8 KiB. */
export const MAX_CLAIMS = 10

/** Bytes of the JSON of a value. A longer value is in no token. */
export const MAX_VALUE_BYTES = 256

/** Characters of the name of a claim. */
export const MAX_CLAIM_NAME = 100

/** Letters and digits, and what a URI needs: RFC 7519, section 4.2, recommends names that nobody else uses. */
const NAME = /^[A-Za-z][A-Za-z0-9_.:/~-]*$/

const KEY = /^[^\s\p{Cc}\p{Cs}]+$/u

/** Names that have a meaning in access tokens, introspection responses or other JWTs, so that a resource server may trust them. */
const RESERVED: ReadonlySet<string> = new Set([
  // RFC 7519, section 4.1
  ...['iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti'],
  // RFC 9068, section 2.2
  ...['client_id', 'auth_time', 'acr', 'amr', 'scope', 'groups', 'roles', 'entitlements'],
  // RFC 7800, RFC 8693, RFC 9396, Token Status List
  ...['cnf', 'act', 'may_act', 'authorization_details', 'status'],
  // RFC 7662, section 2.2, RFC 9701
  ...['active', 'username', 'token_type', 'token_introspection'],
  // OpenID Connect and its logout specifications
  ...['azp', 'nonce', 'at_hash', 'c_hash', 's_hash', 'sid', 'events', 'claims', '_claim_names', '_claim_sources'],
  // RFC 8417, RFC 9449, RFC 9493, and names of headers that programs expect among the claims
  ...['toe', 'txn', 'sub_id', 'htm', 'htu', 'ath', 'typ', 'alg', 'kid', 'jwk', 'jkt', 'crit'],
  // Set by Keywright, or used by programs for the scope and the account
  ...['account_id', 'allowed_networks', 'environment', 'scp', 'role', 'permissions', 'user_id', 'external_id'],
])

const shown = (text: string): string => JSON.stringify(text.slice(0, MAX_CLAIM_NAME))

function claimError({ name, from, key }: DeclaredClaim): string | undefined {
  if (!NAME.test(name) || name.length > MAX_CLAIM_NAME)
    return `the name of a claim has 1 to ${MAX_CLAIM_NAME} letters, digits and _ . : / ~ -, a letter first, not: ${shown(name)}`
  if (RESERVED.has(name.toLowerCase())) return `the name ${shown(name)} is reserved; choose another name for the claim`
  if (!CLAIM_SOURCES.includes(from)) return `a claim is from ${CLAIM_SOURCES.join(', ')}, not from ${shown(from)}`
  if (!KEY.test(key) || [...key].length > MAX_METADATA_NAME)
    return `the key of a claim is the name of a member of metadata without spaces, not: ${shown(key)}`
  return undefined
}

/** What is wrong with the claims of an API. Undefined: nothing. */
export function claimsError(claims: readonly DeclaredClaim[]): string | undefined {
  if (claims.length > MAX_CLAIMS) return `an API has at most ${MAX_CLAIMS} claims`
  for (const claim of claims) {
    const error = claimError(claim)
    if (error) return error
  }
  const names = claims.map(({ name }) => name)
  const twice = names.find((name, n) => names.indexOf(name) !== n)
  return twice === undefined ? undefined : `the claim ${twice} is declared twice`
}

/** Declared claims that somebody typed, as `plan=account.plan`, separated by white space. @throws KeywrightError `invalid_input` */
export function parseClaims(text: string): DeclaredClaim[] {
  const claims = splitWords(text).map((word) => {
    const [, name, from, key] = /^([^=]+)=([a-z]+)\.(.+)$/u.exec(word) ?? []
    if (!name || !from || !key)
      throw invalidInput(`a claim is declared as name=source.key, such as plan=account.plan, not: ${shown(word)}`)
    return { name, from: from as ClaimSource, key }
  })
  const error = claimsError(claims)
  if (error) throw invalidInput(error)
  return claims
}

/** Each claim as `plan=account.plan`. */
export const claimWords = (claims: readonly DeclaredClaim[]): string[] =>
  claims.map(({ name, from, key }) => `${name}=${from}.${key}`)

/** The values of the claims. A claim whose source has no such member, or a longer value, is left out. */
export function claimValues(claims: readonly DeclaredClaim[], sources: ClaimSources): Record<string, unknown> {
  const values: Record<string, unknown> = {}
  for (const { name, from, key } of claims) {
    const metadata = sources[from]
    if (!metadata || !Object.hasOwn(metadata, key)) continue
    if (Buffer.byteLength(JSON.stringify(metadata[key])) <= MAX_VALUE_BYTES) values[name] = metadata[key]
  }
  return values
}
