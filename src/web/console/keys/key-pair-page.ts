import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import type { KeyPair, KeyPairOfUser } from '../../../management/key-pair-operations.ts'
import { readKeyPair } from '../../../management/key-pair-operations.ts'
import { MANAGEMENT_API } from '../../../management/management-scopes.ts'
import { KeywrightError } from '../../../shared/errors.ts'
import { keyPairPath } from '../applications/application-list-page.ts'
import { type Block, blocksPage } from '../kit/blocks.ts'
import { badgeCell, type Cell, type Fact, fact, idCell, quietCell, textCell, timeCell } from '../kit/cells.ts'
import type { ConsolePage, PageAction } from '../kit/console-page.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { countedUpTo } from '../kit/counts.ts'
import { type ListView, listView } from '../kit/list-page.ts'
import { needsProof } from '../kit/required-proofs.ts'

export const KEY_PAIR_PATH = '/settings/api'

export const keyPairBreadcrumbs = (t: ConsoleTranslate) => [{ href: KEY_PAIR_PATH, label: t('API keys') }]

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
    throw new KeywrightError(
      'forbidden',
      'key pairs belong to the developers and admins of an account; operators have no account',
    )
  }
  return await readKeyPair(management, who, named)
}

const dateOf = (iso: string | null | undefined): Date | undefined => (iso ? new Date(iso) : undefined)

export const presentSecret = ({ secrets }: KeyPair): Secret | undefined => secrets.find(({ kind }) => kind === 'secret')

function lastUseCell(t: ConsoleTranslate, { lastUsedAt, lastUsedIp: ip, lastUsedApi: api }: Secret): Cell {
  const detail = ip && (api ? t('from {ip}, for {api}', { ip, api }) : t('from {ip}, no token issued', { ip }))
  return timeCell(dateOf(lastUsedAt), t('never'), detail || undefined)
}

function secretName(t: ConsoleTranslate, { kind, isCurrent }: Secret): string {
  if (kind === 'secret') return isCurrent ? t('Client secret') : t('Previous client secret')
  return isCurrent ? t('API key') : t('Previous API key')
}

/** Every one that works; those that were replaced with an overlap say until when. */
function secretFact(t: ConsoleTranslate, secret: Secret): Fact {
  const { lastFour, retiresAt } = secret
  const retires = retiresAt && t('valid until {time}', { time: t.moment(new Date(retiresAt)).exact })
  const ends = t('Ends in {lastFour}', { lastFour })
  return fact(secretName(t, secret), textCell(ends, retires || t('Shown once, at generation')))
}

/** Its client ID and secrets, with their use. */
export function credentialFacts(t: ConsoleTranslate, pair: KeyPair): Fact[] {
  const { client, secrets, activeTokens } = pair
  const used = presentSecret(pair)
  return [
    fact(t('Client ID'), idCell(client.clientId, t('client ID'))),
    ...secrets.map((secret) => secretFact(t, secret)),
    fact(t('Generated'), timeCell(client.createdAt)),
    fact(t('Last used'), used ? lastUseCell(t, used) : quietCell(t('never'))),
    fact(
      t('Active tokens'),
      activeTokens.count === 0 ? quietCell(t('none')) : textCell(countedUpTo(t, activeTokens, 'active token')),
    ),
  ]
}

const isManagement = (identifier: string): boolean => identifier === MANAGEMENT_API

export function apisList(t: ConsoleTranslate, { apis }: KeyPair): ListView {
  const detailOf = (identifier: string) =>
    isManagement(identifier) ? t('Keywright management API: can manage this account') : undefined
  return listView({
    caption: t('APIs'),
    columns: [{ heading: t('API') }, { heading: t('Scopes') }, { heading: t('Use') }],
    rows: apis.map(({ identifier, scopes }, n) => [
      textCell(identifier, detailOf(identifier)),
      textCell(scopes.join(' ')),
      n === 0 ? badgeCell('neutral', t('Default')) : quietCell(t('named in the request')),
    ]),
    empty: { title: t('No API'), text: t('This key pair cannot call an API. Generate new keys to select one.') },
  })
}

/** Who called in the last day. */
export const callersList = (t: ConsoleTranslate, { callers }: KeyPair): ListView =>
  listView({
    caption: t('Callers in the last 24 hours'),
    columns: [{ heading: t('IP address') }, { heading: t('API') }, { heading: t('Last request') }],
    rows: callers.map(({ ip, api, lastUsedAt }) => [
      textCell(ip),
      api === null ? quietCell(t('no token')) : textCell(api),
      timeCell(new Date(lastUsedAt)),
    ]),
    empty: {
      title: t('No callers in the last 24 hours'),
      text: t('IP addresses that use this key pair appear here within five minutes.'),
    },
  })

const STOPPED =
  'Your key pair is stopped for good: its client secret does not work, and its tokens are revoked. Generate new keys to get tokens again; they keep the APIs and settings.'

const GENERATE = { href: `${KEY_PAIR_PATH}/generate`, primary: true }

function actionsOf(t: ConsoleTranslate, { client, activeTokens }: KeyPair): PageAction[] {
  const generate = { ...GENERATE, label: t('Generate new keys') }
  if (client.status !== 'active') return [generate]
  const tryIt = { href: `${KEY_PAIR_PATH}/try`, label: t('Try it') }
  const revoke = { href: `${KEY_PAIR_PATH}/revoke`, label: t('Revoke tokens') }
  return [...(needsProof(client) ? [] : [tryIt]), ...(activeTokens.count > 0 ? [revoke] : []), generate]
}

const blocksOf = (t: ConsoleTranslate, pair: KeyPair): Block[] => [
  {
    part: 'facts',
    heading: t('Your key pair'),
    actions: [{ href: keyPairPath(pair.client.clientId), label: t('Settings') }],
    facts: credentialFacts(t, pair),
  },
  { part: 'list', heading: t('APIs and scopes'), list: apisList(t, pair) },
  {
    part: 'list',
    heading: t('Callers in the last 24 hours'),
    lead: t('Updated every five minutes. If you do not recognise an address, generate new keys to block it.'),
    list: callersList(t, pair),
  },
]

const noneYet = (t: ConsoleTranslate): Block => ({
  part: 'empty',
  title: t('No key pair yet'),
  text: t(
    'A key pair is a client ID and a client secret with which a program gets tokens. You can replace it at any time.',
  ),
  action: { ...GENERATE, label: t('Generate keys') },
})

/** *Settings → API*. @param more blocks below those of the default key pair */
export function keyPairPage(
  t: ConsoleTranslate,
  { pair, apiEnabled }: KeyPairOfUser,
  more: readonly Block[],
): ConsolePage {
  const isStopped = pair !== null && pair.client.status !== 'active'
  const warning = apiEnabled ? isStopped && t(STOPPED) : t(API_OFF)
  return blocksPage(
    {
      title: t('API keys'),
      lead: t('Your client ID and client secret for the client credentials grant. Each admin has their own key pair.'),
      ...(pair && { actions: actionsOf(t, pair) }),
      ...(warning && { warning }),
    },
    [...(pair ? blocksOf(t, pair) : [noneYet(t)]), ...more],
  )
}
