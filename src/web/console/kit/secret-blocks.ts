import type { ClientSecrets, SecretCaller, SecretWithCallers } from '../../../management/client-secrets-reading.ts'
import { momentOf } from '../../relative-time.ts'
import type { Block, Card } from './blocks.ts'
import { type Cell, type Fact, fact, quietCell, textCell, timeCell } from './cells.ts'
import type { PageAction } from './console-page.ts'
import { durationInWords } from './duration-text.ts'
import { listView } from './list-page.ts'

const NAMES = {
  secret: ['Previous client secret', 'Current client secret'],
  api_key: ['Previous API key', 'Current API key'],
} as const

export const secretNoun = ({ kind }: Pick<SecretWithCallers, 'kind'>): string =>
  kind === 'secret' ? 'client secret' : 'API key'

const dateOf = (iso: string | null): Date | null => (iso === null ? null : new Date(iso))

const endCell = ({ retiresAt, retireUnusedHours }: SecretWithCallers): Cell =>
  timeCell(
    dateOf(retiresAt),
    'no end',
    retireUnusedHours === null ? undefined : `or until it is unused for ${durationInWords(retireUnusedHours * 3600)}`,
  )

/** A secret on one page: its last characters, its age, its use and its end. */
export const secretFacts = (secret: SecretWithCallers): Fact[] => [
  fact('Ends in', textCell(secret.lastFour)),
  fact('Generated', timeCell(new Date(secret.createdAt))),
  fact('Last used', timeCell(dateOf(secret.lastUsedAt), 'never')),
  fact('Expires', timeCell(dateOf(secret.expiresAt), 'never')),
  fact('Valid until', endCell(secret)),
]

const cardOf = (secret: SecretWithCallers, actions: readonly PageAction[]): Card => ({
  heading: NAMES[secret.kind][secret.isCurrent ? 1 : 0],
  facts: secretFacts(secret),
  actions,
})

const callerRow = ({ ip, api, userAgent, firstUsedAt, lastUsedAt }: SecretCaller): Cell[] => [
  textCell(ip, userAgent || 'no user agent'),
  api === null ? quietCell('no token') : textCell(api),
  timeCell(new Date(firstUsedAt)),
  timeCell(new Date(lastUsedAt)),
]

const CALLER_HEADINGS = ['Address and user agent', 'API', 'First use', 'Last use']

export const callersList = (secret: SecretWithCallers) =>
  listView({
    caption: `Callers with the ${secretNoun(secret)} that ends in ${secret.lastFour}`,
    columns: CALLER_HEADINGS.map((heading) => ({ heading })),
    rows: secret.callers.map(callerRow),
    empty: { title: 'No callers', text: 'No request used it in the last 30 days.' },
  })

const callersBlock = (secret: SecretWithCallers): Block => ({
  part: 'list',
  heading: `Callers with the ${secret.isCurrent ? 'current' : 'previous'} ${secretNoun(secret)}`,
  lead: `Ends in ${secret.lastFour}.`,
  list: callersList(secret),
})

const asOfText = (asOf: Date): string =>
  `As of ${momentOf(asOf).exact}. A request appears here within seconds. The time of the last use has a precision of five minutes.`

/**
 * The secrets of a client side by side, the previous ones first, then the callers of each.
 * @param actionsOf what a user can do with a secret
 */
export function secretBlocks(
  { secrets, asOf }: ClientSecrets,
  actionsOf: (secret: SecretWithCallers) => readonly PageAction[],
): Block[] {
  const ordered = secrets.toSorted((one, other) => one.id - other.id)
  return [
    {
      part: 'cards',
      lead: asOfText(asOf),
      cards: ordered.map((secret) => cardOf(secret, actionsOf(secret))),
    },
    ...ordered.map(callersBlock),
  ]
}
