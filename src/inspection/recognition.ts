import { emailKey, normalizedEmail } from '../shared/email-addresses.ts'
import { isId } from '../shared/ids.ts'
import { isWellFormedSecret, type SecretKind } from '../shared/secrets.ts'

/** What a text looks like, before the database is asked. */
export type Recognized =
  | { readonly kind: 'jwt'; readonly text: string }
  | { readonly kind: 'jti'; readonly jti: string }
  | { readonly kind: 'client_id'; readonly clientId: string }
  | { readonly kind: 'client_secret' | 'api_key'; readonly text: string; readonly isWellFormed: boolean }
  /** A refresh token, a one-time password or a SCIM token. */
  | { readonly kind: 'other_secret' }
  | { readonly kind: 'email'; readonly emailKey: string }
  | { readonly kind: 'last_four'; readonly lastFour: string }
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'unrecognized' }

/** Characters of an application's name. */
const LONGEST_NAME = 200

const SECRETS: Readonly<Record<string, [SecretKind, 'client_secret' | 'api_key']>> = {
  kws_: ['clientSecret', 'client_secret'],
  kwk_: ['apiKey', 'api_key'],
}

function recognizePrefix(text: string): Recognized | undefined {
  const prefix = text.slice(0, 4)
  const secret = SECRETS[prefix]
  if (secret) return { kind: secret[1], text, isWellFormed: isWellFormedSecret(secret[0], text) }
  if (['kwr_', 'kwp_', 'kwd_'].includes(prefix)) return { kind: 'other_secret' }
  if (/^kw[ca]_(?:(?:live|test)_)?[0-9A-Za-z]{1,60}$/.test(text)) return { kind: 'client_id', clientId: text }
  return undefined
}

/** Whether the text has the form of a JWS in compact serialization (RFC 7515, section 3.1). */
const isJwt = (text: string): boolean => text.startsWith('eyJ') && text.includes('.')

/** The last four characters, also behind the prefix: `kws_…AbCd`, `kws_test_…AbCd`. */
const lastFourIn = (text: string): string | undefined =>
  /^(?:kw[sk]_(?:(?:live|test)_)?)?(?:…|\.{3})?([0-9A-Za-z]{4})$/.exec(text)?.[1]

/** Recognizes what a text is, by its form alone. Accepts any text; a JWT may be broken into lines, as in an email. */
export function recognize(typed: string): Recognized {
  const text = typed.trim().replace(/^Bearer +/i, '')
  const lastFour = lastFourIn(text)
  if (lastFour) return { kind: 'last_four', lastFour }
  if (isJwt(text)) return { kind: 'jwt', text: text.replace(/\s+/g, '') }
  if (isId(text)) return { kind: 'jti', jti: text.toLowerCase() }
  const prefixed = recognizePrefix(text)
  if (prefixed) return prefixed
  if (text.includes('@') && normalizedEmail(text)) return { kind: 'email', emailKey: emailKey(text) }
  const isName = text !== '' && text.length <= LONGEST_NAME && text.isWellFormed() && !text.includes('\0')
  return isName ? { kind: 'name', name: text } : { kind: 'unrecognized' }
}
