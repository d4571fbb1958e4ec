/** Confirming the address of a user whose memberships wait for it (ADR 45). */
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import { confirmUserAddress } from '../../../management/user-operations.ts'
import type { UserDetails } from '../../../management/user-views.ts'
import type { Change } from '../kit/changes.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { displayName } from '../kit/display-name.ts'
import { givenIn } from '../kit/query-fields.ts'
import { askAbout, askPage } from './user-form-pages.ts'
import { userPath } from './user-texts.ts'

/** Empty while no membership waits for it. */
export const addressConfirmation = (t: ConsoleTranslate, { id, waitsForAddress }: UserDetails): Change[] =>
  waitsForAddress
    ? [
        {
          title: t('Confirm email address'),
          text: t(
            'A service has added the user to an account. An admin of another account may have chosen the email address, so the user cannot work there until you confirm it.',
          ),
          action: { href: userPath(id, 'address'), label: t('Confirm…') },
        },
      ]
    : []

export const askAddressConfirmation = askAbout(({ t }, user) =>
  askPage(t, user, 'address', {
    title: t('Confirm the email address of {name}?', { name: displayName(user) }),
    text: t('Make sure that {email} belongs to the person whom the service has added.', { email: user.email }),
    stops: [
      t('The user can work in the accounts to which a service has added them.'),
      t(
        'A user who has a password, passkey or other way to sign in first proves that they receive email at this address.',
      ),
    ],
    hidden: { email: user.email },
    submit: t('Confirm email address'),
    harmless: true,
  }),
)

/** The form names the address that the operator saw. */
export async function confirmAddressNow({ management, who, params, form, goTo }: ConsoleCall): Promise<void> {
  const { id } = await confirmUserAddress(management, who, {
    userId: params.userId!,
    email: givenIn(form, 'email') ?? '',
  })
  goTo(`${userPath(id)}?notice=address`)
}
