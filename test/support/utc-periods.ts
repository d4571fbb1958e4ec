import { setTimeout as sleep } from 'node:timers/promises'

const LENGTHS = { hour: 3_600_000, day: 86_400_000 }

/** In milliseconds: longer than a test takes that needs one hour or day, also on a slow and busy machine. */
const NEEDED = 90_000

/** Milliseconds until the present hour or day of UTC has ended, or 0 if a test can end before. */
export function waitForNext(period: keyof typeof LENGTHS, now: number): number {
  const left = LENGTHS[period] - (now % LENGTHS[period])
  return left < NEEDED ? left : 0
}

/** Resolves when no hour or day of UTC ends soon, for a test of what is counted or named by the hour or the day. */
export async function untilPeriodLasts(period: keyof typeof LENGTHS): Promise<void> {
  for (let ms = waitForNext(period, Date.now()); ms > 0; ms = waitForNext(period, Date.now())) await sleep(ms)
}
