import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import { sendVerification } from '../../../management/email-verification-operations.ts'
import { readUser } from '../../../management/user-operations.ts'
import type { UserDetails } from '../../../management/user-views.ts'
import type { Change } from '../kit/changes.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { displayName } from '../kit/display-name.ts'
import { confirmPage } from '../kit/panels.ts'
import { breadcrumbsTo, userPath } from './user-texts.ts'

const pathOf = (id: string): string => userPath(id, 'verification')

/** Empty for a user whose address is verified, or who is disabled. */
export const verification = (t: ConsoleTranslate, { id, emailVerified, status }: UserDetails): Change[] =>
  emailVerified || status !== 'active'
    ? []
    : [
        {
          title: t('Verify email address'),
          text: t('The user receives a link to confirm that the address is theirs.'),
          action: { href: pathOf(id), label: t('Send link…') },
        },
      ]

export async function askVerification({ management, who, params, show, t }: ConsoleCall): Promise<void> {
  const user = await readUser(management, who, { userId: params.userId! })
  const page = confirmPage({
    title: t('Send a verification link to {name}?', { name: displayName(user) }),
    breadcrumbs: breadcrumbsTo(t, user),
    stops: [t('{email} receives a link. It works once, for one day, and signs nobody in.', { email: user.email })],
    harmless: true,
    action: pathOf(user.id),
    submit: t('Send link'),
    keep: { href: userPath(user.id), label: t('Cancel') },
  })
  show(page)
}

export async function verifyByMail({ management, who, params, goTo }: ConsoleCall): Promise<void> {
  const user = await sendVerification(management, who, { userId: params.userId! })
  goTo(`${userPath(user.id)}?notice=verification`)
}
