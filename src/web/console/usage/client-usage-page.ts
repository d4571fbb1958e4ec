import type { Client } from '../../../clients/clients.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import {
  type ClientRefusals,
  type RefusedRequest,
  readClientRefusals,
  type UsagePoint,
  type UsageRange,
} from '../../../management/client-usage-operations.ts'
import { invalidInput } from '../../../shared/errors.ts'
import { REFUSAL_REASONS } from '../../../shared/refusal-reasons.ts'
import type { Form } from '../../forms.ts'
import { applicationFrame } from '../applications/application-frame.ts'
import { applicationsBreadcrumbs, keyPairPath } from '../applications/application-list-page.ts'
import { type Block, blocksPage } from '../kit/blocks.ts'
import { type Cell, idCell, numberCell, quietCell, textCell, timeCell } from '../kit/cells.ts'
import type { ConsolePage } from '../kit/console-page.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { clientName } from '../kit/display-name.ts'
import { listView } from '../kit/list-page.ts'
import { plotView } from '../kit/plot.ts'
import { quotaBlocks } from './quota-block.ts'

export const USAGE_PATH = '/usage'

export const usagePath = (clientId: string): string => `${USAGE_PATH}/${encodeURIComponent(clientId)}`

const HOUR = 3_600_000
const DAY = 24 * HOUR

interface Span {
  readonly step: UsageRange['step']
  readonly length: number
  /** The period of the refusals, whose samples are kept for seven days. */
  readonly days: 1 | 7
}

const SPANS = {
  day: { step: 'hour', length: DAY, days: 1 },
  'two-days': { step: 'hour', length: 2 * DAY, days: 1 },
  week: { step: 'day', length: 7 * DAY, days: 7 },
  month: { step: 'day', length: 30 * DAY, days: 7 },
} as const satisfies Record<string, Span>

type SpanName = keyof typeof SPANS

const NAMES = Object.keys(SPANS) as SpanName[]

const spanLabel = (t: ConsoleTranslate, name: SpanName): string =>
  ({
    day: t('Last 24 hours'),
    'two-days': t('Last 48 hours'),
    week: t('Last 7 days'),
    month: t('Last 30 days'),
  })[name]

const plotTitle = (t: ConsoleTranslate, name: SpanName): string =>
  ({
    day: t('Tokens and refused requests, last 24 hours'),
    'two-days': t('Tokens and refused requests, last 48 hours'),
    week: t('Tokens and refused requests, last 7 days'),
    month: t('Tokens and refused requests, last 30 days'),
  })[name]

const DEFAULT_SPAN: SpanName = 'day'

/** @throws KeywrightError `invalid_input` */
function spanIn(query: Form): SpanName {
  const span = query.get('span') ?? DEFAULT_SPAN
  const name = NAMES.find((one) => one === span)
  if (!name) throw invalidInput(`use ${NAMES.join(', ')}`, 'span')
  return name
}

const DATE = { day: 'numeric', month: 'short' } as const
const CLOCK = { ...DATE, hour: '2-digit', minute: '2-digit' } as const

function plotOf(t: ConsoleTranslate, points: readonly UsagePoint[], name: SpanName): Block {
  const { step } = SPANS[name]
  const format = step === 'hour' ? CLOCK : DATE
  const plot = plotView(t, 'usage', {
    title: plotTitle(t, name),
    unit: step === 'hour' ? t('Hour (UTC)') : t('Day (UTC)'),
    zone: 'UTC',
    points: points.map(({ at }) => t.date(at, format)),
    series: [
      { label: t('tokens issued'), tone: 'plain', counts: points.map(({ issued }) => issued) },
      { label: t('requests refused'), tone: 'error', counts: points.map(({ refused }) => refused) },
    ],
  })
  return { part: 'plot', plot }
}

const endpointsIn = (t: ConsoleTranslate): Readonly<Record<string, string>> => ({
  token: t('Token'),
  introspection: t('Introspection'),
  revocation: t('Revocation'),
  authorization: t('Authorization'),
  pushed_authorization: t('Pushed authorization'),
  device_authorization: t('Device authorization'),
})

export const endpointCell = (t: ConsoleTranslate, endpoint: string): Cell =>
  textCell(endpointsIn(t)[endpoint] ?? endpoint)

