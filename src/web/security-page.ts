import { FIRST_NAME } from '../factors/factor-set-up.ts'
import type { AddResult, UserFactors } from '../factors/own-factors.ts'
import { FIRST_PASSKEY_NAME, type PasskeyOffer } from '../factors/passkey-registrations.ts'
import type { Passkey } from '../factors/passkeys.ts'
import { RECOVERY_CODES } from '../factors/recovery-codes.ts'
import type { TotpFactor } from '../factors/totp-factors.ts'
import type { ShownOffer } from '../factors/totp-offers.ts'
import type { RegisteredFactors } from '../factors/user-factors.ts'
import { toEnglish } from '../languages/translator.ts'
import { type Block, blocksPage } from './console/kit/blocks.ts'
import { actionsCell, fact, textCell, timeCell } from './console/kit/cells.ts'
import type { ConsolePage } from './console/kit/console-page.ts'
import { listView } from './console/kit/list-page.ts'
import { confirmPage } from './console/kit/panels.ts'
import { codeField, factorNameField, passkeyNameField } from './forms.ts'
import { ADDRESS_NOTICES, type Address, addressBlock } from './own-address-pages.ts'
import { SECURITY_PATH } from './own-paths.ts'
import { offerView } from './second-factor-pages.ts'
import { SESSION_NOTICES } from './sessions-section.ts'

const ADD = { href: `${SECURITY_PATH}/apps`, label: 'Add authenticator app' }
const CODES_PATH = `${SECURITY_PATH}/recovery-codes`

const BREADCRUMBS = [{ href: SECURITY_PATH, label: 'Security' }]

const ADD_PASSKEY = { href: `${SECURITY_PATH}/passkeys`, label: 'Add a passkey' }

const removalPath = (add: { href: string }, id: string): string => `${add.href}/${id}/remove`

const NOTICES = {
  ...ADDRESS_NOTICES,
  added: 'Authenticator app added.',
  removed: 'Authenticator app removed.',
  'passkey-added': 'Passkey added.',
  'passkey-removed': 'Passkey removed.',
  ...SESSION_NOTICES,
}

const rowIn =
  (add: { href: string }) =>
  ({ id, name, createdAt, lastUsedAt }: TotpFactor | Passkey) => [
    textCell(name),
    timeCell(createdAt),
    timeCell(lastUsedAt),
    actionsCell({ label: 'Remove', href: removalPath(add, id), of: name }),
  ]

const columnsOf = (heading: string) => [
  { heading },
  { heading: 'Added', short: true, wideOnly: true },
  { heading: 'Last used', short: true },
  { heading: 'Actions', hiddenHeading: true },
]

const passkeysBlock = (passkeys: readonly Passkey[], isOffered: boolean): Block => ({
  part: 'list',
  heading: 'Passkeys',
  lead: 'Sign in with your fingerprint, face, PIN or security key in place of your password and a code.',
  actions: passkeys.length > 0 && isOffered ? [ADD_PASSKEY] : [],
  list: listView({
    caption: 'Passkeys',
    columns: columnsOf('Passkey'),
    rows: passkeys.map(rowIn(ADD_PASSKEY)),
    empty: {
      title: 'No passkey',
      text: 'A passkey is kept by your device, password manager or security key. No website but this one can use it.',
      action: { ...ADD_PASSKEY, primary: true },
    },
  }),
})

const WITH_PASSKEY = 'After your password, you use one of your passkeys or a recovery code.'
const WITHOUT = 'Your password alone is enough to sign in.'

const appsBlock = ({ apps, passkeys }: RegisteredFactors): Block => ({
  part: 'list',
  heading: 'Two-factor authentication',
  lead:
    apps.length > 0
      ? 'After your password, you enter a code from one of these authenticator apps.'
      : 'Protects your account if somebody learns your password.',
  actions: apps.length > 0 ? [ADD] : [],
  list: listView({
    caption: 'Authenticator apps',
    columns: columnsOf('Authenticator app'),
    rows: apps.map(rowIn(ADD)),
    empty: {
      title: passkeys.length > 0 ? 'No authenticator app' : 'No second factor',
      text: `${passkeys.length > 0 ? WITH_PASSKEY : WITHOUT} Add an authenticator app, such as Google Authenticator, 1Password or Aegis.`,
      action: ADD,
    },
  }),
})

const codesBlock = (left: number): Block => ({
  part: 'facts',
  heading: 'Recovery codes',
  lead: 'With your password, a recovery code lets you sign in without your passkey or authenticator app. Each code works once.',
  actions: [{ href: CODES_PATH, label: 'Generate new codes…' }],
  facts: [fact('Unused codes', textCell(`${left} of ${RECOVERY_CODES}`))],
})

