import type { FactorChoices } from '../accounts/sign-in-progress.ts'
import type { PasskeyOffer } from '../factors/passkey-registrations.ts'
import type { ShownOffer } from '../factors/totp-offers.ts'
import { codeField, recoveryCodeField } from './forms.ts'
import type { Page } from './page.ts'
import { qrCodeOf } from './qr-code.ts'
import type { SignInContext } from './sign-in-context.ts'

export interface CodeState {
  /** Sealed. */
  readonly ticket: string
  /** What the user has beside recovery codes. */
  readonly choices: FactorChoices
  readonly codeError?: string
  readonly recoveryError?: string
  /** Said above the form. */
  readonly fieldError?: string
  readonly status?: number
}

/** Asks for a code of the second factor. Without scripts the recovery codes are behind a disclosure. */
export function secondFactorPage(context: SignInContext, state: CodeState): Page {
  const { ticket, choices, codeError, recoveryError, fieldError, status } = state
  const { t, formTargets } = context
  const data = {
    context,
    ticket,
    fieldError,
    code: codeField(t, { fieldError: codeError, focus: recoveryError === undefined }),
    recoveryCode: recoveryCodeField(t, { fieldError: recoveryError }),
    hasApp: choices.app,
    passkey: choices.passkey ? context.passkey?.() : undefined,
    isRecovery: recoveryError !== undefined || !choices.app,
    failed: status !== undefined,
  }
  return { view: 'second-factor', title: t('factor.title'), status, formTargets, data }
}

/** The secret in groups of four, as people type it. */
const inGroups = (secret: string): string => secret.replace(/(.{4})(?=.)/g, '$1 ')

/** What the partial of a new authenticator app draws. */
export const offerView = async ({ sealed, secret, uri }: ShownOffer) => ({
  sealed,
  secret: inGroups(secret),
  qr: await qrCodeOf(uri),
})

export interface SetUpState {
  readonly ticket: string
  readonly offer: ShownOffer
  /** Absent: browsers create no passkeys here. */
  readonly passkey?: PasskeyOffer | undefined
  readonly codeError?: string
  /** Said above the forms. */
  readonly fieldError?: string
}

const passkeyView = ({ t }: SignInContext, { sealed, options }: PasskeyOffer) => ({
  sealed,
  options: JSON.stringify(options),
  failures: JSON.stringify({
    NotAllowedError: t('setUpFactor.notCreated'),
    SecurityError: t('passkey.wrongAddress'),
    other: t('passkey.browserFailed'),
  }),
})

/**
 * Lets a user who must have a second factor add one during the sign-in: a passkey, or an authenticator app, which is behind a
 * disclosure where scripts offer the passkey.
 */
export async function setUpFactorPage(context: SignInContext, state: SetUpState): Promise<Page> {
  const { ticket, offer, passkey, codeError, fieldError } = state
  const { t, formTargets } = context
  const failed = codeError !== undefined || fieldError !== undefined
  const data = {
    context,
    ticket,
    fieldError,
    passkey: passkey && passkeyView(context, passkey),
    offer: await offerView(offer),
    code: codeField(t, { fieldError: codeError }),
    usesApp: codeError !== undefined,
    failed,
  }
  return { view: 'set-up-factor', title: t('setUpFactor.title'), status: failed ? 400 : undefined, formTargets, data }
}

/** Shows the recovery codes once, before the sign-in goes on. */
export const saveCodesPage = (context: SignInContext, ticket: string, codes: readonly string[]): Page => ({
  view: 'save-recovery-codes',
  title: context.t('recoveryCodes.title'),
  formTargets: context.formTargets,
  data: { context, ticket, codes },
})
