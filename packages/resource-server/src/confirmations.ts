import type { JWTPayload } from 'jose'
import { checkCertificate } from './client-certificates.ts'
import { isSame, sha256 } from './digests.ts'
import { checkDpop, type DpopRequirements } from './dpop.ts'
import { AccessTokenError } from './errors.ts'
import { headerOf, type PresentedToken, type VerifiableRequest } from './requests.ts'

async function checkApiKey(request: VerifiableRequest, expected: unknown): Promise<void> {
  const key = headerOf(request, 'x-api-key')
  if (!key) throw new AccessTokenError('api_key_missing', 'the access token requires an x-api-key header')
  if (typeof expected !== 'string' || !isSame(await sha256(key), expected)) {
    throw new AccessTokenError('api_key_wrong', 'the x-api-key does not belong to the access token')
  }
}

async function checkKeyBinding(
  request: VerifiableRequest,
  presented: PresentedToken,
  jkt: unknown,
  requirements: DpopRequirements,
): Promise<void> {
  if (jkt === undefined) {
    if (presented.scheme === 'bearer') return
    throw new AccessTokenError('dpop_not_bound', 'the access token is not bound to a key: use the Bearer scheme')
  }
  // With the Bearer scheme a thief could use a stolen token (RFC 9449, section 7.2).
  if (presented.scheme !== 'dpop') {
    throw new AccessTokenError('dpop_required', 'the access token is bound to a key: use the DPoP scheme')
  }
  if (typeof jkt !== 'string') throw new AccessTokenError('token_invalid', 'the jkt of the access token is malformed')
  await checkDpop(request, presented.token, jkt, requirements)
}

/**
 * Verifies that the sender meets the confirmation (`cnf`) of the token, if it has one (RFC 7800).
 * @throws AccessTokenError `api_key_…`, `certificate_…`, `dpop_…`, `confirmation_unsupported`
 */
export async function checkConfirmations(
  request: VerifiableRequest,
  presented: PresentedToken,
  claims: JWTPayload,
  requirements: DpopRequirements,
  certificateHeader: string | undefined,
): Promise<void> {
  if (claims.cnf === undefined) return await checkKeyBinding(request, presented, undefined, requirements)
  if (typeof claims.cnf !== 'object' || claims.cnf === null) {
    throw new AccessTokenError('token_invalid', 'the cnf of the access token is malformed')
  }
  const {
    jkt,
    'x-api-key#S256': apiKeyHash,
    'x5t#S256': certificate,
    ...others
  } = claims.cnf as Record<string, unknown>
  if (Object.keys(others).length > 0) {
    throw new AccessTokenError('confirmation_unsupported', 'the confirmation method of the access token is unsupported')
  }
  if (certificate !== undefined) await checkCertificate(request, certificate, certificateHeader)
  if (apiKeyHash !== undefined) await checkApiKey(request, apiKeyHash)
  await checkKeyBinding(request, presented, jkt, requirements)
}
