import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { ENVIRONMENTS, type Environment, withEnvironment } from './environments.ts'

/** What a generated secret is for; its prefix lets people and secret scanners recognise it. */
export type SecretKind = keyof typeof SHAPES

const SHAPES = {
  /** Those of a named key pair carry its environment: `kws_test_…`. */
  clientSecret: { prefix: 'kws_', parts: 1, hasEnvironment: true },
  apiKey: { prefix: 'kwk_', parts: 1, hasEnvironment: true },
  password: { prefix: 'kwp_', parts: 1, hasEnvironment: false },
  /** A SCIM token, by which the identity provider of an account manages its users. */
  scimToken: { prefix: 'kwd_', parts: 1, hasEnvironment: false },
  /** An initial access token, with which clients register themselves (RFC 7591, section 3). */
  initialAccessToken: { prefix: 'kwi_', parts: 1, hasEnvironment: false },
  /** A registration access token, by which a client manages its own registration (RFC 7592). */
  registrationAccessToken: { prefix: 'kwg_', parts: 1, hasEnvironment: false },
  /** The secret of the family, which stays, and the current secret, which changes with each rotation. */
  refreshToken: { prefix: 'kwr_', parts: 2, hasEnvironment: false },
} as const

/** Most secrets have no environment, so the plain prefix comes first. */
const prefixesOf = ({ prefix, hasEnvironment }: (typeof SHAPES)[SecretKind]): readonly string[] =>
  hasEnvironment ? [prefix, ...ENVIRONMENTS.map((one) => withEnvironment(prefix, one))] : [prefix]

const PREFIXES = Object.fromEntries(
  Object.entries(SHAPES).map(([kind, shape]) => [kind, prefixesOf(shape)]),
) as Readonly<Record<SecretKind, readonly string[]>>

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const PART_LENGTH = 43
const CHECKSUM_LENGTH = 6

/** Base 62 with leading zeros kept, so that every value of a size has one length. */
function base62(value: bigint, length: number): string {
  let text = ''
  for (let rest = value; text.length < length; rest /= 62n) text = ALPHABET[Number(rest % 62n)] + text
  return text
}

const randomText = (bytes: number, length: number) => base62(BigInt(`0x${randomBytes(bytes).toString('hex')}`), length)

/** CRC-32 in base 62, as GitHub's tokens have it. Plain numbers: this runs at every request. */
function checksum(text: string): string {
  let digits = ''
  for (let rest = crc32(text); digits.length < CHECKSUM_LENGTH; rest = Math.floor(rest / 62)) {
    digits = ALPHABET[rest % 62] + digits
  }
  return digits
}

/**
 * A prefix, parts of 256 random bits in base 62, and a checksum: nothing in it needs escaping anywhere.
 * @param kept parts to begin with instead of fresh ones
 * @param environment of the key pair whose client secret or API key this is
 */
export function generateSecret(
  kind: SecretKind,
  kept: readonly string[] = [],
  environment: Environment | null = null,
): string {
  const parts = Array.from({ length: SHAPES[kind].parts }, (_, index) => kept[index] ?? randomText(32, PART_LENGTH))
  const body = withEnvironment(SHAPES[kind].prefix, environment) + parts.join('')
  return body + checksum(body)
}

/** The regular expression of a secret of this kind, for programs that search texts for secrets. The checksum is not in it. */
export function secretPattern(kind: SecretKind): string {
  const { prefix, parts, hasEnvironment } = SHAPES[kind]
  const environment = hasEnvironment ? `(?:(?:${ENVIRONMENTS.join('|')})_)?` : ''
  return `${prefix}${environment}[0-9A-Za-z]{${parts * PART_LENGTH + CHECKSUM_LENGTH}}`
}

/** The prefix of a value that has the length of a secret of this kind. */
function prefixOf(kind: SecretKind, value: string): string | undefined {
  const length = SHAPES[kind].parts * PART_LENGTH + CHECKSUM_LENGTH
  return PREFIXES[kind].find((prefix) => value.length === prefix.length + length && value.startsWith(prefix))
}

/** The random parts of a well-formed secret of this kind; a mistyped one is refused without asking the database. */
export function secretParts(kind: SecretKind, value: string): string[] | undefined {
  const prefix = prefixOf(kind, value)
  if (prefix === undefined) return undefined
  if (checksum(value.slice(0, -CHECKSUM_LENGTH)) !== value.slice(-CHECKSUM_LENGTH)) return undefined
  return Array.from({ length: SHAPES[kind].parts }, (_, n) =>
    value.slice(prefix.length + n * PART_LENGTH, prefix.length + (n + 1) * PART_LENGTH),
  )
}

/**
 * A secret that was generated here, by its prefix (that of a webhook is in base64), or a JWT: `eyJ` is `{"` in base64url. The pattern never goes back over
 * what it has read, so that its time grows linearly with a text that a caller sends. Ten characters behind a prefix
 * tell a cut secret from a name. A longer minimum multiplies the time of the test that analyses the pattern.
 */
const RECOGNISED = /(kw[skprldig]_(?:(?:live|test)_)?|whsec_)[0-9A-Za-z+/]{10,}|eyJ[\w.-]*/g

/** Characters of one logged text. */
const LONGEST_LOGGED = 8192

/** More than the characters of a secret by which it is recognised. */
const MARGIN = 100

/** A text for a log, without the secrets that somebody put where none belongs, and at most `longest` characters long. */
export const withoutSecrets = (text: string, longest = LONGEST_LOGGED): string =>
  text
    // A secret that begins before the limit is still recognised with the margin behind it.
    .slice(0, longest + MARGIN)
    .replace(RECOGNISED, (_, prefix: string | undefined) => `${prefix ?? 'JWT '}…`)
    .slice(0, longest)

export const isWellFormedSecret = (kind: SecretKind, value: string): boolean => secretParts(kind, value) !== undefined

/** SHA-256. A fast hash serves, because what is hashed carries 256 random bits (promise 5). */
export const hashSecret = (value: string): Buffer => createHash('sha256').update(value).digest()

export const lastFour = (value: string): string => value.slice(-4)

export const sameHash = (a: Buffer, b: Buffer): boolean => a.length === b.length && timingSafeEqual(a, b)

/** A public identifier: a prefix and 119 random bits. */
export const generateIdentifier = (prefix: string): string => prefix + randomText(15, 20)
