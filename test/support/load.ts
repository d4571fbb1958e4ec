import { setTimeout as sleep } from 'node:timers/promises'
import { type Answer, type Credentials, claimsOf } from './requests.ts'

/** Requests without a pause from several loops at once, until it is stopped. */
export interface RunningLoad<Outcome> {
  /** Resolves when that many requests have ended, or fails as the first loop that failed. */
  reached(count: number): Promise<void>
  /** The same for requests that began after this call, however many had ended before. */
  next(count: number): Promise<void>
  /** Every outcome, after the last request ended. */
  stop(): Promise<Outcome[]>
}

/** A load that nobody has waited for during this time (milliseconds) pauses between its requests. */
const UNWATCHED = 300

/** In milliseconds. */
const PAUSE_WHEN_UNWATCHED = 25

/** In milliseconds: longer than a healthy machine needs for anything, also a slow and busy one. */
const PATIENCE = 90_000

interface Waiting {
  /** The number of the first request that counts. */
  readonly from: number
  left: number
  resolve(): void
  reject(cause: unknown): void
}

/** Those that wait until some requests of a load have ended. Nothing is polled: a load goes on between two looks. */
class Waiters {
  readonly #waiting = new Set<Waiting>()

  get isEmpty(): boolean {
    return this.#waiting.size === 0
  }

  async wait(from: number, left: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const waiting = { from, left, resolve, reject }
    const timer = setTimeout(() => reject(new Error(`waited in vain for ${waiting.left} more requests`)), PATIENCE)
    this.#waiting.add(waiting)
    await promise.finally(() => {
      clearTimeout(timer)
      this.#waiting.delete(waiting)
    })
  }

  ended(request: number): void {
    for (const one of this.#waiting) if (request >= one.from && --one.left === 0) one.resolve()
  }

  failed(cause: unknown): void {
    for (const one of this.#waiting) one.reject(cause)
  }

  stopped(): void {
    for (const one of this.#waiting) one.resolve()
  }
}

/**
 * `ask` makes one request of a loop; what it throws ends the load and fails `stop`. With a `pause` (milliseconds) each
 * loop waits between its requests: for a load that goes on while processes start or a database fails over, which need the
 * processor themselves. Without one, the loops pause only after a while in which the test waited for something else.
 */
export function startLoad<Outcome>(
  width: number,
  ask: (loop: number, round: number) => Promise<Outcome>,
  { pause }: { pause?: number } = {},
): RunningLoad<Outcome> {
  const outcomes: Outcome[] = []
  const waiters = new Waiters()
  let begun = 0
  let stopped = false
  let failure: unknown
  let watchedAt = performance.now()
  function pauseNow(): number {
    const isUnwatched = waiters.isEmpty && performance.now() - watchedAt > UNWATCHED
    return pause ?? (isUnwatched ? PAUSE_WHEN_UNWATCHED : 0)
  }
  async function run(loop: number): Promise<void> {
    for (let round = 0; !stopped; round++) {
      const request = begun++
      outcomes.push(await ask(loop, round))
      waiters.ended(request)
      const ms = pauseNow()
      if (ms > 0) await sleep(ms)
    }
  }
  const loops = Promise.all(Array.from({ length: width }, (_, loop) => run(loop)))
  loops.catch((error) => {
    stopped = true
    failure = error
    waiters.failed(error)
  })
  async function wait(from: number, count: number): Promise<void> {
    if (failure) throw failure
    if (count > 0 && !stopped) await waiters.wait(from, count)
    watchedAt = performance.now()
  }
  return {
    reached: (count) => wait(0, count - outcomes.length),
    next: (count) => wait(begun, count),
    async stop() {
      stopped = true
      waiters.stopped()
      await loops
      return outcomes
    },
  }
}

/** The first time between two looks at a condition, its growth, and its end, in milliseconds: a look may cost as much as a request. */
const LOOKS = { first: 5, growth: 1.3, longest: 50 }

/** Waits for a condition; fails when it does not come about in a time that no healthy machine needs. */
export async function until(condition: () => boolean | Promise<boolean>, patience = PATIENCE): Promise<void> {
  const deadline = Date.now() + patience
  for (let ms = LOOKS.first; !(await condition()); ms = Math.min(ms * LOOKS.growth, LOOKS.longest)) {
    if (Date.now() > deadline) throw new Error(`waited in vain for: ${condition}`)
    await sleep(ms)
  }
}

/** `count` times `work`, all at once. */
export const together = <T>(count: number, work: (n: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, n) => work(n)))

/** Runs `work` for all of them, a bounded number at a time; results in their order. */
export async function mapBounded<In, Out>(all: readonly In[], work: (one: In) => Promise<Out>): Promise<Out[]> {
  const results: Out[] = new Array(all.length)
  let next = 0
  const run = async () => {
    while (next < all.length) {
      const index = next++
      results[index] = await work(all[index]!)
    }
  }
  await together(20, run)
  return results
}

interface Introspects {
  introspect(token: string, basic: Credentials): Promise<Answer>
}

/** The active ones among the tokens, by introspection at every node. All nodes must give the same answer. */
export async function activeAmong(
  nodes: readonly Introspects[],
  tokens: readonly string[],
  caller: Credentials,
): Promise<string[]> {
  const verdicts = await mapBounded(tokens, async (token) => {
    const answers = await Promise.all(nodes.map((node) => node.introspect(token, caller)))
    const said = answers.map(({ status, body }) => (status === 200 ? body.active : `status ${status}`))
    if (new Set(said).size !== 1 || typeof said[0] !== 'boolean') {
      throw new Error(`of token ${claimsOf(token).jti} the nodes say ${said.join(', ')}`)
    }
    return said[0]
  })
  return tokens.filter((_, index) => verdicts[index])
}

/** The answer of a request that is made again while the answer is 503, as `Retry-After` tells its caller to. */
export async function served(ask: () => Promise<Answer>): Promise<Answer> {
  let answer: Answer
  await until(async () => {
    answer = await ask()
    return answer.status !== 503
  })
  return answer!
}

/** The same node for a caller that asks again while the answer is 503, as `Retry-After` tells it to. */
export const retrying = (node: Introspects): Introspects => ({
  introspect: (token, basic) => served(() => node.introspect(token, basic)),
})
