import { conditionTexts } from '../../../clients/trust-conditions.ts'
import type { ConsoleText } from '../../../languages/console/console-text.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import type { SecretView } from '../../../management/client-parts.ts'
import type { ClientSecrets, SecretCaller, SecretWithCallers } from '../../../management/client-secrets-reading.ts'
import type { Block, Card } from './blocks.ts'
import { type Cell, type Fact, fact, quietCell, textCell, timeCell } from './cells.ts'
import type { PageAction } from './console-page.ts'
import { listView } from './list-page.ts'

const NAMES = {
  secret: ['Previous client secret', 'Current client secret'],
  api_key: ['Previous API key', 'Current API key'],
  key: ['Previous public key', 'Public key'],
  certificate: ['Previous certificate', 'Certificate'],
  trust: ['Previous trust', 'Trust'],
} as const

const dateOf = (iso: string | null): Date | null => (iso === null ? null : new Date(iso))

const endCell = (t: ConsoleTranslate, { retiresAt, retireUnusedHours }: SecretWithCallers): Cell =>
  timeCell(
    dateOf(retiresAt),
    t('no end'),
    retireUnusedHours === null
      ? undefined
      : t('or until it is unused for {time}', { time: t.duration(retireUnusedHours * 3600) }),
  )

/** What a credential is of, for people: the subject of a certificate, or the issuer and conditions of a trust. */
export const subjectOf = ({ certificateSubject, trust }: SecretView): string | undefined =>
  trust ? [trust.issuer, ...conditionTexts(trust.conditions)].join(' · ') : (certificateSubject ?? undefined)

/** A secret on one page: its last characters, its age, its use and its end. */
export const secretFacts = (t: ConsoleTranslate, secret: SecretWithCallers): Fact[] => [
  fact(t('Ends in'), textCell(secret.lastFour, subjectOf(secret))),
  fact(t('Generated'), timeCell(new Date(secret.createdAt))),
  fact(t('Last used'), timeCell(dateOf(secret.lastUsedAt))),
  fact(t('Expires'), timeCell(dateOf(secret.expiresAt))),
  fact(t('Valid until'), endCell(t, secret)),
]

const cardOf = (t: ConsoleTranslate, secret: SecretWithCallers, actions: readonly PageAction[]): Card => ({
  heading: t(NAMES[secret.kind][secret.isCurrent ? 1 : 0]),
  facts: secretFacts(t, secret),
  actions,
})

const callerRow = (t: ConsoleTranslate, { ip, api, userAgent, firstUsedAt, lastUsedAt }: SecretCaller): Cell[] => [
  textCell(ip, userAgent || t('no user agent')),
  api === null ? quietCell(t('no token')) : textCell(api),
  timeCell(new Date(firstUsedAt)),
  timeCell(new Date(lastUsedAt)),
]

const CALLER_HEADINGS = [
  'Address and user agent',
  'API',
  'First use',
  'Last use',
] as const satisfies readonly ConsoleText[]

const callersList = (t: ConsoleTranslate, secret: SecretWithCallers) =>
  listView({
    caption: t(
      '{kind, select, api_key {Callers with the API key that ends in {lastFour}} key {Callers with the public key that ends in {lastFour}} certificate {Callers with the certificate that ends in {lastFour}} trust {Callers with the trust that ends in {lastFour}} other {Callers with the client secret that ends in {lastFour}}}',
      { kind: secret.kind, lastFour: secret.lastFour },
    ),
    columns: CALLER_HEADINGS.map((heading) => ({ heading: t(heading) })),
    rows: secret.callers.map((caller) => callerRow(t, caller)),
    empty: { title: t('No callers'), text: t('No request used it in the last 30 days.') },
  })

/** The callers on a page about one secret. */
export const callersOf = (t: ConsoleTranslate, secret: SecretWithCallers) => ({
  heading: t(
    '{kind, select, api_key {Callers with this API key} key {Callers with this public key} certificate {Callers with this certificate} trust {Callers with this trust} other {Callers with this client secret}}',
    { kind: secret.kind },
  ),
  list: callersList(t, secret),
})

const CALLERS = {
  secret: ['Callers with the previous client secret', 'Callers with the current client secret'],
  api_key: ['Callers with the previous API key', 'Callers with the current API key'],
  key: ['Callers with the previous public key', 'Callers with the public key'],
  certificate: ['Callers with the previous certificate', 'Callers with the certificate'],
  trust: ['Callers with the previous trust', 'Callers with the trust'],
} as const

const callersBlock = (t: ConsoleTranslate, secret: SecretWithCallers): Block => ({
  part: 'list',
  heading: t(CALLERS[secret.kind][secret.isCurrent ? 1 : 0]),
  lead: t('Ends in {lastFour}.', { lastFour: secret.lastFour }),
  list: callersList(t, secret),
})

const asOfText = (t: ConsoleTranslate, asOf: Date): string =>
  t('As of {time}. A request appears here within seconds. The time of the last use has a precision of five minutes.', {
    time: t.moment(asOf).exact,
  })

/**
 * The secrets of a client side by side, the previous ones first, then the callers of each.
 * @param actionsOf what a user can do with a secret
 */
export function secretBlocks(
  t: ConsoleTranslate,
  { secrets, asOf }: ClientSecrets,
  actionsOf: (secret: SecretWithCallers) => readonly PageAction[],
): Block[] {
  const ordered = secrets.toSorted((one, other) => one.id - other.id)
  return [
    {
      part: 'cards',
      lead: asOfText(t, asOf),
      cards: ordered.map((secret) => cardOf(t, secret, actionsOf(secret))),
    },
    ...ordered.map((secret) => callersBlock(t, secret)),
  ]
}
