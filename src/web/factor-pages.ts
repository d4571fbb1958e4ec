import type { PasskeyOffer } from '../factors/passkey-registrations.ts'
import type { Passkey } from '../factors/passkeys.ts'
import type { TotpFactor } from '../factors/totp-factors.ts'
import type { ShownOffer } from '../factors/totp-offers.ts'
import type { Translate } from '../languages/translator.ts'
import type { ConsolePage } from './console/kit/console-page.ts'
import { confirmPage } from './console/kit/panels.ts'
import { APPS_PATH, CODES_PATH, PASSKEYS_PATH, removalPath } from './factor-paths.ts'
import { codeField, factorNameField, passkeyNameField } from './forms.ts'
import { SECURITY_PATH } from './own-paths.ts'
import { offerView } from './second-factor-pages.ts'

// The pages that add, remove and renew the factors of a user.

const breadcrumbsIn = (t: Translate) => [{ href: SECURITY_PATH, label: t('security.title') }]

/** What was typed and refused. */
interface RefusedApp {
  readonly name: string
  readonly hasWrongName: boolean
  readonly hasWrongCode: boolean
}

const wrongName = (t: Translate, isWrong: boolean | undefined) => (isWrong ? t('factorName.refused') : undefined)

/** @param refused absent: the page is shown first */
export async function addFactorPage(t: Translate, offer: ShownOffer, refused?: RefusedApp): Promise<ConsolePage> {
  return {
    view: 'add-factor',
    title: t('security.addApp'),
    breadcrumbs: breadcrumbsIn(t),
    status: refused && 400,
    data: {
      action: APPS_PATH,
      cancel: SECURITY_PATH,
      offer: await offerView(offer),
      name: factorNameField(t, {
        value: refused ? refused.name : t('security.app'),
        fieldError: wrongName(t, refused?.hasWrongName),
      }),
      code: codeField(t, { fieldError: refused?.hasWrongCode ? t('factor.wrongCode') : undefined }),
    },
  }
}

interface RefusedPasskey {
  /** As it was typed. */
  readonly name: string
  /** Whether the passkey was accepted. */
  readonly hasWrongName: boolean
}

const failuresIn = (t: Translate) => ({
  InvalidStateError: t('addPasskey.exists'),
  NotAllowedError: t('addPasskey.notCreated'),
  SecurityError: t('passkey.wrongAddress'),
  other: t('passkey.browserFailed'),
})

/** Creates a passkey by a script: browsers have no other way. @param refused absent: the page is shown first */
export function addPasskeyPage(t: Translate, { sealed, options }: PasskeyOffer, refused?: RefusedPasskey): ConsolePage {
  const isPasskeyRefused = refused && !refused.hasWrongName
  return {
    view: 'add-passkey',
    title: t('security.addPasskey'),
    breadcrumbs: breadcrumbsIn(t),
    status: refused && 400,
    data: {
      action: PASSKEYS_PATH,
      cancel: SECURITY_PATH,
      sealed,
      options: JSON.stringify(options),
      failures: JSON.stringify(failuresIn(t)),
      fieldError: isPasskeyRefused ? t('addPasskey.refused') : undefined,
      name: passkeyNameField(t, {
        value: refused ? refused.name : t('security.passkey'),
        fieldError: wrongName(t, refused?.hasWrongName),
      }),
    },
  }
}

/** Shows recovery codes once. */
export const recoveryCodesPage = (t: Translate, codes: readonly string[]): ConsolePage => ({
  view: 'recovery-codes',
  title: t('security.recoveryCodes'),
  breadcrumbs: breadcrumbsIn(t),
  data: { codes, all: codes.join('\n'), done: SECURITY_PATH },
})

interface Removal {
  readonly name: string
  readonly action: string
  /** What the factor is refused for. */
  readonly stop: string
  /** The user has no other factor. */
  readonly isLast: boolean
}

const removal = (t: Translate, { name, action, stop, isLast }: Removal): ConsolePage =>
  confirmPage({
    title: t('removal.title', { name }),
    breadcrumbs: breadcrumbsIn(t),
    stops: [stop, ...(isLast ? [t('removal.factor'), t('removal.codes')] : [])],
    action,
    submit: t('security.remove'),
    keep: { href: SECURITY_PATH, label: t('common.cancel') },
  })

/** @param isLast the user has no other authenticator app and no passkey */
export const removalPage = (t: Translate, { id, name }: TotpFactor, isLast: boolean): ConsolePage =>
  removal(t, { name, action: removalPath(APPS_PATH, id), stop: t('removal.app'), isLast })

/** @param isLast the user has no other passkey and no authenticator app */
export const passkeyRemovalPage = (t: Translate, { id, name }: Passkey, isLast: boolean): ConsolePage =>
  removal(t, { name, action: removalPath(PASSKEYS_PATH, id), stop: t('removal.passkey'), isLast })

export const renewalPage = (t: Translate): ConsolePage =>
  confirmPage({
    title: t('renewal.title'),
    breadcrumbs: breadcrumbsIn(t),
    stops: [t('renewal.effect')],
    action: CODES_PATH,
    submit: t('renewal.submit'),
    keep: { href: SECURITY_PATH, label: t('common.cancel') },
  })
