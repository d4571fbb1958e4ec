import { toConsoleEnglish } from '../../../languages/console/console-translator.ts'
import type { KeyPair, KeyPairOfUser } from '../../../management/key-pair-operations.ts'
import { readKeyPair } from '../../../management/key-pair-operations.ts'
import { MANAGEMENT_API } from '../../../management/management-scopes.ts'
import { KeywrightError } from '../../../shared/errors.ts'
import { momentOf } from '../../relative-time.ts'
import { keyPairPath } from '../applications/application-list-page.ts'
import { type Block, blocksPage } from '../kit/blocks.ts'
import { badgeCell, type Cell, type Fact, fact, idCell, quietCell, textCell, timeCell } from '../kit/cells.ts'
import type { ConsolePage, PageAction } from '../kit/console-page.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { countedUpTo } from '../kit/counts.ts'
import { type ListView, listView } from '../kit/list-page.ts'

export const KEY_PAIR_PATH = '/settings/api'

export const KEY_PAIR_BREADCRUMBS = [{ href: KEY_PAIR_PATH, label: 'API keys' }]

export const API_OFF =
  'The API is disabled for this account or for the whole instance. Key pairs and applications get no tokens until an operator enables it.'

type Secret = KeyPair['secrets'][number]

/**
 * The default key pair of the signed-in user.
 * @param named selects a named one instead
 * @throws KeywrightError `forbidden` for operators, who have none
 */
export async function ownKeyPair(
  { management, who }: ConsoleCall,
  named: { readonly clientId?: string } = {},
): Promise<KeyPairOfUser> {
  if (who.accountId === null) {
    throw new KeywrightError('forbidden', 'key pairs belong to the admins of an account; operators have no account')
  }
  return await readKeyPair(management, who, named)
}

const dateOf = (iso: string | null | undefined): Date | undefined => (iso ? new Date(iso) : undefined)

export const presentSecret = ({ secrets }: KeyPair): Secret | undefined => secrets.find(({ kind }) => kind === 'secret')

function lastUseCell({ lastUsedAt, lastUsedIp, lastUsedApi }: Secret): Cell {
  const from = lastUsedIp && `from ${lastUsedIp}`
  const what = lastUsedApi ? `for ${lastUsedApi}` : 'no token issued'
  return timeCell(dateOf(lastUsedAt), 'never', from ? `${from}, ${what}` : undefined)
}

const NAMES = { secret: ['Client secret', 'Previous client secret'], api_key: ['API key', 'Previous API key'] } as const

/** Every one that works; those that were replaced with an overlap say until when. */
function secretFact(secret: Secret): Fact {
  const { kind, lastFour, retiresAt, isCurrent } = secret
  const retires = retiresAt && `valid until ${momentOf(new Date(retiresAt)).exact}`
  const ends = `Ends in ${lastFour}`
  return fact(NAMES[kind][isCurrent ? 0 : 1], textCell(ends, retires || 'Shown once, at generation'))
}

/** Its client ID and secrets, with their use. */
export function credentialFacts(pair: KeyPair): Fact[] {
  const { client, secrets, activeTokens } = pair
  const used = presentSecret(pair)
  return [
    fact('Client ID', idCell(client.clientId, 'client ID')),
    ...secrets.map(secretFact),
    fact('Generated', timeCell(client.createdAt)),
    fact('Last used', used ? lastUseCell(used) : quietCell('never')),
    fact(
      'Active tokens',
      activeTokens.count === 0
        ? quietCell('none')
        : textCell(countedUpTo(toConsoleEnglish(), activeTokens, 'active token')),
    ),
  ]
}

const isManagement = (identifier: string): boolean => identifier === MANAGEMENT_API

export function apisList({ apis }: KeyPair): ListView {
  const detailOf = (identifier: string) =>
    isManagement(identifier) ? 'Keywright management API: can manage this account' : undefined
  return listView({
    caption: 'APIs',
    columns: [{ heading: 'API' }, { heading: 'Scopes' }, { heading: 'Use' }],
    rows: apis.map(({ identifier, scopes }, n) => [
      textCell(identifier, detailOf(identifier)),
      textCell(scopes.join(' ')),
      n === 0 ? badgeCell('neutral', 'Default') : quietCell('named in the request'),
    ]),
    empty: { title: 'No API', text: 'This key pair cannot call an API. Generate new keys to select one.' },
  })
}

/** Who called in the last day. */
export const callersList = ({ callers }: KeyPair): ListView =>
  listView({
    caption: 'Callers in the last 24 hours',
    columns: [{ heading: 'IP address' }, { heading: 'API' }, { heading: 'Last request' }],
    rows: callers.map(({ ip, api, lastUsedAt }) => [
      textCell(ip),
      api === null ? quietCell('no token') : textCell(api),
      timeCell(new Date(lastUsedAt)),
    ]),
    empty: {
      title: 'No callers in the last 24 hours',
      text: 'IP addresses that use this key pair appear here within five minutes.',
    },
  })

const STOPPED =
  'Your key pair is stopped for good: its client secret does not work, and its tokens are revoked. Generate new keys to get tokens again; they keep the APIs and settings.'

const GENERATE: PageAction = { href: `${KEY_PAIR_PATH}/generate`, label: 'Generate new keys', primary: true }
const TRY: PageAction = { href: `${KEY_PAIR_PATH}/try`, label: 'Try it' }
const REVOKE: PageAction = { href: `${KEY_PAIR_PATH}/revoke`, label: 'Revoke tokens' }

const settingsOf = ({ client }: KeyPair): PageAction => ({ href: keyPairPath(client.clientId), label: 'Settings' })

const blocksOf = (pair: KeyPair): Block[] => [
  { part: 'facts', heading: 'Your key pair', actions: [settingsOf(pair)], facts: credentialFacts(pair) },
  { part: 'list', heading: 'APIs and scopes', list: apisList(pair) },
  {
    part: 'list',
    heading: 'Callers in the last 24 hours',
    lead: 'Updated every five minutes. If you do not recognise an address, generate new keys to block it.',
    list: callersList(pair),
  },
]

const NONE_YET: Block = {
  part: 'empty',
  title: 'No key pair yet',
  text: 'A key pair is a client ID and a client secret with which a program gets tokens. You can replace it at any time.',
  action: { ...GENERATE, label: 'Generate keys' },
}

/** *Settings → API*. @param more blocks below those of the default key pair */
export function keyPairPage({ pair, apiEnabled }: KeyPairOfUser, more: readonly Block[]): ConsolePage {
  const isStopped = pair !== null && pair.client.status !== 'active'
  const uses = isStopped ? [] : [TRY, ...(pair && pair.activeTokens.count > 0 ? [REVOKE] : [])]
  const actions = pair ? [...uses, GENERATE] : undefined
  const warning = apiEnabled ? isStopped && STOPPED : API_OFF
  return blocksPage(
    {
      title: 'API keys',
      lead: 'Your client ID and client secret for the client credentials grant. Each admin has their own key pair.',
      ...(actions && { actions }),
      ...(warning && { warning }),
    },
    [...(pair ? blocksOf(pair) : [NONE_YET]), ...more],
  )
}
