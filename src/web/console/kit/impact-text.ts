import type { ConsoleText } from '../../../languages/console/console-text.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import type { Bounded } from '../../../management/bounded-counts.ts'
import type { ChangeImpact } from '../../../management/change-impact.ts'
import type { Form } from '../../forms.ts'
import { type Counted, countedUpTo } from './counts.ts'

const isNone = (count: Bounded | null): boolean => count?.count === 0

const MANY = {
  'access token': 'many access tokens',
  'refresh token': 'many refresh tokens',
  user: 'many users',
} as const satisfies Partial<Record<Counted, ConsoleText>>

const countedOrMany = (t: ConsoleTranslate, count: Bounded | null, what: keyof typeof MANY): string =>
  count === null ? t(MANY[what]) : countedUpTo(t, count, what)

/** Which tokens a change would revoke. */
type RevokedTokens =
  | 'revoke {tokens} that exceed the new permissions, at once'
  | 'revoke {tokens} that have it, at once'
  | 'revoke {tokens} that have one of them, at once'

/** What a change would revoke, as items of a confirmation page. */
export function impactStops(
  t: ConsoleTranslate,
  { accessTokens, refreshTokens, users }: ChangeImpact,
  message: RevokedTokens,
): string[] {
  const tokens = [
    ...(isNone(accessTokens) ? [] : [countedOrMany(t, accessTokens, 'access token')]),
    ...(isNone(refreshTokens) ? [] : [countedOrMany(t, refreshTokens, 'refresh token')]),
  ]
  return [
    ...(tokens.length > 0 ? [t(message, { tokens: t.list(tokens) })] : []),
    ...(isNone(users)
      ? []
      : [t('ask {users} for consent again when it is required', { users: countedOrMany(t, users, 'user') })]),
  ]
}

/** Hidden fields of a confirmation page: the input and `confirmed`. The CSRF token is new. */
export const carriedForm = (form: Form): Record<string, string> => ({
  ...Object.fromEntries([...form].filter(([name]) => name !== 'csrf')),
  confirmed: 'on',
})
