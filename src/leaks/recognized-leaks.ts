import { createPublicKey, type JsonWebKey } from 'node:crypto'
import type { Knex } from 'knex'
import { keyIdOf, verifyWith } from '../keys/jwt.ts'
import { hashesOf } from '../refresh/refresh-token-families.ts'
import { type SigningAlg, TOKEN_TYPES } from '../shared/algorithms.ts'
import { isId } from '../shared/ids.ts'
import { hashSecret, isWellFormedSecret } from '../shared/secrets.ts'
import { LEAK_PATTERNS, type LeakKind } from './leak-patterns.ts'

/** A text that was issued here, by its form and checksum, or by its signature. */
export interface RecognizedLeak {
  readonly kind: LeakKind
  /** What the credential is looked up by, and the key of its report. */
  readonly hash: Buffer
  /** Of an access token. */
  readonly jti?: string
}

function recognizeSecret(text: string): RecognizedLeak | undefined {
  const found = LEAK_PATTERNS.find(({ secret }) => isWellFormedSecret(secret, text))
  if (!found) return undefined
  const hash = found.kind === 'refresh_token' ? hashesOf(text)!.family : hashSecret(text)
  return { kind: found.kind, hash }
}

interface SigningKeyRow {
  readonly kid: string
  readonly alg: SigningAlg
  readonly public_jwk: JsonWebKey
}

type VerificationKeys = ReadonlyMap<string, Parameters<typeof verifyWith>[0]>

/** A text column holds no NUL character. */
const isStorable = (kid: string): boolean => !kid.includes('\0') && kid.isWellFormed()

/** The signing keys that the texts name, in one statement; none without a JWT. */
async function keysFor(knex: Knex, texts: readonly string[]): Promise<VerificationKeys> {
  const named = texts.map((text) => (text.startsWith('eyJ') ? keyIdOf(text) : undefined))
  const kids = [...new Set(named)].filter((kid) => kid !== undefined).filter(isStorable)
  if (kids.length === 0) return new Map()
  const rows = await knex('signing_keys').whereIn('kid', kids).select<SigningKeyRow[]>('kid', 'alg', 'public_jwk')
  return new Map(
    rows.map(({ kid, alg, public_jwk }) => [
      kid,
      { alg, publicKey: createPublicKey({ key: public_jwk, format: 'jwk' }) },
    ]),
  )
}

function recognizeToken(keys: VerificationKeys, text: string): RecognizedLeak | undefined {
  const key = keys.size > 0 ? keys.get(keyIdOf(text) ?? '') : undefined
  const { type, claims } = (key && verifyWith(key, text)) ?? {}
  if (!(TOKEN_TYPES as readonly unknown[]).includes(type)) return undefined
  const jti = String(claims?.jti).toLowerCase()
  return isId(jti) ? { kind: 'access_token', hash: hashSecret(jti), jti } : undefined
}

/** What each text is, in its order; undefined: none of ours. Accepts any text. */
export async function recognizeLeaks(
  knex: Knex,
  reported: readonly string[],
): Promise<readonly (RecognizedLeak | undefined)[]> {
  const texts = reported.map((text) => text.trim())
  const keys = await keysFor(knex, texts)
  return texts.map((text) => recognizeSecret(text) ?? recognizeToken(keys, text))
}
