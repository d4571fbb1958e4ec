import type { JWK, JWTPayload } from 'jose'
import { CLIENT_ASSERTION_ALGS } from '../shared/algorithms.ts'
import type { Clock } from '../shared/clock.ts'
import { KeywrightError } from '../shared/errors.ts'
import { parseJson } from '../shared/json-text.ts'
import { LONGEST_ASSERTION } from '../shared/longest-assertion.ts'
import type { RefusalReason } from '../shared/refusal-reasons.ts'
import type { AssertionAuthenticator, ProvedClient } from './assertion-authentication.ts'
import { isSignedBy, readSignedAssertion } from './assertion-signatures.ts'
import type { AssertionUse } from './assertion-uses.ts'
import { InvalidAssertionError } from './client-assertions.ts'
import { checkAddress } from './client-authentication.ts'
import { checksOf, failureText, type IdentityCheck, TOLERANCE } from './identity-checks.ts'
import { IssuerUnavailableError } from './issuer-documents.ts'
import type { IssuerKeys } from './issuer-keys.ts'
import type { Registration, ValidTrust } from './registration.ts'
import type { Registrations } from './registrations.ts'
import type { WorkloadTrust } from './workload-trusts.ts'

/** Authenticates clients with `workload_identity`. */
export type WorkloadAuthenticator = Pick<AssertionAuthenticator, 'prove'>

/** Why a token proves no workload. */
export class UntrustedIdentityError extends InvalidAssertionError {
  /** What the admin of the client may read: it comes from a token that the trusted issuer signed, or says why no key could be read. Empty: nothing. */
  readonly shown: string

  constructor(reason: RefusalReason, detail: string, shown = '') {
    super(reason, detail)
    this.shown = shown
  }
}

/** The types (`typ`) of tokens of workloads. A token that is made for something else has a type of its own. */
const TYPES = ['', 'jwt']

interface TokenHeader {
  readonly kid: string | undefined
}

const invalid = (detail: string) => new UntrustedIdentityError('identity_invalid', detail)

/** @throws UntrustedIdentityError */
function parsePart(token: string, index: number): Record<string, unknown> {
  try {
    const parsed = parseJson(Buffer.from(token.split('.', 3)[index] ?? '', 'base64url').toString())
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return parsed as never
  } catch {}
  throw invalid('the token is no JWT, or has two members of one name')
}

/** @throws UntrustedIdentityError */
function headerOf(token: string): TokenHeader {
  const { alg, kid, typ = '' } = parsePart(token, 0)
  if (!CLIENT_ASSERTION_ALGS.some((one) => one === alg)) throw invalid('the token is not signed with a supported alg')
  if (kid !== undefined && typeof kid !== 'string') throw invalid('kid is no text')
  if (typeof typ !== 'string' || !TYPES.includes(typ.toLowerCase())) throw invalid('the token is of another type (typ)')
  return { kid }
}

/** The issuer that a token claims, which is not verified. @throws UntrustedIdentityError */
export function claimedIssuer(token: string): string {
  if (token.length > LONGEST_ASSERTION) throw invalid('the token is too long')
  const { iss } = parsePart(token, 1)
  if (typeof iss !== 'string') throw invalid('the token has no issuer (iss)')
  return iss
}

/** Tells keys of issuers apart. */
const nameOf = ({ n, e, crv, x, y }: JWK): string => JSON.stringify([n, e, crv, x, y])

/** The claims of a token that one of these keys signed. @throws UntrustedIdentityError */
function verifiedClaims(token: string, { kid }: TokenHeader, keys: readonly JWK[]): JWTPayload {
  const candidates = keys.filter((jwk) => kid === undefined || jwk.kid === undefined || jwk.kid === kid)
  try {
    const signed = readSignedAssertion(token)
    if (candidates.some((jwk) => isSignedBy({ jwk, hash: nameOf(jwk) }, signed))) return parsePart(token, 1)
  } catch (error) {
    throw error instanceof UntrustedIdentityError
      ? error
      : invalid(error instanceof Error ? error.message : 'malformed')
  }
  throw new UntrustedIdentityError('identity_key', 'no current key of the issuer signed the token')
}

/** A trust with what it requires of a token. */
export interface TrustVerdict<Trust> {
  readonly trust: Trust
  readonly checks: readonly IdentityCheck[]
}

/**
 * What each trust in the issuer of a token requires of it, once the signature is verified.
 * @param trusts those in the issuer of the token
 * @param now seconds since 1970
 * @throws UntrustedIdentityError
 */
