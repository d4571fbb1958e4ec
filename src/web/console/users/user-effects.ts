/** What changes of a user end, as the pages that confirm them list it. */
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import { mayManagePerson } from '../../../management/tenant-isolation.ts'
import type { UserDetails } from '../../../management/user-views.ts'
import { boundedValues } from '../kit/bounded-values.ts'
import type { ConsoleCall } from '../kit/console-route.ts'

/** Whether the viewer changes what the user is in the account only. */
export const isMemberOnly = (user: UserDetails, { who }: ConsoleCall): boolean => !mayManagePerson(who, user)

/** The tokens of the key pair, which stays. */
export const endsOwnTokens = (t: ConsoleTranslate, { keyPair, ownTokens }: UserDetails): string[] =>
  keyPair === null
    ? []
    : [
        t(
          'revoke {more, select, yes {more than } other {}}{count, plural, one {# active token} other {# active tokens}} of the key pair',
          boundedValues(ownTokens),
        ),
      ]

/** The key pair, which works again when the user is enabled. */
export const disablesPair = (t: ConsoleTranslate, { keyPair, ownTokens }: UserDetails): string[] =>
  keyPair === null
    ? []
    : [
        t(
          'disable the key pair {keyPair} and revoke {more, select, yes {more than } other {}}{count, plural, one {# active token} other {# active tokens}}',
          { keyPair, ...boundedValues(ownTokens) },
        ),
      ]

export const endsApplicationTokens = (t: ConsoleTranslate, { applicationTokens }: UserDetails): string =>
  applicationTokens.count === 0
    ? t('revoke the tokens that applications have for this user')
    : t(
        'revoke {more, select, yes {more than } other {}}{count, plural, one {# active token} other {# active tokens}} that applications have for this user, and their refresh tokens',
        boundedValues(applicationTokens),
      )

/** The key pairs, for good; for an operator those in all accounts. */
export function endsPairs(t: ConsoleTranslate, user: UserDetails, call: ConsoleCall): string[] {
  const { keyPair, namedKeyPairs, hasOtherAccounts, ownTokens } = user
  if (hasOtherAccounts && !isMemberOnly(user, call))
    return [t('end the key pairs of the user in all accounts for good, and revoke their tokens')]
  const pairs = namedKeyPairs + (keyPair === null ? 0 : 1)
  if (pairs === 0) return []
  return [
    t(
      'end {pairs, plural, one {the key pair} other {# key pairs}} of the user for good, and revoke {more, select, yes {more than } other {}}{count, plural, one {# active token} other {# active tokens}}',
      { pairs, ...boundedValues(ownTokens) },
    ),
  ]
}
