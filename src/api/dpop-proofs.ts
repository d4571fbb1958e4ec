import { createHash } from 'node:crypto'
import { calculateJwkThumbprint, decodeProtectedHeader, EmbeddedJWK, type JWTPayload, jwtVerify } from 'jose'
import type { Context } from 'koa'
import type { DpopPolicy } from '../clients/proof-attributes.ts'
import { DPOP_ALGS } from '../shared/algorithms.ts'
import type { Clock } from '../shared/clock.ts'
import { invalidProof, nonceRequired } from './bearer-errors.ts'
import { ProblemError } from './problems.ts'

/** What all nodes know of DPoP proofs. */
export interface DpopStore {
  /** The nonce to use next. */
  nextNonce(): string
  /** Whether a node gave out the nonce some minutes ago at most. */
  isNonce(nonce: string): boolean
  /** Records a use until `expiresAt`, in seconds since 1970. False: a node recorded it before. */
  recordUse(clientId: string, jti: string, expiresAt: number): Promise<boolean>
}

/** Seconds by which the time of a proof may differ, as at the token endpoint. */
const WINDOW = 300

/** Seconds that a use is remembered: one that is dated ahead is valid for longer. */
const REMEMBERED = 2 * WINDOW

/** What a proof must prove. */
export interface ProofRequest {
  /** The access token. */
  readonly token: string
  /** The thumbprint of the key that the token is bound to. */
  readonly jkt: string
  readonly client: { readonly clientId: string; readonly dpop: DpopPolicy; readonly fapi2: boolean }
}

/** RFC 9449, section 4.3: without query and fragment, normalized. */
function withoutQuery(text: unknown): string | undefined {
  const url = typeof text === 'string' ? URL.parse(text) : null
  if (!url) return undefined
  url.search = ''
  url.hash = ''
  return url.href
}

async function verifySignature(proof: string, { jkt, client }: ProofRequest, now: number): Promise<JWTPayload> {
  const { jwk, alg } = decodeProtectedHeader(proof)
  // Before the signature is verified, so that nobody chooses the key that is.
  if (!jwk || (await calculateJwkThumbprint(jwk)) !== jkt)
    throw invalidProof('the DPoP proof is signed with a key that the access token is not bound to')
  // FAPI 2.0 Security Profile, section 5.4.1.
  if (client.fapi2 && alg === 'RS256') throw invalidProof('FAPI 2.0 does not allow proofs signed by RS256')
  const options = { typ: 'dpop+jwt', algorithms: [...DPOP_ALGS], currentDate: new Date(now) }
  return (await jwtVerify(proof, EmbeddedJWK, options)).payload
}

/** Checks the claims against the request. @param urls the addresses of the request */
function checkClaims(claims: JWTPayload, { token }: ProofRequest, method: string, urls: readonly string[]): void {
  if (claims.htm !== method) throw invalidProof('the DPoP proof is for another method')
  const htu = withoutQuery(claims.htu)
  if (htu === undefined || !urls.map(withoutQuery).includes(htu))
    throw invalidProof('the DPoP proof is for another URL')
  if (claims.ath !== createHash('sha256').update(token).digest('base64url'))
    throw invalidProof('the DPoP proof is for another access token')
  if (typeof claims.jti !== 'string' || claims.jti === '') throw invalidProof('the DPoP proof has no jti')
}

/**
 * Checks DPoP proofs of requests with a bound access token (RFC 9449, sections 4.3 and 7.1). Each is accepted once, over all nodes.
 * @param origins by which the server is reached: that of the issuer, and the one for certificates
 * @returns checks the proof of a request, which may ask again after its body arrived
 */
export function createProofCheck(store: DpopStore, origins: () => readonly string[], clock: Clock) {
  const proven = new WeakSet<Context>()

  /** Instead of its time, the nonce says when a proof was made. */
  function checkTime(ctx: Context, { iat, nonce }: JWTPayload, { dpop }: ProofRequest['client']): void {
    if (nonce === undefined && dpop !== 'nonce') {
      if (typeof iat === 'number' && Math.abs(clock.now() / 1000 - iat) <= WINDOW) return
      throw invalidProof('the time of the DPoP proof (iat) is missing or differs by more than five minutes')
    }
    const next = store.nextNonce()
    if (typeof nonce !== 'string' || !store.isNonce(nonce)) throw nonceRequired(next)
    if (typeof iat !== 'number') throw invalidProof('the DPoP proof has no iat')
    if (nonce !== next) ctx.set('DPoP-Nonce', next)
  }

  async function claimsOf(proof: string, request: ProofRequest): Promise<JWTPayload> {
    try {
      return await verifySignature(proof, request, clock.now())
    } catch (error) {
      throw error instanceof ProblemError ? error : invalidProof('the DPoP proof is malformed')
    }
  }

  /** @throws ProblemError `invalid_dpop_proof`, `use_dpop_nonce` */
  return async (ctx: Context, request: ProofRequest): Promise<void> => {
    if (proven.has(ctx)) return
    const proof = ctx.get('dpop')
    if (!proof) throw invalidProof('send a DPoP proof in the header DPoP')
    const claims = await claimsOf(proof, request)
    const urls = origins().map((origin) => origin + ctx.path)
    checkClaims(claims, request, ctx.method, urls)
    checkTime(ctx, claims, request.client)
    const expiresAt = Math.floor(clock.now() / 1000) + REMEMBERED
    if (!(await store.recordUse(request.client.clientId, claims.jti!, expiresAt)))
      throw invalidProof('the DPoP proof was used before')
    proven.add(ctx)
  }
}
