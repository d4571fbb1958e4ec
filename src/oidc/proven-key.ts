import { decodeJwt, decodeProtectedHeader } from 'jose'
import type Provider from 'oidc-provider'
import type { KoaContextWithOIDC } from 'oidc-provider'
import type { Registration } from '../clients/registration.ts'
import { OAuthError } from './engine-errors.ts'
import { checkDpopReplay, validateDpop } from './engine-internals.ts'
import type { OidcServices } from './oidc-services.ts'
import type { OidcContext } from './request-state.ts'

/**
 * The thumbprint of the key in the DPoP proof of a token request, whose use is recorded; undefined without a proof.
 * @throws errors.InvalidDpopProof, also for a proof that was used before (RFC 9449, section 5)
 */
export async function provenKey(provider: Provider, ctx: KoaContextWithOIDC): Promise<string | undefined> {
  const proof = await validateDpop(provider, ctx as never)
  await checkDpopReplay(provider, ctx as never, proof, ctx.oidc.client!.clientId)
  return proof?.thumbprint
}

/** FAPI 2.0 Security Profile, section 5.4.1: no RS256. The engine judges a malformed proof. @throws OAuthError 400 */
export function refuseWeakProof(ctx: OidcContext, { fapi2 }: Pick<Registration, 'fapi2'>): void {
  let alg: unknown
  try {
    alg = fapi2 && decodeProtectedHeader(ctx.get('dpop')).alg
  } catch {}
  if (alg === 'RS256') throw new OAuthError(400, 'invalid_dpop_proof', 'FAPI 2.0 does not allow proofs signed by RS256')
}

/**
 * The origin for certificates (RFC 8705, section 5), where the DPoP proof names that: the URL of the same endpoint there. The proof decides
 * and not the `Host`, because anybody can send that. Each proof is accepted once, whichever of the two URLs it names.
 */
export function provenOrigin({ certificateOrigin }: Pick<OidcServices, 'certificateOrigin'>, ctx: OidcContext) {
  if (certificateOrigin === undefined) return undefined
  try {
    const { htu } = decodeJwt(ctx.get('dpop'))
    return URL.parse(String(htu))?.origin === certificateOrigin ? certificateOrigin : undefined
  } catch {
    return undefined
  }
}
