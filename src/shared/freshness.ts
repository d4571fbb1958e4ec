/** Bounds of the time for which a response counts as fresh, in seconds. */
export interface FreshnessBounds {
  readonly min: number
  readonly max: number
  /** Of a response that says nothing. */
  readonly initial: number
}

/** Seconds for which a response is fresh by its `Cache-Control` (RFC 9111, section 5.2.2), within our bounds. */
export function freshnessOf(headers: Headers, { min, max, initial }: FreshnessBounds): number {
  const directives = (headers.get('cache-control') ?? '')
    .toLowerCase()
    .split(',')
    .map((one) => one.trim())
  if (directives.some((one) => one === 'no-store' || one === 'no-cache')) return min
  const seconds = directives.map((one) => /^max-age="?(\d{1,10})"?$/.exec(one)?.[1]).find((one) => one !== undefined)
  return seconds === undefined ? initial : Math.min(Math.max(Number(seconds), min), max)
}
