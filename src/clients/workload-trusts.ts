import { createHash } from 'node:crypto'
import type { JWK } from 'jose'
import { patternError } from '../shared/claim-patterns.ts'
import { invalidInput } from '../shared/errors.ts'
import { issuerError } from '../shared/issuer-identifiers.ts'
import { keysIn, usableKeys } from './client-keys.ts'
import { tenantError } from './shared-issuers.ts'
import type { TrustCondition } from './trust-conditions.ts'

/** Which tokens of an issuer prove a client (RFC 7523). */
export interface WorkloadTrust {
  /** As in the claim `iss`, compared exactly. */
  readonly issuer: string
  /** The claim `aud`; null: the issuer identifier of this server. */
  readonly audience: string | null
  /** All of them must be met. */
  readonly conditions: readonly TrustCondition[]
  /** Whether each token is accepted once. */
  readonly singleUse: boolean
  /** The public keys of the issuer, where this server cannot read them; null: they are read from the issuer. */
  readonly keys: readonly JWK[] | null
}

/** A trust as a request has it. */
export interface TrustInput {
  readonly issuer: string
  readonly audience?: string | null | undefined
  readonly conditions: readonly TrustCondition[]
  readonly singleUse?: boolean | undefined
  /** A JWK set (RFC 7517). */
  readonly jwks?: string | undefined
}

/** Trusts of one client. */
export const MAX_TRUSTS = 10

export const MAX_CONDITIONS = 10

/** Patterns of one condition. */
export const MAX_PATTERNS = 20

export const MAX_AUDIENCE_LENGTH = 500

/** Longer than usual claims, which are often URLs. */
const CLAIM_NAME = /^[\x21\x23-\x3c\x3e-\x5b\x5d-\x7e]{1,200}$/

/** Claims that every trust checks by itself. */
const CHECKED_ALWAYS = ['iss', 'aud', 'exp', 'iat', 'nbf', 'jti']

const invalid = (message: string, field: string) => invalidInput(message, field)

/** @throws KeywrightError `invalid_input` */
function checkCondition({ claim, anyOf }: TrustCondition): void {
  const wrong = (message: string) => invalid(`${claim.slice(0, 100)}: ${message}`, 'trustConditions')
  if (!CLAIM_NAME.test(claim)) throw wrong('the name of a claim has 1 to 200 visible ASCII characters')
  if (CHECKED_ALWAYS.includes(claim))
    throw wrong('this claim is checked without a condition; the audience has a field of its own')
  if (anyOf.length === 0 || anyOf.length > MAX_PATTERNS) throw wrong(`a condition has 1 to ${MAX_PATTERNS} patterns`)
  const error = anyOf.map(patternError).find((one) => one !== undefined)
  if (error) throw wrong(error)
}

/** @throws KeywrightError `invalid_input` */
function checkConditions(issuer: string, conditions: readonly TrustCondition[]): void {
  if (conditions.length === 0 || conditions.length > MAX_CONDITIONS)
    throw invalid(`a trust has 1 to ${MAX_CONDITIONS} conditions on claims, such as sub`, 'trustConditions')
  for (const condition of conditions) checkCondition(condition)
  if (new Set(conditions.map(({ claim }) => claim)).size < conditions.length)
    throw invalid('a claim has two conditions; give its patterns in one', 'trustConditions')
  const error = tenantError(issuer, conditions)
  if (error) throw invalid(error, 'trustConditions')
}

/** @throws KeywrightError `invalid_input` */
async function parseKeys(jwks: string): Promise<JWK[]> {
  const keys = await usableKeys(keysIn(jwks, 'trustJwks'))
  if (keys.length === 0) throw invalid('the key set has no key that can verify a token', 'trustJwks')
  return keys
}

/** @throws KeywrightError `invalid_input` */
export async function parseTrust(input: TrustInput): Promise<WorkloadTrust> {
  const { issuer, conditions, singleUse = false, jwks } = input
  const audience = input.audience || null
  const error = /^[\x21-\x7e]*$/.test(issuer) ? issuerError(issuer) : 'the issuer has visible ASCII characters only'
  if (error) throw invalid(error, 'trustIssuer')
  if (audience !== null && !/^[\x20-\x7e]{1,500}$/.test(audience))
    throw invalid(`the audience has 1 to ${MAX_AUDIENCE_LENGTH} visible ASCII characters`, 'trustAudience')
  checkConditions(issuer, conditions)
  const keys = jwks ? await parseKeys(jwks) : null
  return { issuer, audience, conditions: conditions.map(({ claim, anyOf }) => ({ claim, anyOf })), singleUse, keys }
}

/** SHA-256 of what the trust says: two trusts that say the same are one. */
export const hashOfTrust = ({ issuer, audience, conditions, singleUse, keys }: WorkloadTrust): Buffer =>
  createHash('sha256')
    .update(JSON.stringify([issuer, audience, conditions, singleUse, keys]))
    .digest()
