import { toConsoleEnglish } from '../../../languages/console/console-translator.ts'
import { resetFactors } from '../../../management/factor-operations.ts'
import { readUser } from '../../../management/user-operations.ts'
import type { UserDetails } from '../../../management/user-views.ts'
import { type Fact, fact, quietCell, textCell } from '../kit/cells.ts'
import type { Change } from '../kit/changes.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { counted } from '../kit/counts.ts'
import { displayName } from '../kit/display-name.ts'
import { confirmPage } from '../kit/panels.ts'
import { breadcrumbsTo, userPath } from './user-texts.ts'

const pathOf = (id: string): string => userPath(id, 'factors')

/** How the user signs in beside the password. */
export function factorFact({ authenticatorApps, passkeys, recoveryCodes }: UserDetails): Fact {
  const term = 'Two-factor authentication'
  if (authenticatorApps + passkeys === 0) return fact(term, quietCell('off'))
  const kept = [
    ...(passkeys > 0 ? [counted(toConsoleEnglish(), passkeys, 'passkey')] : []),
    ...(authenticatorApps > 0 ? [counted(toConsoleEnglish(), authenticatorApps, 'authenticator app')] : []),
  ]
  return fact(
    term,
    textCell(`on, ${kept.join(', ')}`, counted(toConsoleEnglish(), recoveryCodes, 'unused recovery code')),
  )
}

/** Empty while the user has neither a passkey nor a second factor. */
export const factorReset = ({ id, authenticatorApps, passkeys }: UserDetails): Change[] =>
  authenticatorApps + passkeys === 0
    ? []
    : [
        {
          title: 'Reset second factors',
          text: 'For a user who has lost the passkeys or the authenticator app, and the recovery codes.',
          action: { href: pathOf(id), label: 'Reset second factors…' },
        },
      ]

export async function askFactorReset({ management, who, params, show }: ConsoleCall): Promise<void> {
  const user = await readUser(management, who, { userId: params.userId! })
  const page = confirmPage({
    title: `Reset the second factors of ${displayName(user)}?`,
    breadcrumbs: breadcrumbsTo(user),
    text: 'Make sure that the request comes from this user: the password alone is then enough to sign in.',
    stops: ['remove all passkeys, authenticator apps and recovery codes of the user', 'end all sessions of the user'],
    action: pathOf(user.id),
    submit: 'Reset second factors',
    keep: { href: userPath(user.id), label: 'Cancel' },
  })
  show(page)
}

export async function resetFactorsNow({ management, who, params, goTo }: ConsoleCall): Promise<void> {
  const { user } = await resetFactors(management, who, { userId: params.userId! })
  goTo(`${userPath(user.id)}?notice=factors`)
}
