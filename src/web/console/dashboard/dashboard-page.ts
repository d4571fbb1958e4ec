import type { ConsoleText } from '../../../languages/console/console-text.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
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

type Span = UsageQuery['span']

const SPANS = {
  day: {
    label: 'Last 24 hours',
    unit: 'Hour (UTC)',
    words: 'in the last 24 hours',
    share: '{share} of all in the last 24 hours',
  },
  month: {
    label: 'Last 30 days',
    unit: 'Day (UTC)',
    words: 'in the last 30 days',
    share: '{share} of all in the last 30 days',
  },
} as const satisfies Record<Span, Record<string, ConsoleText>>

/** @throws KeywrightError `invalid_input` */
function spanOf(query: Form): Span {
  const span = query.get('span') ?? 'day'
  if (span !== 'day' && span !== 'month') throw invalidInput('use day or month', 'span')
  return span
}

/** How often is neither good nor bad: no part is set in the accent, in green or in red. */
const TONES = ['plain', 'second', 'neutral'] as const

const HOUR = 3_600_000
const CLOCK = { hour: '2-digit', minute: '2-digit' } as const
const DAY = { day: 'numeric', month: 'short' } as const

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
function seriesOf(t: ConsoleTranslate, overview: InstanceOverview, kind: UsageKind): Series[] {
  const usage = overview.usage.filter((one) => one.kind === kind)
  const labels = ranked(usage, kind).map(({ label }) => label)
  const parts = labels.length > 3 ? [[labels[0]!], [labels[1]!], labels.slice(2)] : labels.map((label) => [label])
  return parts.map((part, n) => ({
    label: part.length > 1 ? t('others') : (wordsOf(t, kind, part[0]!)?.brief ?? part[0]!),
    tone: TONES[n]!,
    counts: momentsOf(overview).map((at) =>
      sumOf(usage.filter((one) => one.at.getTime() === at && part.includes(one.label))),
    ),
  }))
}

function plotOf(t: ConsoleTranslate, overview: InstanceOverview, kind: UsageKind, title: string, span: Span): Block {
  const format = overview.step === 'hour' ? CLOCK : DAY
  const points = momentsOf(overview).map((at) => t.date(at, format))
  const options = { title, zone: 'UTC', unit: t(SPANS[span].unit), points, series: seriesOf(t, overview, kind) }
  return { part: 'plot', plot: plotView(t, kind, options) }
}

function tableOf(t: ConsoleTranslate, { usage }: InstanceOverview, kind: UsageKind, heading: string): Block {
  const nameOf = (label: string) => {
    const words = wordsOf(t, kind, label)
    return words ? textCell(words.whole, label) : textCell(label)
  }
  const rows = ranked(usage, kind).map(({ label, total }) => [nameOf(label), numberCell(total)])
  const list = listView({
    caption: heading,
    columns: [{ heading: kind === 'issued' ? t('Grant type') : t('Reason') }, { heading: t('Count'), numeric: true }],
    rows,
    empty: {
      title: kind === 'issued' ? t('No tokens issued') : t('No requests failed'),
      text: t('None in this period.'),
    },
  })
  return { part: 'list', heading, list }
}

const SHARE = { style: 'percent', maximumFractionDigits: 1 } as const

function figuresOf(t: ConsoleTranslate, { usage }: InstanceOverview, span: Span): Block {
  const [issued, refused] = (['issued', 'refused'] as const).map((kind) =>
    sumOf(usage.filter((one) => one.kind === kind)),
  )
  const share = t.number(refused! / (issued! + refused!), SHARE)
  return {
    part: 'figures',
    figures: [
      { name: t('Tokens issued'), text: t.number(issued!), detail: t(SPANS[span].words) },
      { name: t('Failed requests'), text: t.number(refused!), detail: t(SPANS[span].share, { share }) },
    ],
  }
}

const nothingYet = (t: ConsoleTranslate): Block => ({
  part: 'empty',
  title: t('No token requests in this period'),
  text: t('Issued tokens and failed requests appear here within seconds.'),
})

const blocksOf = (t: ConsoleTranslate, overview: InstanceOverview, span: Span): Block[] =>
  overview.usage.length === 0
    ? [nothingYet(t)]
    : [
        figuresOf(t, overview, span),
        plotOf(t, overview, 'issued', t('Tokens issued'), span),
        plotOf(t, overview, 'refused', t('Failed requests'), span),
        tableOf(t, overview, 'issued', t('Issued tokens by grant type')),
        tableOf(t, overview, 'refused', t('Failed requests by reason')),
      ]

function dashboardPage(t: ConsoleTranslate, overview: InstanceOverview, span: Span): ConsolePage {
  const tabs = (['day', 'month'] as const).map((one) => ({
    href: one === 'day' ? '/' : `/?span=${one}`,
    label: t(SPANS[one].label),
    current: one === span,
  }))
  return blocksPage({ title: t('Dashboard'), lead: t('Requests to the token endpoint of this instance.'), tabs }, [
    ...refusedBlocks(t, overview),
    ...blocksOf(t, overview, span),
  ])
}

/** The first page that an operator sees. */
export async function showDashboard({ t, query, management, who, show }: ConsoleCall): Promise<void> {
  const span = spanOf(query)
  show(dashboardPage(t, await readInstanceOverview(management, who, { span }), span))
}