function reasonsOf(t: ConsoleTranslate, { reasons }: ClientRefusals, days: 1 | 7): Block {
  const isDay = days === 1
  const list = listView({
    caption: isDay
      ? t('Refused requests by reason in the last 24 hours')
      : t('Refused requests by reason in the last 7 days'),
    columns: [{ heading: t('Reason') }, { heading: t('Endpoint') }, { heading: t('Requests'), numeric: true }],
    rows: reasons.map(({ reason, endpoint, count }) => [
      textCell(t.declared(REFUSAL_REASONS[reason].label), t.declared(REFUSAL_REASONS[reason].text)),
      endpointCell(t, endpoint),
      numberCell(count),
    ]),
    empty: {
      title: t('No refused requests'),
      text: isDay ? t('None in the last 24 hours.') : t('None in the last 7 days.'),
    },
  })
  const heading = isDay ? t('Refused requests in the last 24 hours') : t('Refused requests in the last 7 days')
  return { part: 'list', heading, list }
}

/** The cells of a sample that every list of samples has. */
export const sampleCells = (
  t: ConsoleTranslate,
  { at, reason, endpoint, ip, userAgent, requestId, detail }: RefusedRequest,
): Cell[] => [
  timeCell(new Date(at)),
  textCell(t.declared(REFUSAL_REASONS[reason].label), detail || undefined),
  endpointCell(t, endpoint),
  textCell(ip, userAgent || t('no user agent')),
  idCell(requestId, t('request ID')),
]

export const sampleHeadings = (t: ConsoleTranslate): readonly string[] => [
  t('Time'),
  t('Reason'),
  t('Endpoint'),
  t('Caller'),
  t('Request ID'),
]

function samplesBlocks(t: ConsoleTranslate, { samples }: ClientRefusals): Block[] {
  if (samples.length === 0) return []
  const list = listView({
    caption: t('Latest refused requests'),
    columns: [...sampleHeadings(t), t('API')].map((heading) => ({ heading })),
    rows: samples.map((sample) => [
      ...sampleCells(t, sample),
      sample.api ? textCell(sample.api) : quietCell(t('none')),
    ]),
    empty: { title: '', text: '' },
  })
  const lead = t(
    'The latest requests of each reason. Anyone can send requests with this client ID, also without its credentials.',
  )
  return [{ part: 'list', heading: t('Latest refused requests'), lead, list }]
}

function frameOf(
  t: ConsoleTranslate,
  client: Client,
  span: SpanName,
): Pick<ConsolePage, 'title' | 'breadcrumbs' | 'badge' | 'tabs'> {
  if (client.kind === 'application') return applicationFrame(t, client, 'usage')
  const tabs = NAMES.map((name) => ({
    href: `${usagePath(client.clientId)}?span=${name}`,
    label: spanLabel(t, name),
    current: name === span,
  }))
  const usage = { href: USAGE_PATH, label: t('Usage') }
  const pair = { href: keyPairPath(client.clientId), label: clientName(t, client) }
  const breadcrumbs = client.kind === 'key_pair' ? [...applicationsBreadcrumbs(t), pair] : [usage]
  return {
    title: client.kind === 'key_pair' ? t('Usage') : t('Usage of {name}', { name: clientName(t, client) }),
    breadcrumbs,
    tabs,
  }
}

/** Beside the tabs of an application, the periods are actions of the plot. */
const periods = (
  t: ConsoleTranslate,
  { clientId, kind }: Client,
  span: SpanName,
): Pick<Block, 'heading' | 'actions'> =>
  kind !== 'application'
    ? {}
    : {
        heading: t('Usage'),
        actions: NAMES.filter((name) => name !== span).map((name) => ({
          href: `${usagePath(clientId)}?span=${name}`,
          label: spanLabel(t, name),
        })),
      }

/** Issued tokens and refused requests of one client. */
export async function showClientUsage({ management, who, params, query, show, t }: ConsoleCall): Promise<void> {
  const name = spanIn(query)
  const span = SPANS[name]
  const clientId = params.clientId!
  const size = span.step === 'hour' ? HOUR : DAY
  const from = new Date(Math.floor(Date.now() / size) * size + size - span.length)
  const usage = { step: span.step, from }
  const refusals = await readClientRefusals(management, who, { clientId, days: span.days, usage })
  const { client, points = [], quotas = [] } = refusals
  show(
    blocksPage({ ...frameOf(t, client, name), lead: t('Counts are at most a few seconds old.') }, [
      { ...plotOf(t, points, name), ...periods(t, client, name) },
      ...quotaBlocks(t, quotas),
      reasonsOf(t, refusals, span.days),
      ...samplesBlocks(t, refusals),
    ]),
  )
}
