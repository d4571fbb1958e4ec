import { type AccountOverview, readAccountOverview } from '../../../management/overview-operations.ts'
import { API_OFF, KEY_PAIR_PATH } from '../keys/key-pair-page.ts'
import { type Block, blocksPage } from '../kit/blocks.ts'
import { boundedText, fact, idCell, linkCell, textCell, timeCell } from '../kit/cells.ts'
import type { ConsolePage } from '../kit/console-page.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { listView } from '../kit/list-page.ts'
import { refusedBlocks } from './refused-block.ts'

/** Two clicks from here to new keys: this one, and the one on the page that says what it stops. */
const GENERATE = { href: `${KEY_PAIR_PATH}/generate`, label: 'Generate new keys', primary: true }

function keysOf({ clientId, lastFour, createdAt, lastUsedAt }: NonNullable<AccountOverview['keyPair']>): Block {
  return {
    part: 'facts',
    heading: 'Your key pair',
    actions: [{ href: KEY_PAIR_PATH, label: 'View usage' }, GENERATE],
    facts: [
      fact('Client ID', idCell(clientId, 'client ID')),
      fact('Client secret', textCell(`Ends in ${lastFour}`)),
      fact('Generated', timeCell(createdAt)),
      fact('Last used', timeCell(lastUsedAt)),
    ],
  }
}

const FIRST_STEP: Block = {
  part: 'empty',
  title: 'Get your first token',
  text: 'Generate a key pair. The next page shows it with a command that gets a token. Then register the applications that your users sign in to.',
  action: { ...GENERATE, label: 'Generate keys' },
}

const figuresOf = ({ applications, users }: AccountOverview): Block => ({
  part: 'figures',
  heading: 'Your account',
  figures: [
    { name: 'Applications', text: boundedText(applications), href: '/applications', detail: 'active' },
    { name: 'Users', text: boundedText(users), href: '/users', detail: 'who can sign in' },
  ],
})

const EXPIRING =
  'Client secrets expire within 30 days. Generate new ones before they stop working and their tokens are revoked.'

function expiringBlocks({ expiringSecrets }: AccountOverview): Block[] {
  if (expiringSecrets.length === 0) return []
  const list = listView({
    caption: 'Client secrets that expire soon',
    columns: [{ heading: 'Client' }, { heading: 'Client secret' }, { heading: 'Expires' }],
    rows: expiringSecrets.map(({ clientId, kind, name, lastFour, expiresAt }) => [
      kind === 'application' ? linkCell(name, `/applications/${clientId}/secrets`) : textCell(name),
      textCell(`ends in ${lastFour}`),
      timeCell(new Date(expiresAt)),
    ]),
    empty: { title: 'None', text: 'No client secret expires soon.' },
  })
  return [{ part: 'list', heading: 'Client secrets that expire soon', list }]
}

const warningOf = ({ apiEnabled, expiringSecrets }: AccountOverview): string | undefined => {
  if (!apiEnabled) return API_OFF
  return expiringSecrets.length > 0 ? EXPIRING : undefined
}

function overviewPage(overview: AccountOverview, accountName: string | null): ConsolePage {
  const warning = warningOf(overview)
  return blocksPage(
    {
      title: 'Overview',
      lead: `API access of ${accountName ?? 'your account'}.`,
      ...(warning && { warning }),
    },
    [
      ...expiringBlocks(overview),
      overview.keyPair ? keysOf(overview.keyPair) : FIRST_STEP,
      ...refusedBlocks(overview),
      figuresOf(overview),
    ],
  )
}

/** The first page that an account's admin sees. */
export async function showOverview({ user, management, who, show }: ConsoleCall): Promise<void> {
  show(overviewPage(await readAccountOverview(management, who, {}), user.accountName))
}
