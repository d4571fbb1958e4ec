import { FIRST_NAME } from '../factors/factor-set-up.ts'
import type { AddResult, UserFactors } from '../factors/own-factors.ts'
import { RECOVERY_CODES } from '../factors/recovery-codes.ts'
import type { TotpFactor } from '../factors/totp-factors.ts'
import type { ShownOffer } from '../factors/totp-offers.ts'
import { type Block, blocksPage } from './console/kit/blocks.ts'
import { actionsCell, fact, textCell, timeCell } from './console/kit/cells.ts'
import type { ConsolePage } from './console/kit/console-page.ts'
import { listView } from './console/kit/list-page.ts'
import { confirmPage } from './console/kit/panels.ts'
import { codeField, factorNameField } from './forms.ts'
import { ADDRESS_NOTICES, type Address, addressBlock } from './own-address-pages.ts'
import { SECURITY_PATH } from './own-paths.ts'
import { offerView } from './second-factor-pages.ts'

const ADD = { href: `${SECURITY_PATH}/apps`, label: 'Add authenticator app' }
const CODES_PATH = `${SECURITY_PATH}/recovery-codes`

const BREADCRUMBS = [{ href: SECURITY_PATH, label: 'Security' }]

const removalPath = (id: string): string => `${SECURITY_PATH}/apps/${id}/remove`

const NOTICES = {
  ...ADDRESS_NOTICES,
  added: 'Authenticator app added.',
  removed: 'Authenticator app removed.',
}

const rowOf = ({ id, name, createdAt, lastUsedAt }: TotpFactor) => [
  textCell(name),
  timeCell(createdAt),
  timeCell(lastUsedAt),
  actionsCell({ label: 'Remove', href: removalPath(id), of: name }),
]

const appsBlock = (apps: readonly TotpFactor[]): Block => ({
  part: 'list',
  heading: 'Two-factor authentication',
  lead:
    apps.length > 0
      ? 'After your password, you enter a code from one of these authenticator apps.'
      : 'Protects your account if somebody learns your password.',
  actions: apps.length > 0 ? [ADD] : [],
  list: listView({
    caption: 'Authenticator apps',
    columns: [
      { heading: 'Authenticator app' },
      { heading: 'Added', short: true, wideOnly: true },
      { heading: 'Last used', short: true },
      { heading: 'Actions', hiddenHeading: true },
    ],
    rows: apps.map(rowOf),
    empty: {
      title: 'No second factor',
      text: 'Your password alone is enough to sign in. Add an authenticator app, such as Google Authenticator, 1Password or Aegis.',
      action: { ...ADD, primary: true },
    },
  }),
})

const codesBlock = (left: number): Block => ({
  part: 'facts',
  heading: 'Recovery codes',
  lead: 'A recovery code lets you sign in without your authenticator app. Each code works once.',
  actions: [{ href: CODES_PATH, label: 'Generate new codes…' }],
  facts: [fact('Unused codes', textCell(`${left} of ${RECOVERY_CODES}`))],
})

const LOW = 3

/** The address, and the factors of a user. */
export function securityPage(address: Address, { apps, recoveryCodes }: UserFactors): ConsolePage {
  const isLow = apps.length > 0 && recoveryCodes < LOW
  const warning = isLow ? 'You have few recovery codes left. Generate new ones.' : undefined
  const codes = apps.length > 0 ? [codesBlock(recoveryCodes)] : []
  return blocksPage({ title: 'Security', notices: NOTICES, ...(warning && { warning }) }, [
    addressBlock(address),
    appsBlock(apps),
    ...codes,
  ])
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
      code: codeField({ fieldError: codeError }),
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

export const removalPage = ({ id, name }: TotpFactor, isLast: boolean): ConsolePage =>
  confirmPage({
    title: `Remove ${name}?`,
    breadcrumbs: BREADCRUMBS,
    stops: ['refuse the codes of this app at sign-in', ...(isLast ? IS_LAST : [])],
    action: removalPath(id),
    submit: 'Remove',
    keep: { href: SECURITY_PATH, label: 'Cancel' },
  })

export const renewalPage = (): ConsolePage =>
  confirmPage({
    title: 'Generate new recovery codes?',
    breadcrumbs: BREADCRUMBS,
    stops: ['replace your recovery codes: the earlier ones stop working'],
    action: CODES_PATH,
    submit: 'Generate codes',
    keep: { href: SECURITY_PATH, label: 'Cancel' },
  })
