import type { JWTPayload } from 'jose'
import type { AccessToken } from './access-token.ts'
import { AccessTokenError } from './errors.ts'
import type { StatusLists, Verdict } from './status-lists.ts'

export interface StatusChoices {
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
  throw new AccessTokenError('status_malformed', 'the status of the access token is not in a status list')
}

function answer(verdict: Verdict, choices: StatusChoices): AccessToken['status'] {
  if (verdict === 'valid') return 'valid'
  if (verdict === 'revoked') throw new AccessTokenError('token_revoked', 'the access token was revoked')
  if (verdict === 'out_of_range') {
    throw new AccessTokenError('status_out_of_range', 'the status list does not reach to the access token')
  }
  if (verdict === 'foreign') {
    throw new AccessTokenError('status_foreign', "the status list is not one of the token's issuer")
  }
  // What was forgotten may have been refused before: that it is let pass nobody has chosen.
  if (verdict === 'unknown' && choices.onUnknown === 'accept') return 'unknown'
  throw new AccessTokenError('status_unknown', 'whether the access token was revoked cannot be told now')
}

/**
 * Whether the token was revoked, by what is known here.
 * @throws AccessTokenError `token_revoked`, `status_…`
 */
export function checkStatus(
  claims: JWTPayload,
  lists: StatusLists,
  choices: StatusChoices,
): AccessToken['status'] | Promise<AccessToken['status']> {
  const reference = referenceOf(claims)
  if (!reference) {
    if (choices.onMissing === 'accept') return 'unknown'
    throw new AccessTokenError('status_missing', 'the access token names no status list')
  }
  const verdict = lists.check(reference.uri, reference.index)
  if (typeof verdict === 'string') return answer(verdict, choices)
  return verdict.then((later) => answer(later, choices))
}
