import type { Bounded } from '../../../management/bounded-counts.ts'
import type { ChangeImpact } from '../../../management/change-impact.ts'
import type { Form } from '../../forms.ts'
import { countedUpTo } from './counts.ts'

const isNone = (count: Bounded | null): boolean => count?.count === 0

const countedOrMany = (count: Bounded | null, what: string): string =>
  count === null ? `many ${what}s` : countedUpTo(count, what)

/** What a change would revoke, as items of a confirmation page. */
export function impactStops({ accessTokens, refreshTokens, users }: ChangeImpact, what: string): string[] {
  const tokens = [
    ...(isNone(accessTokens) ? [] : [countedOrMany(accessTokens, 'access token')]),
    ...(isNone(refreshTokens) ? [] : [countedOrMany(refreshTokens, 'refresh token')]),
  ]
  return [
    ...(tokens.length > 0 ? [`revoke ${tokens.join(' and ')} ${what}, at once`] : []),
    ...(isNone(users) ? [] : [`ask ${countedOrMany(users, 'user')} for consent again when it is required`]),
  ]
}

/** Hidden fields of a confirmation page: the input and `confirmed`. The CSRF token is new. */
export const carriedForm = (form: Form): Record<string, string> => ({
  ...Object.fromEntries([...form].filter(([name]) => name !== 'csrf')),
  confirmed: 'on',
})
