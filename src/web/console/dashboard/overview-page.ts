import { mayOwnKeyPairs } from '../../../accounts/permissions.ts'
import type { Role } from '../../../accounts/user-attributes.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import { type AccountOverview, readAccountOverview } from '../../../management/overview-operations.ts'
import type { SignedInUser } from '../../sign-in-directory.ts'
import { API_OFF, KEY_PAIR_PATH } from '../keys/key-pair-page.ts'
import { type Block, blocksPage } from '../kit/blocks.ts'
import { boundedText, fact, idCell, linkCell, textCell, timeCell } from '../kit/cells.ts'
import type { ConsolePage } from '../kit/console-page.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { clientName } from '../kit/display-name.ts'
import { listView } from '../kit/list-page.ts'
import { refusedBlocks } from './refused-block.ts'

/** Two clicks from here to new keys: this one, and the one on the page that says what it stops. */
const generate = (label: string) => ({ href: `${KEY_PAIR_PATH}/generate`, label, primary: true })

function keysOf(
  t: ConsoleTranslate,
  { clientId, lastFour, createdAt, lastUsedAt }: NonNullable<AccountOverview['keyPair']>,
): Block {
  return {
    part: 'facts',
    heading: t('Your key pair'),
    actions: [{ href: KEY_PAIR_PATH, label: t('View usage') }, generate(t('Generate new keys'))],
    facts: [
      fact(t('Client ID'), idCell(clientId, t('client ID'))),
      fact(t('Client secret'), textCell(lastFour === null ? '' : t('Ends in {lastFour}', { lastFour }))),
      fact(t('Generated'), timeCell(createdAt)),
      fact(t('Last used'), timeCell(lastUsedAt)),
    ],
  }
}

const firstStep = (t: ConsoleTranslate): Block => ({
  part: 'empty',
  title: t('Get your first token'),
  text: t(
    'Generate a key pair. The next page shows it with a command that gets a token. Then register the applications that your users sign in to.',
  ),
  action: generate(t('Generate keys')),
})

/** A viewer has no key pair. */
function keysBlocks(t: ConsoleTranslate, { keyPair }: AccountOverview, role: Role): Block[] {
  if (!mayOwnKeyPairs(role)) return []
  return [keyPair ? keysOf(t, keyPair) : firstStep(t)]
}

const figuresOf = (t: ConsoleTranslate, { applications, users }: AccountOverview): Block => ({
  part: 'figures',
  heading: t('Your account'),
  figures: [
    {
      name: t('Applications'),
      text: boundedText(t, applications),
      href: '/applications',
      detail: t('active'),
    },
    { name: t('Users'), text: boundedText(t, users), href: '/users', detail: t('who can sign in') },
  ],
})

const EXPIRING =
  'Client secrets expire within 30 days. Generate new ones before they stop working and their tokens are revoked.'

function expiringBlocks(t: ConsoleTranslate, { expiringSecrets }: AccountOverview): Block[] {
  if (expiringSecrets.length === 0) return []
  const list = listView({
    caption: t('Client secrets that expire soon'),
    columns: [{ heading: t('Client') }, { heading: t('Client secret') }, { heading: t('Expires') }],
    rows: expiringSecrets.map(({ clientId, kind, name, lastFour, expiresAt }) => [
      kind === 'application'
        ? linkCell(name, `/applications/${encodeURIComponent(clientId)}/secrets`)
        : textCell(clientName(t, { kind, name })),
      textCell(t('ends in {lastFour}', { lastFour })),
      timeCell(new Date(expiresAt)),
    ]),
    empty: { title: t('None'), text: t('No client secret expires soon.') },
  })
  return [{ part: 'list', heading: t('Client secrets that expire soon'), list }]
}

const warningOf = (t: ConsoleTranslate, { apiEnabled, expiringSecrets }: AccountOverview): string | undefined => {
  if (!apiEnabled) return t(API_OFF)
  return expiringSecrets.length > 0 ? t(EXPIRING) : undefined
}

function overviewPage(
  t: ConsoleTranslate,
  overview: AccountOverview,
  { accountName, role }: SignedInUser,
): ConsolePage {
  const warning = warningOf(t, overview)
  return blocksPage(
    {
      title: t('Overview'),
      lead: accountName === null ? t('API access of your account.') : t('API access of {name}.', { name: accountName }),
      ...(warning && { warning }),
    },
    [
      ...expiringBlocks(t, overview),
      ...keysBlocks(t, overview, role),
      ...refusedBlocks(t, overview),
      figuresOf(t, overview),
    ],
  )
}

/** The first page that users see who may view the account. */
export async function showOverview({ t, user, management, who, show }: ConsoleCall): Promise<void> {
  show(overviewPage(t, await readAccountOverview(management, who, {}), user))
}
