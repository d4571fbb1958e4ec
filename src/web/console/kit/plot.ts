import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import type { Badge } from './console-page.ts'

/** What is counted at each point of a plot, of one kind. */
export interface Series {
  readonly label: string
  /** `plain` is neutral and does not use the accent colour. */
  readonly tone: 'plain' | 'second' | Exclude<Badge['tone'], 'warning'>
  readonly counts: readonly number[]
}

export interface PlotOptions {
  readonly title: string
  /** What one point is called in the table: `Hour`, `Day`. */
  readonly unit: string
  /** The points' names, the oldest first. */
  readonly points: readonly string[]
  readonly series: readonly Series[]
  /** Of the points' names: `UTC`. */
  readonly zone: string
  readonly kind?: 'bars' | 'lines'
}

/** The plot's own units; it is stretched to the room that there is. */
const WIDTH = 1000
const HEIGHT = 200

/** Share of the width that stays free between bars. */
const GAP = 0.25

/** 1, 2 or 5 times a power of ten, so that the axis ends at a number that users read at once. */
export function niceTop(largest: number): number {
  if (largest <= 1) return 1
  const power = 10 ** Math.floor(Math.log10(largest))
  return [1, 2, 5, 10].map((step) => step * power).find((top) => top >= largest)!
}

const rounded = (number: number): number => Math.round(number * 100) / 100

const totalAt = (series: readonly Series[], n: number): number =>
  series.reduce((sum, { counts }) => sum + (counts[n] ?? 0), 0)

/** Stacked bars: the first series is at the bottom. */
function barsOf(t: ConsoleTranslate, { points, series }: PlotOptions, top: number) {
  const room = WIDTH / points.length
  return points.flatMap((point, n) => {
    let ground = HEIGHT
    return series.flatMap(({ label, tone, counts }) => {
      const count = counts[n] ?? 0
      if (count === 0) return []
      const height = Math.max(1, (count / top) * HEIGHT)
      ground -= height
      const box = { x: rounded((n + GAP / 2) * room), y: rounded(ground), width: rounded(room * (1 - GAP)) }
      return [{ ...box, height: rounded(height), tone, title: `${point}: ${t.number(count)} ${label}` }]
    })
  })
}

function linesOf({ points, series }: PlotOptions, top: number) {
  const step = WIDTH / Math.max(1, points.length - 1)
  return series.map(({ tone, counts }) => ({
    tone,
    path: points
      .map(
        (_, n) => `${n === 0 ? 'M' : 'L'}${rounded(n * step)} ${rounded(HEIGHT - ((counts[n] ?? 0) / top) * HEIGHT)}`,
      )
      .join(''),
  }))
}

const sumOf = (counts: readonly number[]): number => counts.reduce((sum, count) => sum + count, 0)

/** Every so many points have their name below, so that about four do. */
function ticksOf(points: readonly string[]): string[] {
  if (points.length === 0) return []
  const last = points.length - 1
  return [...new Set([0, 1 / 3, 2 / 3, 1].map((share) => Math.round(share * last)))].map((n) => points[n]!)
}

const largestOf = ({ points, series, kind }: PlotOptions): number =>
  kind === 'lines'
    ? Math.max(0, ...series.flatMap(({ counts }) => counts))
    : Math.max(0, ...points.map((_, n) => totalAt(series, n)))

/** Numbers over time as views/console/parts/plot.eta draws them. @param id unique within the page */
export function plotView(t: ConsoleTranslate, id: string, options: PlotOptions) {
  const { title, unit, points, series, kind = 'bars' } = options
  const largest = largestOf(options)
  const top = niceTop(largest)
  const compact = (number: number) => t.number(number, { notation: 'compact' })
  const totals = series.map(({ label, tone, counts }) => ({ label, tone, total: t.number(sumOf(counts)) }))
  return {
    id,
    title,
    unit,
    width: WIDTH,
    height: HEIGHT,
    empty: largest === 0,
    top: compact(top),
    half: Number.isInteger(top / 2) ? compact(top / 2) : '',
    totals,
    description: totals.map(({ label, total }) => `${total} ${label}`).join(', '),
    bars: kind === 'bars' ? barsOf(t, options, top) : [],
    lines: kind === 'lines' ? linesOf(options, top) : [],
    ticks: ticksOf(points),
    zone: options.zone,
    rows: points.map((point, n) => ({ point, counts: series.map(({ counts }) => t.number(counts[n] ?? 0)) })),
  }
}

export type PlotView = ReturnType<typeof plotView>
