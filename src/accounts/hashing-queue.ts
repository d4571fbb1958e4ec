import { KeywrightError } from '../shared/errors.ts'

/** A hash takes one of Node's few threads and 19 MiB: more at once would slow down each other and everything else. */
const MAX_RUNNING = 2

/** With more waiting, a request would wait for seconds, and is rejected instead. */
const MAX_WAITING = 100

let running = 0
const waiting: (() => void)[] = []

function leave(): void {
  const next = waiting.shift()
  if (next) next()
  else running--
}

async function enter(): Promise<void> {
  if (running < MAX_RUNNING) {
    running++
    return
  }
  if (waiting.length >= MAX_WAITING)
    throw new KeywrightError('unavailable', 'too many passwords are being checked; try again')
  await new Promise<void>((resolve) => waiting.push(resolve))
}

/** Runs password hashing with bounded concurrency, in the order of arrival. @throws KeywrightError `unavailable` */
export async function inHashingQueue<Result>(hash: () => Promise<Result>): Promise<Result> {
  await enter()
  try {
    return await hash()
  } finally {
    leave()
  }
}
