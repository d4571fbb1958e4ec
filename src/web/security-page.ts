import type { UserFactors } from '../factors/own-factors.ts'
import type { Passkey } from '../factors/passkeys.ts'
import { RECOVERY_CODES } from '../factors/recovery-codes.ts'
import type { TotpFactor } from '../factors/totp-factors.ts'
import type { RegisteredFactors } from '../factors/user-factors.ts'
import type { OwnIdentities } from '../identity-providers/own-identities.ts'
import type { UserIdentity } from '../identity-providers/user-identities.ts'
import type { Translate } from '../languages/translator.ts'
import { type Block, blocksPage } from './console/kit/blocks.ts'
import { actionsCell, fact, textCell, timeCell } from './console/kit/cells.ts'
import type { ConsolePage } from './console/kit/console-page.ts'
import { listView } from './console/kit/list-page.ts'
import { APPS_PATH, CODES_PATH, PASSKEYS_PATH, removalPath } from './factor-paths.ts'
import { type Address, addressBlock } from './own-address-pages.ts'
import { disconnectPath } from './own-identity-pages.ts'
import { CONNECT_PATH } from './own-paths.ts'

const rowIn =
  (t: Translate, path: string) =>
  ({ id, name, createdAt, lastUsedAt }: TotpFactor | Passkey) => [
    textCell(name),
    timeCell(createdAt),
    timeCell(lastUsedAt),
    actionsCell({ label: t('security.remove'), href: removalPath(path, id), of: name }),
  ]

const columnsOf = (t: Translate, heading: string) => [
  { heading },
  { heading: t('security.added'), short: true, wideOnly: true },
  { heading: t('security.lastUsed'), short: true },
  { heading: t('security.actions'), hiddenHeading: true },
]

function passkeysBlock(t: Translate, passkeys: readonly Passkey[], isOffered: boolean): Block {
  const add = { href: PASSKEYS_PATH, label: t('security.addPasskey') }
  return {
    part: 'list',
    heading: t('security.passkeys'),
    lead: t('security.passkeysLead'),
    actions: passkeys.length > 0 && isOffered ? [add] : [],
    list: listView({
      caption: t('security.passkeys'),
      columns: columnsOf(t, t('security.passkey')),
      rows: passkeys.map(rowIn(t, PASSKEYS_PATH)),
      empty: {
        title: t('security.noPasskey'),
        text: t('security.noPasskeyText'),
        action: { ...add, primary: true },
      },
    }),
  }
}

function appsBlock(t: Translate, { apps, passkeys }: RegisteredFactors): Block {
  const add = { href: APPS_PATH, label: t('security.addApp') }
  const hasPasskey = passkeys.length > 0
  return {
    part: 'list',
    heading: t('factor.title'),
    lead: apps.length > 0 ? t('security.factorLead') : t('security.factorLeadNone'),
    actions: apps.length > 0 ? [add] : [],
    list: listView({
      caption: t('security.apps'),
      columns: columnsOf(t, t('security.app')),
      rows: apps.map(rowIn(t, APPS_PATH)),
      empty: {
        title: hasPasskey ? t('security.noApp') : t('security.noFactor'),
        text: hasPasskey ? t('security.noAppText') : t('security.noFactorText'),
        action: add,
      },
    }),
  }
}

const identityRow =
  (t: Translate) =>
  ({ id, providerName, username, subject, createdAt, lastUsedAt }: UserIdentity) => [
    textCell(providerName, username ?? subject),
    timeCell(createdAt),
    timeCell(lastUsedAt),
    actionsCell({ label: t('security.disconnect'), href: disconnectPath(id), of: providerName }),
  ]

function identitiesBlock(t: Translate, { identities, connectable }: OwnIdentities): Block {
  const add = { href: CONNECT_PATH, label: t('security.connectIdentity') }
  return {
    part: 'list',
    heading: t('security.identities'),
    lead: t('security.identitiesLead'),
    actions: identities.length > 0 && connectable.length > 0 ? [add] : [],
    list: listView({
      caption: t('security.identities'),
      columns: [
        { heading: t('security.identityProvider') },
        { heading: t('security.connected'), short: true, wideOnly: true },
        { heading: t('security.lastUsed'), short: true },
        { heading: t('security.actions'), hiddenHeading: true },
      ],
      rows: identities.map(identityRow(t)),
      empty: { title: t('security.noIdentity'), text: t('security.noIdentityText'), action: add },
    }),
  }
}

const codesBlock = (t: Translate, left: number): Block => ({
  part: 'facts',
  heading: t('security.recoveryCodes'),
  lead: t('security.codesLead'),
  actions: [{ href: CODES_PATH, label: t('security.generate') }],
  facts: [fact(t('security.unused'), textCell(t('security.left', { left, all: RECOVERY_CODES })))],
})

const LOW = 3

/** What the page shows of a user. */
interface ShownSecurity {
  readonly address: Address
  readonly factors: UserFactors
  readonly identities: OwnIdentities
  readonly sessions: Block
  /** What could not be done. */
  readonly problem?: string | undefined
  /** Whether browsers offer passkeys at the address of this server. */
  readonly offersPasskeys: boolean
}

/** How a user signs in, and where they are signed in. */
export function securityPage(t: Translate, shown: ShownSecurity): ConsolePage {
  const { address, factors, identities, sessions, offersPasskeys, problem } = shown
  const { apps, passkeys, recoveryCodes } = factors
  const hasFactor = apps.length + passkeys.length > 0
  const isLow = hasFactor && recoveryCodes < LOW
  const blocks = [
    addressBlock(t, address),
    ...(offersPasskeys || passkeys.length > 0 ? [passkeysBlock(t, passkeys, offersPasskeys)] : []),
    appsBlock(t, factors),
    ...(hasFactor ? [codesBlock(t, recoveryCodes)] : []),
    ...(identities.identities.length + identities.connectable.length > 0 ? [identitiesBlock(t, identities)] : []),
    sessions,
  ]
  const warning = problem ?? (isLow ? t('security.fewLeft') : undefined)
  return blocksPage({ title: t('security.title'), ...(warning && { warning }) }, blocks)
}
