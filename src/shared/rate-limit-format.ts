import { invalidInput } from './errors.ts'

/** At most `count` requests in `period` seconds. */
export interface RateLimit {
  readonly count: number
  readonly period: number
}

const PERIODS = { s: 1, min: 60, h: 3600 } as const

const MOST = 999_999_999

/** Reads `10/s`, `600/min` or `5000/h`. @throws KeywrightError `invalid_input` at this field */
export function parseRateLimit(text: string, field = 'rateLimit'): RateLimit {
  const match = /^([1-9]\d{0,8})\/(s|min|h)$/.exec(text)
  if (!match) throw invalidInput(`a rate limit is written N/s, N/min or N/h, not: ${text}`, field)
  return { count: Number(match[1]), period: PERIODS[match[2] as keyof typeof PERIODS] }
}

export function formatRateLimit(limit: RateLimit): string {
  const unit = Object.entries(PERIODS).find(([, seconds]) => seconds === limit.period)
  return unit ? `${limit.count}/${unit[0]}` : `${limit.count}/${limit.period}s`
}

/** The error of a rate limit. Undefined: valid. */
export function rateLimitError({ count, period }: RateLimit): string | undefined {
  const isWhole = (value: number, most: number) => Number.isInteger(value) && value >= 1 && value <= most
  if (isWhole(count, MOST) && isWhole(period, 86_400)) return undefined
  return `a rate limit is 1 to ${MOST} requests in 1 to 86400 seconds`
}
