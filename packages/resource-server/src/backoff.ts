/**
 * Returns the pause in milliseconds before the next attempt after `failures` failures in a row (1 or more). It doubles with
 * each failure, up to `longest`. Half of it is random, so that many processes do not retry at the same moment.
 */
export function backoff(failures: number, first: number, longest: number): number {
  const whole = Math.min(longest, first * 2 ** Math.min(failures - 1, 20))
  return whole * (0.5 + Math.random() / 2)
}
