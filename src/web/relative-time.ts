import { momentText } from '../shared/moment-text.ts'

const UNITS = [
  ['year', 365 * 24 * 3600],
  ['month', 30 * 24 * 3600],
  ['week', 7 * 24 * 3600],
  ['day', 24 * 3600],
  ['hour', 3600],
  ['minute', 60],
] as const

const RELATIVE = new Intl.RelativeTimeFormat('en', { numeric: 'auto' })

/** Until 100 days ahead, an expiry is stated in days: 89 days are not 2 months. */
const FINEST_AHEAD = UNITS.filter(([name]) => !['year', 'month', 'week'].includes(name))

const unitsFor = (seconds: number) => (seconds > 0 && seconds < 100 * 24 * 3600 ? FINEST_AHEAD : UNITS)

/** `2 hours ago`; `just now` within a minute. */
function inWords(at: Date, now: number): string {
  const seconds = (at.getTime() - now) / 1000
  const unit = unitsFor(seconds).find(([, size]) => Math.abs(seconds) >= size)
  return unit ? RELATIVE.format(Math.trunc(seconds / unit[1]), unit[0]) : 'just now'
}

/** A moment as its partial draws it. */
export interface Moment {
  readonly words: string
  readonly exact: string
  /** ISO 8601. */
  readonly iso: string
}

export function momentOf(at: Date, now = Date.now()): Moment {
  return { words: inWords(at, now), exact: momentText(at), iso: at.toISOString() }
}

const plural = (count: number, unit: string): string => `${count} ${unit}${count === 1 ? '' : 's'}`

/** A waiting time as text, rounded up so that a retry after it succeeds. */
export function waitInWords(seconds: number): string {
  if (seconds < 60) return plural(Math.max(1, Math.ceil(seconds)), 'second')
  if (seconds < 3600) return plural(Math.ceil(seconds / 60), 'minute')
  return plural(Math.ceil(seconds / 3600), 'hour')
}
