import type { JWTPayload } from 'jose'
import { isSame, sha256 } from './digests.ts'
import { checkDpop, type DpopRules } from './dpop.ts'
import { AccessTokenError } from './errors.ts'
import { headerOf, type PresentedToken, type VerifiableRequest } from './requests.ts'

async function checkApiKey(request: VerifiableRequest, expected: unknown): Promise<void> {
  const key = headerOf(request, 'x-api-key')
  if (!key) throw new AccessTokenError('api_key_missing', 'this access token takes an x-api-key beside it')
  if (typeof expected !== 'string' || !isSame(await sha256(key), expected)) {
    throw new AccessTokenError('api_key_wrong', 'the x-api-key is not the one that belongs to this access token')
  }
}

async function checkKey(request: VerifiableRequest, presented: PresentedToken, jkt: unknown, rules: DpopRules) {
  if (jkt === undefined) {
    if (presented.scheme === 'bearer') return
    throw new AccessTokenError('dpop_not_bound', 'this access token is bound to no key: send it as Bearer')
  }
  // RFC 9449, section 7.2: as Bearer, a stolen token would serve whoever stole it.
  if (presented.scheme !== 'dpop') throw new AccessTokenError('dpop_required', 'send this access token as DPoP')
  if (typeof jkt !== 'string') throw new AccessTokenError('token_invalid', 'the access token is bound to no key')
  await checkDpop(request, presented.token, jkt, rules)
}

/**
 * Sees that whoever sent the token may (RFC 7800).
 * @throws AccessTokenError `api_key_…`, `dpop_…`, `confirmation_unsupported`
 */
export async function checkConfirmations(
  request: VerifiableRequest,
  presented: PresentedToken,
  claims: JWTPayload,
  rules: DpopRules,
): Promise<void> {
  if (claims.cnf === undefined) return await checkKey(request, presented, undefined, rules)
  if (typeof claims.cnf !== 'object' || claims.cnf === null) {
    throw new AccessTokenError('token_invalid', 'the access token is bound to nothing')
  }
  const { jkt, 'x-api-key#S256': apiKeyHash, ...others } = claims.cnf as Record<string, unknown>
  if (Object.keys(others).length > 0) {
    throw new AccessTokenError('confirmation_unsupported', 'the access token is bound in a way that is not known here')
  }
  if (apiKeyHash !== undefined) await checkApiKey(request, apiKeyHash)
  await checkKey(request, presented, jkt, rules)
}
