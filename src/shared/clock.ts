/** Tells the time in milliseconds since 1970. `Date` is one; what nodes must agree about follows the database's. */
export interface Clock {
  now(): number
}

/** Seconds since 1970, the unit of every time in a JWT (RFC 7519, section 2, NumericDate). */
export const epochSeconds = (at: number | Date = Date.now()): number => Math.floor(Number(at) / 1000)