const LOW = 3

/** What the page shows of a user. */
interface ShownSecurity {
  readonly address: Address
  readonly factors: UserFactors
  readonly sessions: Block
  /** Whether browsers offer passkeys at the address of this server. */
  readonly offersPasskeys: boolean
}

/** The address, the passkeys and the factors of a user, and where they are signed in. */
export function securityPage({ address, factors, sessions, offersPasskeys }: ShownSecurity): ConsolePage {
  const { apps, passkeys, recoveryCodes } = factors
  const hasFactor = apps.length + passkeys.length > 0
  const isLow = hasFactor && recoveryCodes < LOW
  const warning = isLow ? 'You have few recovery codes left. Generate new ones.' : undefined
  const blocks = [
    addressBlock(address),
    ...(offersPasskeys || passkeys.length > 0 ? [passkeysBlock(passkeys, offersPasskeys)] : []),
    appsBlock(factors),
    ...(hasFactor ? [codesBlock(recoveryCodes)] : []),
    sessions,
  ]
  return blocksPage({ title: 'Security', notices: NOTICES, ...(warning && { warning }) }, blocks)
}

type Refused = Partial<Pick<Extract<AddResult, { outcome: 'refused' }>, 'nameError' | 'codeError'>>

/** @param name as it was typed */
export async function addFactorPage(offer: ShownOffer, name = FIRST_NAME, errors: Refused = {}): Promise<ConsolePage> {
  const { nameError, codeError } = errors
  const failed = nameError !== undefined || codeError !== undefined
  return {
    view: 'add-factor',
    title: 'Add authenticator app',
    breadcrumbs: BREADCRUMBS,
    status: failed ? 400 : undefined,
    data: {
      action: ADD.href,
      cancel: SECURITY_PATH,
      offer: await offerView(offer),
      name: factorNameField({ value: name, fieldError: nameError }),
      code: codeField(toEnglish(), { fieldError: codeError }),
    },
  }
}

interface PasskeyState {
  /** As it was typed. */
  readonly name?: string
  readonly nameError?: string
  /** Said above the form. */
  readonly fieldError?: string
}

/** Creates a passkey by a script: browsers have no other way. */
export function addPasskeyPage({ sealed, options }: PasskeyOffer, state: PasskeyState = {}): ConsolePage {
  const { name = FIRST_PASSKEY_NAME, nameError, fieldError } = state
  return {
    view: 'add-passkey',
    title: 'Add a passkey',
    breadcrumbs: BREADCRUMBS,
    status: nameError === undefined && fieldError === undefined ? undefined : 400,
    data: {
      action: ADD_PASSKEY.href,
      cancel: SECURITY_PATH,
      sealed,
      options: JSON.stringify(options),
      fieldError,
      name: passkeyNameField({ value: name, fieldError: nameError }),
    },
  }
}

/** Shows recovery codes once. */
export const recoveryCodesPage = (codes: readonly string[]): ConsolePage => ({
  view: 'recovery-codes',
  title: 'Recovery codes',
  breadcrumbs: BREADCRUMBS,
  data: { codes, all: codes.join('\n'), done: SECURITY_PATH },
})

const IS_LAST = [
  'turn off two-factor authentication: your password alone is then enough to sign in',
  'delete your recovery codes',
]

const removal = (name: string, action: string, stops: readonly string[], isLast: boolean): ConsolePage =>
  confirmPage({
    title: `Remove ${name}?`,
    breadcrumbs: BREADCRUMBS,
    stops: [...stops, ...(isLast ? IS_LAST : [])],
    action,
    submit: 'Remove',
    keep: { href: SECURITY_PATH, label: 'Cancel' },
  })

/** @param isLast the user has no other authenticator app and no passkey */
export const removalPage = ({ id, name }: TotpFactor, isLast: boolean): ConsolePage =>
  removal(name, removalPath(ADD, id), ['refuse the codes of this app at sign-in'], isLast)

/** @param isLast the user has no other passkey and no authenticator app */
export const passkeyRemovalPage = ({ id, name }: Passkey, isLast: boolean): ConsolePage =>
  removal(name, removalPath(ADD_PASSKEY, id), ['refuse this passkey at sign-in'], isLast)

export const renewalPage = (): ConsolePage =>
  confirmPage({
    title: 'Generate new recovery codes?',
    breadcrumbs: BREADCRUMBS,
    stops: ['replace your recovery codes: the earlier ones stop working'],
    action: CODES_PATH,
    submit: 'Generate codes',
    keep: { href: SECURITY_PATH, label: 'Cancel' },
  })
