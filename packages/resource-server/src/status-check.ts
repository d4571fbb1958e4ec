import type { JWTPayload } from 'jose'
import type { AccessToken } from './access-token.ts'
import { AccessTokenError } from './errors.ts'
import type { StatusLists, TokenStatus } from './status-lists.ts'

/** What happens to a token whose status is unknown. */
export interface StatusPolicy {
  readonly onUnknown: 'refuse' | 'accept'
  readonly onMissing: 'refuse' | 'accept'
}

interface StatusReference {
  readonly uri: string
  readonly index: number
}

/** Token Status List, section 6.2. @throws AccessTokenError `status_malformed` */
function referenceOf({ status }: JWTPayload): StatusReference | undefined {
  if (status === undefined) return undefined
  const list = (status as { status_list?: unknown } | null)?.status_list
  const { uri, idx } = (list ?? {}) as Record<string, unknown>
  if (typeof uri === 'string' && Number.isSafeInteger(idx) && (idx as number) >= 0) return { uri, index: idx as number }
  throw new AccessTokenError('status_malformed', 'the status list reference of the access token is malformed')
}

function acceptOrThrow(status: TokenStatus, policy: StatusPolicy): AccessToken['status'] {
  if (status === 'valid') return 'valid'
  if (status === 'revoked') throw new AccessTokenError('token_revoked', 'the access token was revoked')
  if (status === 'out_of_range') {
    throw new AccessTokenError('status_out_of_range', 'the status index of the access token is outside the status list')
  }
  if (status === 'foreign') {
    throw new AccessTokenError('status_foreign', "the status list is not at the issuer's origin")
  }
  // Not `evicted`: such a token may have been rejected before as revoked, and `onUnknown` must not accept it now.
  if (status === 'unknown' && policy.onUnknown === 'accept') return 'unknown'
  throw new AccessTokenError('status_unknown', 'the revocation status of the access token is unavailable')
}

/**
 * Rejects a revoked token. Returns a promise only if its list has to be fetched first.
 * @throws AccessTokenError `token_revoked`, `status_…`
 */
export function checkStatus(
  claims: JWTPayload,
  lists: StatusLists,
  policy: StatusPolicy,
): AccessToken['status'] | Promise<AccessToken['status']> {
  const reference = referenceOf(claims)
  if (!reference) {
    if (policy.onMissing === 'accept') return 'unknown'
    throw new AccessTokenError('status_missing', 'the access token has no status list reference')
  }
  const status = lists.check(reference.uri, reference.index)
  if (typeof status === 'string') return acceptOrThrow(status, policy)
  return status.then((later) => acceptOrThrow(later, policy))
}
