import {
  type InstanceOverview,
  readInstanceOverview,
  type UsageQuery,
} from '../../../management/overview-operations.ts'
import type { UsageCount, UsageKind } from '../../../metrics/usage.ts'
import { invalidInput } from '../../../shared/errors.ts'
import type { Form } from '../../forms.ts'
import { type Block, blocksPage } from '../kit/blocks.ts'
import { numberCell, textCell } from '../kit/cells.ts'
import type { ConsolePage } from '../kit/console-page.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { listView } from '../kit/list-page.ts'
import { plotView, type Series } from '../kit/plot.ts'
import { refusedBlocks } from './refused-block.ts'
import { wordsOf } from './usage-text.ts'

const SPANS = {
  day: { label: 'Last 24 hours', unit: 'Hour (UTC)', words: 'in the last 24 hours' },
  month: { label: 'Last 30 days', unit: 'Day (UTC)', words: 'in the last 30 days' },
} as const

type Span = UsageQuery['span']

/** @throws KeywrightError `invalid_input` */
function spanOf(query: Form): Span {
  const span = query.get('span') ?? 'day'
  if (span !== 'day' && span !== 'month') throw invalidInput('use day or month', 'span')
  return span
}

/** How often is neither good nor bad: no part is set in the accent, in green or in red. */
const TONES = ['plain', 'second', 'neutral'] as const

const HOUR = 3_600_000
const CLOCK = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', timeZone: 'UTC' })
const DAY = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', timeZone: 'UTC' })

/** Every hour or day there is, also those in which nothing was counted. */
function momentsOf({ from, to, step }: InstanceOverview): number[] {
  const size = step === 'hour' ? HOUR : 24 * HOUR
  return Array.from({ length: (to.getTime() - from.getTime()) / size }, (_, n) => from.getTime() + n * size)
}

const sumOf = (counts: readonly UsageCount[]): number => counts.reduce((sum, { count }) => sum + Number(count), 0)

/** By label, the most frequent first. */
function ranked(usage: readonly UsageCount[], kind: UsageKind): { label: string; total: number }[] {
  const groups = Map.groupBy(
    usage.filter((one) => one.kind === kind),
    ({ label }) => label,
  )
  return [...groups].map(([label, counts]) => ({ label, total: sumOf(counts) })).sort((a, b) => b.total - a.total)
}

/** The two most frequent labels, and all others together: more than three colours are hard to distinguish. */
function seriesOf(overview: InstanceOverview, kind: UsageKind): Series[] {
  const usage = overview.usage.filter((one) => one.kind === kind)
  const labels = ranked(usage, kind).map(({ label }) => label)
  const parts = labels.length > 3 ? [[labels[0]!], [labels[1]!], labels.slice(2)] : labels.map((label) => [label])
  return parts.map((part, n) => ({
    label: part.length > 1 ? 'others' : (wordsOf(kind, part[0]!)?.brief ?? part[0]!),
    tone: TONES[n]!,
    counts: momentsOf(overview).map((at) =>
      sumOf(usage.filter((one) => one.at.getTime() === at && part.includes(one.label))),
    ),
  }))
}

function plotOf(overview: InstanceOverview, kind: UsageKind, title: string, span: Span): Block {
  const format = overview.step === 'hour' ? CLOCK : DAY
  const points = momentsOf(overview).map((at) => format.format(at))
  const options = { title, zone: 'UTC', unit: SPANS[span].unit, points, series: seriesOf(overview, kind) }
  return { part: 'plot', plot: plotView(kind, options) }
}

function tableOf({ usage }: InstanceOverview, kind: UsageKind, heading: string): Block {
  const nameOf = (label: string) => {
    const words = wordsOf(kind, label)
    return words ? textCell(words.whole, label) : textCell(label)
  }
  const rows = ranked(usage, kind).map(({ label, total }) => [nameOf(label), numberCell(total)])
  const list = listView({
    caption: heading,
    columns: [{ heading: kind === 'issued' ? 'Grant type' : 'Reason' }, { heading: 'Count', numeric: true }],
    rows,
    empty: { title: kind === 'issued' ? 'No tokens issued' : 'No requests failed', text: 'None in this period.' },
  })
  return { part: 'list', heading, list }
}

const NUMBER = new Intl.NumberFormat('en')
const SHARE = new Intl.NumberFormat('en', { style: 'percent', maximumFractionDigits: 1 })

function figuresOf({ usage }: InstanceOverview, words: string): Block {
  const [issued, refused] = (['issued', 'refused'] as const).map((kind) =>
    sumOf(usage.filter((one) => one.kind === kind)),
  )
  const share = SHARE.format(refused! / (issued! + refused!))
  return {
    part: 'figures',
    figures: [
      { name: 'Tokens issued', text: NUMBER.format(issued!), detail: words },
      { name: 'Failed requests', text: NUMBER.format(refused!), detail: `${share} of all ${words}` },
    ],
  }
}

const NOTHING_YET: Block = {
  part: 'empty',
  title: 'No token requests in this period',
  text: 'Issued tokens and failed requests appear here within seconds.',
}

const blocksOf = (overview: InstanceOverview, span: Span): Block[] =>
  overview.usage.length === 0
    ? [NOTHING_YET]
    : [
        figuresOf(overview, SPANS[span].words),
        plotOf(overview, 'issued', 'Tokens issued', span),
        plotOf(overview, 'refused', 'Failed requests', span),
        tableOf(overview, 'issued', 'Issued tokens by grant type'),
        tableOf(overview, 'refused', 'Failed requests by reason'),
      ]

function dashboardPage(overview: InstanceOverview, span: Span): ConsolePage {
  const tabs = (['day', 'month'] as const).map((one) => ({
    href: one === 'day' ? '/' : `/?span=${one}`,
    label: SPANS[one].label,
    current: one === span,
  }))
  return blocksPage({ title: 'Dashboard', lead: 'Requests to the token endpoint of this instance.', tabs }, [
    ...refusedBlocks(overview),
    ...blocksOf(overview, span),
  ])
}

/** The first page that an operator sees. */
export async function showDashboard({ query, management, who, show }: ConsoleCall): Promise<void> {
  const span = spanOf(query)
  show(dashboardPage(await readInstanceOverview(management, who, { span }), span))
}
