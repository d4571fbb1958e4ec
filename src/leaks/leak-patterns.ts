import { type SecretKind, secretPattern } from '../shared/secrets.ts'

export const LEAK_KINDS = ['client_secret', 'api_key', 'access_token', 'refresh_token'] as const

/** What a leaked text can be. */
export type LeakKind = (typeof LEAK_KINDS)[number]

export interface LeakPattern {
  /** The name under which a scanner reports it. */
  readonly type: string
  readonly kind: Exclude<LeakKind, 'access_token'>
  readonly secret: SecretKind
  /** A regular expression that RE2, PCRE and JavaScript read alike. */
  readonly pattern: string
}

const pattern = (type: string, kind: LeakPattern['kind'], secret: SecretKind): LeakPattern => ({
  type,
  kind,
  secret,
  pattern: secretPattern(secret),
})

/**
 * What scanners search for; `docs/secret-scanning.md` lists them. Access tokens have no pattern of ours: they are JWTs, which
 * every issuer has. One-time passwords are hashed with a salt and cannot be looked up.
 */
export const LEAK_PATTERNS: readonly LeakPattern[] = [
  pattern('keywright_client_secret', 'client_secret', 'clientSecret'),
  pattern('keywright_api_key', 'api_key', 'apiKey'),
  pattern('keywright_refresh_token', 'refresh_token', 'refreshToken'),
]
