import { describe, expect, it } from 'vitest'
import { toConsoleEnglish } from '../../../src/languages/console/console-translator.ts'
import { niceTop, plotView } from '../../../src/web/console/kit/plot.ts'

const POINTS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun']
const SERIES = [
  { label: 'issued', tone: 'plain', counts: [10, 0, 30, 0, 0, 0, 60] },
  { label: 'refused', tone: 'error', counts: [0, 0, 20, 0, 0, 0, 40] },
] as const

const plot = (more: object = {}) =>
  plotView(toConsoleEnglish(), 'p', {
    title: 'Tokens',
    unit: 'Day',
    points: POINTS,
    zone: 'UTC',
    series: SERIES,
    ...more,
  })

describe('a plot', () => {
  it('ends its axis at a number that is read at once', () => {
    expect([0, 1, 3, 10, 11, 499, 5001].map(niceTop)).toEqual([1, 1, 5, 10, 20, 500, 10_000])
  })

  it('stacks its bars up to the top and no further, and draws none for nothing', () => {
    const { bars, height } = plot()
    expect(bars).toHaveLength(5)
    expect(Math.min(...bars.map(({ y }) => y))).toBe(0)
    const [issued, refused] = bars.slice(-2) as [(typeof bars)[0], (typeof bars)[0]]
    expect(issued.y + issued.height).toBe(height)
    expect(refused.y + refused.height).toBeCloseTo(issued.y)
    expect(refused.title).toBe('Sun: 40 refused')
  })

  it('keeps lines and bars within its room, whatever the numbers are', () => {
    const wild = [{ ...SERIES[0], counts: [1e12, 1, 0, 3] }]
    const { path } = plot({ kind: 'lines', series: wild }).lines[0]!
    const heights = [...path.matchAll(/[ML][\d.]+ ([\d.]+)/g)].map(([, y]) => Number(y))
    expect(heights).toHaveLength(POINTS.length)
    expect(Math.min(...heights)).toBeGreaterThanOrEqual(0)
    expect(Math.max(...heights)).toBeLessThanOrEqual(200)
  })

  it('title in words and in a table what it draws', () => {
    const { description, rows, ticks, empty } = plot()
    expect(description).toBe('100 issued, 60 refused')
    expect(rows[2]).toEqual({ point: 'Wed', counts: ['30', '20'] })
    expect(ticks).toEqual(['Mon', 'Wed', 'Fri', 'Sun'])
    expect(empty).toBe(false)
  })

  it('stands with one point, and with none', () => {
    expect(plot({ points: ['Mon'], kind: 'lines' }).lines[0]!.path).not.toContain('NaN')
    expect(plot({ points: [], series: [] })).toMatchObject({ empty: true, ticks: [] })
  })
})
