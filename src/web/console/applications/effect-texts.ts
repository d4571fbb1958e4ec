import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import type { Bounded } from '../../../management/bounded-counts.ts'
import { countedUpTo } from '../kit/counts.ts'

// What an action does to the tokens and the callers of a client, as items of the page that asks before it.

interface Held {
  readonly activeTokens: Bounded
  readonly grants: Bounded
}

/** `2 access tokens and 1 refresh token`, and how many that are together; undefined: the client has none. */
export function heldTokens(t: ConsoleTranslate, { activeTokens, grants }: Held) {
  const tokens = [
    ...(activeTokens.count > 0 ? [countedUpTo(t, activeTokens, 'access token')] : []),
    ...(grants.count > 0 ? [countedUpTo(t, grants, 'refresh token')] : []),
  ]
  return tokens.length > 0 ? { tokens: t.list(tokens), count: activeTokens.count + grants.count } : undefined
}

export function heldTokensStop(t: ConsoleTranslate, held: Held): string {
  const values = heldTokens(t, held)
  if (!values) return t('revoke no tokens: none are active')
  return t('revoke {count, plural, one {{tokens}} other {{tokens}}} immediately', values)
}

interface Called {
  readonly callers: readonly { readonly ip: string }[]
}

/** How many addresses called with the credentials of a client in the last day. */
export const callingAddresses = ({ callers }: Called): number => new Set(callers.map(({ ip }) => ip)).size

/** Those who called in the last day, who will notice. */
export function callersStop(t: ConsoleTranslate, called: Called): string {
  const count = callingAddresses(called)
  if (count === 0) return t('affect no callers: none used it in the last 24 hours')
  return t('block {count, plural, one {# IP address} other {# IP addresses}} that called in the last 24 hours', {
    count,
  })
}
