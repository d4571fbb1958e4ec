import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import { resetFactors } from '../../../management/factor-operations.ts'
import type { UserDetails } from '../../../management/user-views.ts'
import { type Fact, fact, quietCell, textCell } from '../kit/cells.ts'
import type { Change } from '../kit/changes.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { counted } from '../kit/counts.ts'
import { displayName } from '../kit/display-name.ts'
import { askAbout, askPage } from './user-form-pages.ts'
import { userPath } from './user-texts.ts'

function factorsText(
  t: ConsoleTranslate,
  { passkeys, authenticatorApps: apps }: Pick<UserDetails, 'passkeys' | 'authenticatorApps'>,
): string {
  if (apps === 0) return t('on, {passkeys, plural, one {# passkey} other {# passkeys}}', { passkeys })
  if (passkeys === 0) return t('on, {apps, plural, one {# authenticator app} other {# authenticator apps}}', { apps })
  return t(
    'on, {passkeys, plural, one {# passkey} other {# passkeys}}, {apps, plural, one {# authenticator app} other {# authenticator apps}}',
    { passkeys, apps },
  )
}

/** How the user signs in beside the password. */
export function factorFact(t: ConsoleTranslate, { authenticatorApps, passkeys, recoveryCodes }: UserDetails): Fact {
  const term = t('Two-factor authentication')
  if (authenticatorApps + passkeys === 0) return fact(term, quietCell(t('off')))
  const unused = counted(t, recoveryCodes, 'unused recovery code')
  return fact(term, textCell(factorsText(t, { passkeys, authenticatorApps }), unused))
}

/** Empty while the user has neither a passkey nor a second factor. */
export const factorReset = (t: ConsoleTranslate, { id, authenticatorApps, passkeys }: UserDetails): Change[] =>
  authenticatorApps + passkeys === 0
    ? []
    : [
        {
          title: t('Reset second factors'),
          text: t('For a user who has lost the passkeys or the authenticator app, and the recovery codes.'),
          action: { href: userPath(id, 'factors'), label: t('Reset second factors…') },
        },
      ]

export const askFactorReset = askAbout(({ t }, user) =>
  askPage(t, user, 'factors', {
    title: t('Reset the second factors of {name}?', { name: displayName(user) }),
    text: t('Make sure that the request comes from this user: the password alone is then enough to sign in.'),
    stops: [
      t('remove all passkeys, authenticator apps and recovery codes of the user'),
      t('end all sessions of the user'),
    ],
    submit: t('Reset second factors'),
  }),
)

export async function resetFactorsNow({ management, who, params, goTo }: ConsoleCall): Promise<void> {
  const { user } = await resetFactors(management, who, { userId: params.userId! })
  goTo(`${userPath(user.id)}?notice=factors`)
}