export async function judgeIdentity<Trust extends { readonly trust: WorkloadTrust }>(
  issuerKeys: IssuerKeys,
  trusts: readonly Trust[],
  token: string,
  serverIssuer: string,
  now: number,
): Promise<TrustVerdict<Trust>[]> {
  const header = headerOf(token)
  // Everybody with a client gets tokens here, and the API that receives one could authenticate with it.
  if (trusts.some(({ trust }) => trust.issuer === serverIssuer))
    throw invalid('tokens of this server authenticate no client')
  const verdicts: TrustVerdict<Trust>[] = []
  // A verification by many long keys takes milliseconds: one serves all trusts whose keys are those of the issuer.
  let byIssuer: Promise<JWTPayload> | undefined
  const claimsByIssuer = (issuer: string): Promise<JWTPayload> => {
    byIssuer ??= issuerKeys.keysOf(issuer, header.kid).then((keys) => verifiedClaims(token, header, keys))
    return byIssuer
  }
  let failure: unknown
  for (const trust of trusts) {
    const { issuer, keys } = trust.trust
    try {
      const claims = keys ? verifiedClaims(token, header, keys) : await claimsByIssuer(issuer)
      verdicts.push({ trust, checks: checksOf(trust.trust, claims, serverIssuer, now) })
    } catch (error) {
      failure = error
    }
  }
  if (verdicts.length > 0) return verdicts
  if (failure instanceof IssuerUnavailableError) {
    const { message, isShown } = failure
    throw new UntrustedIdentityError('issuer_unavailable', message, isShown ? message : '')
  }
  throw failure
}

const failuresOf = ({ checks }: TrustVerdict<unknown>): IdentityCheck[] => checks.filter(({ isMet }) => !isMet)

/** The verdict to show where several trusts are not met: the one that failed least. */
const nearest = <Trust>(verdicts: readonly TrustVerdict<Trust>[]): TrustVerdict<Trust> =>
  verdicts.reduce((best, one) => (failuresOf(one).length < failuresOf(best).length ? one : best))

const provedBy = ({ id, retiresAt }: ValidTrust) => ({ secretId: id, apiKeyId: null, retiresAt, apiKeyHash: null })

/**
 * Authenticates clients by the tokens that workloads have from an issuer that the client trusts (RFC 7523, sections 2 and 3).
 * @param isFirstUse records a use; false: an earlier one is recorded
 * @param clock the database's: on a node whose own clock is late, a retired trust would still be valid
 */
export function createWorkloadAuthenticator(
  registrations: Registrations,
  issuerKeys: IssuerKeys,
  isFirstUse: (use: AssertionUse) => Promise<boolean>,
  clock: Clock,
): WorkloadAuthenticator {
  /** The client by a trust that it has met: a token may be used once. */
  async function withTrust(clientId: string, trustId: number, address: string | undefined): Promise<ProvedClient> {
    const registration = await registrations.fresh(clientId)
    const trust = registration?.trusts.find(({ id }) => id === trustId)
    if (!registration || !trust)
      throw new KeywrightError('invalid_client', 'the client or its trust was replaced or archived')
    checkAddress(registration, address)
    return authenticated(registration, trust, address)
  }

  const authenticated = (registration: Registration, trust: ValidTrust, address: string | undefined): ProvedClient => ({
    registration,
    authentication: provedBy(trust),
    hasEndpointAudience: false,
    renew: () => withTrust(registration.clientId, trust.id, address),
  })

  async function useOnce(clientId: string, token: string): Promise<void> {
    const { iss, jti, exp } = parsePart(token, 1)
    const use = { clientId, jti: JSON.stringify([iss, jti]), rememberUntil: Math.ceil(exp as number) + TOLERANCE + 1 }
    if (await isFirstUse(use)) return
    throw new UntrustedIdentityError('assertion_replayed', 'the token was used before (jti)')
  }

  return {
    async prove(registration, { assertion, audiences, address }) {
      const issuer = claimedIssuer(assertion)
      const now = clock.now()
      const trusts = registration.trusts.filter(
        ({ trust, retiresAt }) => trust.issuer === issuer && (retiresAt === null || retiresAt > now),
      )
      if (trusts.length === 0)
        throw new UntrustedIdentityError('issuer_not_trusted', 'the client trusts no issuer of this name')
      const verdicts = await judgeIdentity(issuerKeys, trusts, assertion, audiences.issuer, now / 1000)
      const met = verdicts.find((verdict) => failuresOf(verdict).length === 0)
      if (!met) {
        const [first] = failuresOf(nearest(verdicts))
        throw new UntrustedIdentityError(first!.reason, failureText(first!), failureText(first!))
      }
      checkAddress(registration, address)
      if (met.trust.trust.singleUse) await useOnce(registration.clientId, assertion)
      return authenticated(registration, met.trust, address)
    },
  }
}
