import { beforeEach, expect, test, vi } from 'vitest'
import { createDatabaseClock } from '../../src/database/database-clock.ts'

/** `performance.now()`, in milliseconds. */
let time = 0

beforeEach(() => {
  time = 1000
  vi.spyOn(performance, 'now').mockImplementation(() => time)
  vi.spyOn(Date, 'now').mockImplementation(() => 1_000_000 + time)
  return () => vi.restoreAllMocks()
})

/** Reads a database whose clock is `ahead` of this machine's; the request took `before` ms, and the response `after` ms. */
function read(clock: ReturnType<typeof createDatabaseClock>, ahead: number, before: number, after: number): void {
  const askedAt = time
  time += before
  const databaseTime = 1_000_000 + time + ahead
  time += after
  clock.read(databaseTime, askedAt)
}

test('a reading that took long changes an exact clock by no more than it proves', () => {
  const clock = createDatabaseClock()
  read(clock, 1, 200, 0)
  expect(clock.skew()).toBeCloseTo(-1)
  read(clock, -1, 0, 200)
  expect(clock.skew()).toBeCloseTo(1)
})

test('a reading that agrees with the clock within the time that it took changes nothing', () => {
  const clock = createDatabaseClock()
  read(clock, 5, 20, 20)
  expect(clock.skew()).toBeCloseTo(0)
})

test('a clock follows the database by one reading, to within the time that the reading took', () => {
  for (const ahead of [-60_000, 60_000]) {
    const clock = createDatabaseClock()
    read(clock, ahead, 10, 30)
    expect(Math.abs(clock.skew() + ahead)).toBeLessThanOrEqual(40)
    read(clock, ahead, 1, 1)
    expect(Math.abs(clock.skew() + ahead)).toBeLessThanOrEqual(2)
  }
})

test('between two readings the clock continues when the clock of the machine is changed', () => {
  const clock = createDatabaseClock()
  read(clock, 0, 1, 1)
  const before = clock.now()
  vi.spyOn(Date, 'now').mockImplementation(() => 0)
  time += 500
  expect(clock.now() - before).toBe(500)
})
