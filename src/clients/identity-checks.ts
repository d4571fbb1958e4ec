import type { JWTPayload } from 'jose'
import { matchesPattern } from '../shared/claim-patterns.ts'
import type { RefusalReason } from '../shared/refusal-reasons.ts'
import type { TrustCondition } from './trust-conditions.ts'
import type { WorkloadTrust } from './workload-trusts.ts'

/** One thing that a trust requires of a token. */
export interface IdentityCheck {
  /** The claim. */
  readonly claim: string
  readonly isMet: boolean
  /** What is required. */
  readonly required: string
  /** Where the check is a condition: the patterns. One must match. */
  readonly patterns?: readonly string[]
  /** What the token has, shortened. */
  readonly found: string
  /** Why a request with the token is refused. */
  readonly reason: RefusalReason
}

/** Seconds by which the clock of an issuer may differ. */
export const TOLERANCE = 10

/** Seconds. No token of a workload is valid for longer. */
const MAX_LIFETIME = 86_400

/** Characters of a claim that is compared. */
const MAX_VALUE_LENGTH = 2000

/** Characters of a claim that is shown. */
const MAX_SHOWN_LENGTH = 120

const shown = (value: unknown): string => {
  const text = value === undefined ? 'nothing' : typeof value === 'string' ? value : JSON.stringify(value)
  return text
    .replace(/[^\P{C}]/gu, '·')
    .slice(0, MAX_SHOWN_LENGTH)
    .toWellFormed()
}

/** A claim as text; undefined: it is a list, an object or too long. */
function textOf(value: unknown): string | undefined {
  if (typeof value !== 'string' && typeof value !== 'boolean' && !Number.isSafeInteger(value)) return undefined
  const text = String(value)
  return text.length <= MAX_VALUE_LENGTH ? text : undefined
}

const claimOf = (claims: JWTPayload, name: string): unknown => (Object.hasOwn(claims, name) ? claims[name] : undefined)

function checkCondition(claims: JWTPayload, { claim, anyOf }: TrustCondition): IdentityCheck {
  const value = claimOf(claims, claim)
  const text = textOf(value)
  const isMet = text !== undefined && anyOf.some((pattern) => matchesPattern(pattern, text))
  return {
    claim,
    isMet,
    required: anyOf.join(' or '),
    patterns: anyOf,
    found: shown(value),
    reason: 'identity_condition',
  }
}

const isTime = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value)

function checkTimes({ exp, iat, nbf }: JWTPayload, now: number): IdentityCheck[] {
  const isExpired = isTime(exp) && exp + TOLERANCE <= now
  const isBounded = isTime(exp) && exp <= now + MAX_LIFETIME + TOLERANCE
  const begin = (claim: string, value: unknown): IdentityCheck => ({
    claim,
    isMet: value === undefined || (isTime(value) && value <= now + TOLERANCE),
    required: 'a time in the past',
    found: shown(value),
    reason: 'identity_invalid',
  })
  return [
    {
      claim: 'exp',
      isMet: isBounded && !isExpired,
      required: 'a time within the next 24 hours',
      found: shown(exp),
      reason: isExpired ? 'identity_expired' : 'identity_invalid',
    },
    ...(iat === undefined ? [] : [begin('iat', iat)]),
    ...(nbf === undefined ? [] : [begin('nbf', nbf)]),
  ]
}

/** One audience alone, so that no other server can use the token here. Kubernetes has it in a list. */
function checkAudience({ aud }: JWTPayload, audience: string): IdentityCheck {
  const only: unknown = Array.isArray(aud) && aud.length === 1 ? aud[0] : aud
  return {
    claim: 'aud',
    isMet: only === audience,
    required: `${audience}, and no other audience`,
    found: shown(aud),
    reason: 'identity_condition',
  }
}

/** @param found the claim `iss` */
export const issuerCheck = ({ issuer }: WorkloadTrust, found: unknown): IdentityCheck => ({
  claim: 'iss',
  isMet: found === issuer,
  required: issuer,
  found: shown(found),
  reason: 'identity_condition',
})

/**
 * What a trust requires of the claims of a token that its issuer has signed.
 * @param issuer the issuer identifier of this server
 * @param now seconds since 1970
 */
export function checksOf(trust: WorkloadTrust, claims: JWTPayload, issuer: string, now: number): IdentityCheck[] {
  const { jti } = claims
  return [
    issuerCheck(trust, claims.iss),
    ...checkTimes(claims, now),
    checkAudience(claims, trust.audience ?? issuer),
    ...trust.conditions.map((condition) => checkCondition(claims, condition)),
    ...(trust.singleUse
      ? [
          {
            claim: 'jti',
            isMet: typeof jti === 'string' && jti !== '' && jti.length <= 300,
            required: 'an ID: this trust accepts each token once',
            found: shown(jti),
            reason: 'identity_invalid',
          } as const,
        ]
      : []),
  ]
}

/** A check that failed, for the admin of the client. The database stores no half of a surrogate pair. */
export const failureText = ({ claim, required, found }: IdentityCheck): string =>
  `${claim}: ${found} (required: ${required})`.slice(0, 300).toWellFormed()
