import { KeywrightError } from '../shared/errors.ts'

/** A hash takes a thread of the few that Node has, and 19 MiB: more at once make each slower, and everything else too. */
const AT_ONCE = 2

/** Who comes when so many wait would wait for seconds: they are told to come again. */
const MOST_WAITING = 100

let running = 0
const waiting: (() => void)[] = []

function leave(): void {
  const next = waiting.shift()
  if (next) next()
  else running--
}

async function enter(): Promise<void> {
  if (running < AT_ONCE) {
    running++
    return
  }
  if (waiting.length >= MOST_WAITING)
    throw new KeywrightError('unavailable', 'too many passwords are checked just now; try again')
  await new Promise<void>((resolve) => waiting.push(resolve))
}

/** Runs password hashing, of which this process does only a little at once, in the order of arrival. @throws KeywrightError `unavailable` */
export async function inHashingQueue<Result>(hash: () => Promise<Result>): Promise<Result> {
  await enter()
  try {
    return await hash()
  } finally {
    leave()
  }
}
