import type { Context } from 'koa'
import { presentedThumbprint } from '../http/certificate-header.ts'
import type { Clock } from '../shared/clock.ts'
import { hashSecret } from '../shared/secrets.ts'
import { invalidBinding, invalidToken, missingToken } from './bearer-errors.ts'
import { createProofCheck, type DpopStore, type ProofRequest } from './dpop-proofs.ts'

/** An access token as a request has it. */
interface PresentedToken {
  readonly token: string
  /** Whether it is sent as one that is bound to a key (RFC 9449, section 7.1). */
  readonly isDpop: boolean
}

/**
 * RFC 6750, section 2.1. The form and the query (2.2, 2.3) leak tokens into logs and are not accepted.
 * @throws ProblemError `missing_token`, `invalid_token`
 */
export function presentedToken(ctx: Context): PresentedToken {
  const header = ctx.get('authorization')
  const [, scheme, token] = /^(bearer|dpop) +([\w~+/.-]+=*) *$/i.exec(header) ?? []
  if (scheme && token) return { token, isDpop: /^dpop$/i.test(scheme) }
  throw /^(bearer|dpop)\b/i.test(header)
    ? invalidToken('the Authorization header holds no valid access token')
    : missingToken()
}

interface BindingServices {
  readonly dpopStore: DpopStore
  readonly database: { readonly clock: Clock }
  /** The origin at which the proxy asks clients for certificates; undefined: at the issuer's. */
  readonly certificateOrigin: string | undefined
  issuerUrl(): string
}

function checkSecrets(ctx: Context, keyHash: unknown, thumbprint: unknown): void {
  if (thumbprint !== undefined && thumbprint !== presentedThumbprint(ctx))
    throw invalidToken('send the client certificate to which the access token is bound')
  if (keyHash === undefined) return
  const sent = hashSecret(ctx.get('x-api-key')).toString('base64url')
  if (sent !== keyHash) throw invalidToken('send the API key of the client in the x-api-key header')
}

/** Checks the confirmation of a bound token (RFC 7800). An unknown confirmation method is not satisfied. */
export function createBindingCheck({ dpopStore, database, certificateOrigin, issuerUrl }: BindingServices) {
  const origins = () => [issuerUrl(), ...(certificateOrigin === undefined ? [] : [certificateOrigin])]
  const checkProof = createProofCheck(dpopStore, origins, database.clock)

  /** @throws ProblemError `invalid_token`, `invalid_dpop_proof`, `use_dpop_nonce` */
  return async (
    ctx: Context,
    { token, isDpop }: PresentedToken,
    { cnf = {} }: Record<string, unknown>,
    client: ProofRequest['client'],
  ): Promise<void> => {
    const { 'x-api-key#S256': keyHash, 'x5t#S256': thumbprint, jkt, ...others } = cnf as Record<string, unknown>
    if (Object.keys(others).length > 0) throw invalidToken('the access token is bound in a way that is unknown here')
    checkSecrets(ctx, keyHash, thumbprint)
    if (jkt === undefined && isDpop) throw invalidBinding('the access token is bound to no key: send it as Bearer')
    if (jkt === undefined) return
    if (!isDpop) throw invalidBinding('the access token is bound to a key: send it as DPoP, with a proof')
    await checkProof(ctx, { token, jkt: String(jkt), client })
  }
}
