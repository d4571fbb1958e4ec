import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import { sendVerification } from '../../../management/email-verification-operations.ts'
import type { UserDetails } from '../../../management/user-views.ts'
import type { Change } from '../kit/changes.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { displayName } from '../kit/display-name.ts'
import { askAbout, askPage } from './user-form-pages.ts'
import { userPath } from './user-texts.ts'

/** Empty for a user whose address is verified, or who is disabled. */
export const verification = (t: ConsoleTranslate, { id, emailVerified, status }: UserDetails): Change[] =>
  emailVerified || status !== 'active'
    ? []
    : [
        {
          title: t('Verify email address'),
          text: t('The user receives a link to confirm that the address is theirs.'),
          action: { href: userPath(id, 'verification'), label: t('Send link…') },
        },
      ]

export const askVerification = askAbout(({ t }, user) =>
  askPage(t, user, 'verification', {
    title: t('Send a verification link to {name}?', { name: displayName(user) }),
    stops: [t('{email} receives a link. It works once, for one day, and signs nobody in.', { email: user.email })],
    harmless: true,
    submit: t('Send link'),
  }),
)

export async function verifyByMail({ management, who, params, goTo }: ConsoleCall): Promise<void> {
  const user = await sendVerification(management, who, { userId: params.userId! })
  goTo(`${userPath(user.id)}?notice=verification`)
}
