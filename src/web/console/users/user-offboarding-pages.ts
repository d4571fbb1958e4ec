/** Off-boarding a user who has left: disabling keeps key pairs and consents for somebody who comes back. */
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import { mayManagePerson } from '../../../management/tenant-isolation.ts'
import { offboardUser } from '../../../management/user-offboarding.ts'
import { readUser } from '../../../management/user-operations.ts'
import type { UserDetails } from '../../../management/user-views.ts'
import { affectedBy } from '../kit/affected-callers.ts'
import type { Change } from '../kit/changes.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { displayName } from '../kit/display-name.ts'
import { keepsWorking } from './user-applications-block.ts'
import { endsApplicationTokens, endsPairs, isMemberOnly } from './user-effects.ts'
import { askPage, checkUnprotected, userWithCallers } from './user-form-pages.ts'
import { userPath } from './user-texts.ts'

/** What a user has who may be off-boarded already. In other accounts they may have more. */
const hasNothing = ({ keyPair, namedKeyPairs, applications, hasOtherAccounts }: UserDetails): boolean =>
  keyPair === null && namedKeyPairs === 0 && applications === 0 && !hasOtherAccounts

/** None for a disabled user who has nothing left that would end. */
export function offboarding(t: ConsoleTranslate, user: UserDetails): Change[] {
  const isActive = user.status === 'active'
  if (!isActive && hasNothing(user)) return []
  const title = t('Off-board user')
  const text = isActive
    ? t(
        'For somebody who has left: disables the user, and ends their sessions, key pairs, connected applications and tokens for good.',
      )
    : t('For somebody who has left: also ends the key pairs and connected applications of the user for good.')
  return [{ title, text, action: { href: userPath(user.id, 'offboard'), label: t('Off-board…'), danger: true } }]
}

const endsConsents = (t: ConsoleTranslate, { applications }: UserDetails): string[] =>
  applications === 0
    ? []
    : [t('disconnect {count, plural, one {# application} other {# applications}} of the user', { count: applications })]

export async function askOffboarding(call: ConsoleCall): Promise<void> {
  const { t } = call
  const user = await userWithCallers(call)
  checkUnprotected(user, call)
  const access = isMemberOnly(user, call)
    ? [t('end the access of the user to the account')]
    : user.status === 'active'
      ? [t('end all sessions of the user and prevent new sign-ins')]
      : []
  const lost = t('You can enable the user again, but this does not bring back what has ended.')
  const kept = keepsWorking(t, user)
  const asking = {
    title: t('Off-board {name}?', { name: displayName(user) }),
    text: kept === undefined ? lost : `${lost} ${kept}`,
    stops: [...access, ...endsPairs(t, user, call), ...endsConsents(t, user), endsApplicationTokens(t, user)],
    submit: t('Off-board user'),
    ...affectedBy(t, user.affected!),
  }
  call.show(askPage(t, user, 'offboard', asking))
}

export async function offboardNow({ management, who, params, goTo }: ConsoleCall): Promise<void> {
  const userId = params.userId!
  const before = await readUser(management, who, { userId })
  await offboardUser(management, who, { userId })
  goTo(`${userPath(userId)}?notice=${mayManagePerson(who, before) ? 'offboarded' : 'offboarded-here'}`)
}
