import type { Client } from '../../../clients/clients.ts'
import { toConsoleEnglish } from '../../../languages/console/console-translator.ts'
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
import { APPLICATIONS_BREADCRUMBS, keyPairPath } from '../applications/application-list-page.ts'
import { type Block, blocksPage } from '../kit/blocks.ts'
import { type Cell, idCell, numberCell, quietCell, textCell, timeCell } from '../kit/cells.ts'
import type { ConsolePage } from '../kit/console-page.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { listView } from '../kit/list-page.ts'
import { plotView } from '../kit/plot.ts'
import { quotaBlocks } from './quota-block.ts'

export const USAGE_PATH = '/usage'

export const usagePath = (clientId: string): string => `${USAGE_PATH}/${encodeURIComponent(clientId)}`

const HOUR = 3_600_000
const DAY = 24 * HOUR

interface Span {
  readonly label: string
  readonly step: UsageRange['step']
  readonly length: number
  /** The period of the refusals, whose samples are kept for seven days. */
  readonly days: 1 | 7
}

const SPANS: Readonly<Record<string, Span>> = {
  day: { label: '24 hours', step: 'hour', length: DAY, days: 1 },
  'two-days': { label: '48 hours', step: 'hour', length: 2 * DAY, days: 1 },
  week: { label: '7 days', step: 'day', length: 7 * DAY, days: 7 },
  month: { label: '30 days', step: 'day', length: 30 * DAY, days: 7 },
}

const DEFAULT_SPAN = 'day'

/** @throws KeywrightError `invalid_input` */
function spanIn(query: Form): string {
  const span = query.get('span') ?? DEFAULT_SPAN
  if (!Object.hasOwn(SPANS, span)) throw invalidInput(`use ${Object.keys(SPANS).join(', ')}`, 'span')
  return span
}

const CLOCK = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
  timeZone: 'UTC',
})
const DATE = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', timeZone: 'UTC' })

function plotOf(points: readonly UsagePoint[], { label, step }: Span): Block {
  const format = step === 'hour' ? CLOCK : DATE
  const plot = plotView(toConsoleEnglish(), 'usage', {
    title: `Tokens and refused requests, last ${label}`,
    unit: step === 'hour' ? 'Hour (UTC)' : 'Day (UTC)',
    zone: 'UTC',
    points: points.map(({ at }) => format.format(at)),
    series: [
      { label: 'tokens issued', tone: 'plain', counts: points.map(({ issued }) => issued) },
      { label: 'requests refused', tone: 'error', counts: points.map(({ refused }) => refused) },
    ],
  })
  return { part: 'plot', plot }
}

const ENDPOINTS: Readonly<Record<string, string>> = {
  token: 'Token',
  introspection: 'Introspection',
  revocation: 'Revocation',
  authorization: 'Authorization',
  pushed_authorization: 'Pushed authorization',
  device_authorization: 'Device authorization',
}

export const endpointCell = (endpoint: string): Cell => textCell(ENDPOINTS[endpoint] ?? endpoint)

const wordsOf = (days: 1 | 7): string => (days === 1 ? 'in the last 24 hours' : 'in the last 7 days')

function reasonsOf({ reasons }: ClientRefusals, days: 1 | 7): Block {
  const list = listView({
    caption: `Refused requests by reason ${wordsOf(days)}`,
    columns: [{ heading: 'Reason' }, { heading: 'Endpoint' }, { heading: 'Requests', numeric: true }],
    rows: reasons.map(({ reason, endpoint, count }) => [
      textCell(REFUSAL_REASONS[reason].label, REFUSAL_REASONS[reason].text),
      endpointCell(endpoint),
      numberCell(count),
    ]),
    empty: { title: 'No refused requests', text: `None ${wordsOf(days)}.` },
  })
  return { part: 'list', heading: `Refused requests ${wordsOf(days)}`, list }
}

/** The cells of a sample that every list of samples has. */
export const sampleCells = ({ at, reason, endpoint, ip, userAgent, requestId }: RefusedRequest): Cell[] => [
  timeCell(new Date(at)),
  textCell(REFUSAL_REASONS[reason].label),
  endpointCell(endpoint),
  textCell(ip, userAgent || 'no user agent'),
  idCell(requestId, 'request ID'),
]

export const SAMPLE_HEADINGS = ['Time', 'Reason', 'Endpoint', 'Caller', 'Request ID']

function samplesBlocks({ samples }: ClientRefusals): Block[] {
  if (samples.length === 0) return []
  const list = listView({
    caption: 'Latest refused requests',
    columns: [...SAMPLE_HEADINGS, 'API'].map((heading) => ({ heading })),
    rows: samples.map((sample) => [...sampleCells(sample), sample.api ? textCell(sample.api) : quietCell('none')]),
    empty: { title: '', text: '' },
  })
  const lead =
    'The latest requests of each reason. Anyone can send requests with this client ID, also without its client secret.'
  return [{ part: 'list', heading: 'Latest refused requests', lead, list }]
}

function frameOf(client: Client, span: string): Pick<ConsolePage, 'title' | 'breadcrumbs' | 'badge' | 'tabs'> {
  if (client.kind === 'application') return applicationFrame(client, 'usage')
  const tabs = Object.entries(SPANS).map(([name, { label }]) => ({
    href: `${usagePath(client.clientId)}?span=${name}`,
    label: `Last ${label}`,
    current: name === span,
  }))
  const usage = { href: USAGE_PATH, label: 'Usage' }
  const pair = { href: keyPairPath(client.clientId), label: client.name }
  const breadcrumbs = client.kind === 'key_pair' ? [...APPLICATIONS_BREADCRUMBS, pair] : [usage]
  return { title: client.kind === 'key_pair' ? 'Usage' : `Usage of ${client.name}`, breadcrumbs, tabs }
}

/** Beside the tabs of an application, the periods are actions of the plot. */
const periods = ({ clientId, kind }: Client, span: string): Pick<Block, 'heading' | 'actions'> =>
  kind !== 'application'
    ? {}
    : {
        heading: 'Usage',
        actions: Object.entries(SPANS)
          .filter(([name]) => name !== span)
          .map(([name, { label }]) => ({ href: `${usagePath(clientId)}?span=${name}`, label: `Last ${label}` })),
      }

/** Issued tokens and refused requests of one client. */
export async function showClientUsage({ management, who, params, query, show }: ConsoleCall): Promise<void> {
  const name = spanIn(query)
  const span = SPANS[name]!
  const clientId = params.clientId!
  const size = span.step === 'hour' ? HOUR : DAY
  const from = new Date(Math.floor(Date.now() / size) * size + size - span.length)
  const usage = { step: span.step, from }
  const refusals = await readClientRefusals(management, who, { clientId, days: span.days, usage })
  const { client, points = [], quotas = [] } = refusals
  show(
    blocksPage({ ...frameOf(client, name), lead: 'Counts are at most a few seconds old.' }, [
      { ...plotOf(points, span), ...periods(client, name) },
      ...quotaBlocks(quotas),
      reasonsOf(refusals, span.days),
      ...samplesBlocks(refusals),
    ]),
  )
}
