import type Provider from 'oidc-provider'
import type { KoaContextWithOIDC } from 'oidc-provider'
import { checkDpopReplay, validateDpop } from './engine-internals.ts'

/**
 * The thumbprint of the key in the DPoP proof of a token request, whose use is recorded; undefined without a proof.
 * @throws errors.InvalidDpopProof, also for a proof that was used before (RFC 9449, section 5)
 */
export async function provenKey(provider: Provider, ctx: KoaContextWithOIDC): Promise<string | undefined> {
  const proof = await validateDpop(provider, ctx as never)
  await checkDpopReplay(provider, ctx as never, proof, ctx.oidc.client!.clientId)
  return proof?.thumbprint
}
