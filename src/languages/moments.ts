import type { Language } from './languages.ts'

const UNITS = [
  ['year', 365 * 24 * 3600],
  ['month', 30 * 24 * 3600],
  ['week', 7 * 24 * 3600],
  ['day', 24 * 3600],
  ['hour', 3600],
  ['minute', 60],
] as const

/** Until 100 days ahead, an expiry is stated in days: 89 days are not 2 months. */
const FINEST_AHEAD = UNITS.filter(([name]) => !['year', 'month', 'week'].includes(name))

const unitsFor = (seconds: number) => (seconds > 0 && seconds < 100 * 24 * 3600 ? FINEST_AHEAD : UNITS)

/** A moment as `views/partials/time.eta` draws it. */
export interface Moment {
  /** `2 hours ago`. */
  readonly words: string
  /** `29 November 2026 at 13:00 UTC`. */
  readonly exact: string
  /** ISO 8601. */
  readonly iso: string
}

/** For dates. English dates have the day first. */
export const dateLocaleOf = ({ code, locale }: Language): string => (code === 'en' ? 'en-GB' : locale)

const TIME: Intl.DateTimeFormatOptions = {
  year: 'numeric',
  month: 'long',
  day: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  hourCycle: 'h23',
  timeZone: 'UTC',
  timeZoneName: 'short',
}

/** Writes times to the minute, with their zone: `29 November 2026 at 13:00 UTC`. */
export function timesIn(language: Language): (at: Date) => string {
  const format = new Intl.DateTimeFormat(dateLocaleOf(language), TIME)
  return (at) => format.format(at)
}

/** Puts moments into words. @param justNow what stands for the last and the next minute */
export function momentsIn(language: Language, justNow: string): (at: Date, now?: number) => Moment {
  const relative = new Intl.RelativeTimeFormat(language.locale, { numeric: 'auto' })
  const exact = timesIn(language)
  function wordsOf(at: Date, now: number): string {
    const seconds = (at.getTime() - now) / 1000
    const unit = unitsFor(seconds).find(([, size]) => Math.abs(seconds) >= size)
    return unit ? relative.format(Math.trunc(seconds / unit[1]), unit[0]) : justNow
  }
  return (at, now = Date.now()) => ({
    words: wordsOf(at, now),
    exact: exact(at),
    iso: at.toISOString(),
  })
}
