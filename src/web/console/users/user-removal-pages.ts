/** Removing a user, who belongs to another account as well, from the account. */
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import { removeMembership } from '../../../management/membership-operations.ts'
import type { UserDetails } from '../../../management/user-views.ts'
import { affectedBy } from '../kit/affected-callers.ts'
import type { Change } from '../kit/changes.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { displayName } from '../kit/display-name.ts'
import { givenIn } from '../kit/query-fields.ts'
import { askPage, checkUnprotected, userWithCallers } from './user-form-pages.ts'
import { userPath } from './user-texts.ts'

/** @param protection why the user stays */
export function removal(t: ConsoleTranslate, { id }: UserDetails, protection: string | undefined): Change {
  const title = t('Remove from account')
  if (protection) return { title, text: protection }
  const text = t(
    'For somebody who has left: ends what they have in this account for good. They keep their other accounts.',
  )
  return { title, text, action: { href: userPath(id, 'remove'), label: t('Remove…'), danger: true } }
}

export async function askRemoval(call: ConsoleCall): Promise<void> {
  const { t } = call
  const user = await userWithCallers(call)
  // The page of the user offers what ends their only membership: disabling and deleting them.
  if (!user.hasOtherAccounts) return call.goTo(userPath(user.id))
  checkUnprotected(user, call)
  const { keyPair, namedKeyPairs, accountId, accountName } = user
  const stops = [
    t('end the access of the user to the account'),
    ...(keyPair === null && namedKeyPairs === 0
      ? []
      : [t('end the key pairs that the user has in the account for good, and revoke their tokens')]),
    t('disconnect the applications that the user has connected in the account, and revoke their tokens'),
  ]
  const asking = {
    title: t('Remove {name} from {account}?', { name: displayName(user), account: accountName ?? '' }),
    text: t('The user keeps their profile, and the access to their other accounts.'),
    submit: t('Remove from account'),
    stops,
    hidden: { account: accountId ?? '' },
    ...affectedBy(t, user.affected!),
  }
  call.show(askPage(t, user, 'remove', asking))
}

/** The form names the account, because the user may belong to several that an operator sees. */
export async function removeNow({ management, who, params, form, goTo }: ConsoleCall): Promise<void> {
  await removeMembership(management, who, { userId: params.userId!, accountId: givenIn(form, 'account') ?? '' })
  goTo('/users?notice=removed')
}
