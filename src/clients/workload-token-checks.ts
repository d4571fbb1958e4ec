import type { Clock } from '../shared/clock.ts'
import { REFUSAL_REASONS, type RefusalReason } from '../shared/refusal-reasons.ts'
import { type IdentityCheck, issuerCheck } from './identity-checks.ts'
import type { IssuerKeys } from './issuer-keys.ts'
import { claimedIssuer, judgeIdentity, UntrustedIdentityError } from './workload-authentication.ts'
import type { WorkloadTrust } from './workload-trusts.ts'

/** A trust of a client. */
export interface StoredTrust {
  readonly id: number
  readonly trust: WorkloadTrust
}

/** How a token compares to a trust. */
export interface TrustComparison {
  readonly id: number
  readonly issuer: string
  /** Null: the issuer identifier of this server. */
  readonly audience: string | null
  /** Whether the issuer signed the token, and all checks are met. */
  readonly isMet: boolean
  /** Why a request with the token is refused; null: the trust is met. */
  readonly reason: RefusalReason | null
  /** Why the token could not be verified; null: it was, or is of another issuer. */
  readonly failure: string | null
  /** Each claim that the trust requires. Of an issuer that was not verified: `iss` at most. */
  readonly checks: readonly IdentityCheck[]
}

/**
 * Compares a token of a workload to each trust of a client. Nothing is issued, and no use is recorded.
 * @param isOperator whether the caller may know what the address of an issuer responds
 * @throws UntrustedIdentityError the token is no JWT
 */
export type WorkloadTokenChecker = (
  trusts: readonly StoredTrust[],
  token: string,
  isOperator: boolean,
) => Promise<TrustComparison[]>

/** All that admins of accounts read of an issuer whose response only operators may know. */
export const UNREADABLE_KEYS = 'the keys of the issuer could not be read'

function failureIn({ reason, message, shown }: UntrustedIdentityError, isOperator: boolean): string {
  if (reason === 'issuer_unavailable' && !isOperator) return shown || UNREADABLE_KEYS
  return message || REFUSAL_REASONS[reason].text
}

/** @param serverIssuer the issuer identifier of this server */
export const createWorkloadTokenChecker =
  (issuerKeys: IssuerKeys, serverIssuer: string, clock: Clock): WorkloadTokenChecker =>
  async (trusts, token, isOperator) => {
    const issuer = claimedIssuer(token)
    const comparisons: TrustComparison[] = []
    for (const { id, trust } of trusts) {
      const { audience } = trust
      const checks = [issuerCheck(trust, issuer)]
      const found = { id, issuer: trust.issuer, audience, isMet: false, failure: null, checks }
      if (issuer !== trust.issuer) {
        comparisons.push({ ...found, reason: 'issuer_not_trusted' })
        continue
      }
      try {
        const [verdict] = await judgeIdentity(issuerKeys, [{ trust }], token, serverIssuer, clock.now() / 1000)
        const { checks } = verdict!
        const reason = checks.find(({ isMet }) => !isMet)?.reason ?? null
        comparisons.push({ ...found, isMet: reason === null, reason, checks })
      } catch (error) {
        if (!(error instanceof UntrustedIdentityError)) throw error
        comparisons.push({ ...found, reason: error.reason, failure: failureIn(error, isOperator), checks: [] })
      }
    }
    return comparisons
  }
