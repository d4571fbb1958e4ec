/** Milliseconds to wait after that many failures in a row (1 and up), doubled each time, with half of it left to chance. */
export function backoff(failures: number, first: number, longest: number): number {
  const whole = Math.min(longest, first * 2 ** Math.min(failures - 1, 20))
  return whole * (0.5 + Math.random() / 2)
}
