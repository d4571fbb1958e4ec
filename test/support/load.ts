import { setTimeout as sleep } from 'node:timers/promises'
import { type Answer, type Credentials, claimsOf } from './requests.ts'

/** Requests without a pause from several loops at once, until it is stopped. */
export interface RunningLoad<Outcome> {
  /** Resolves when that many requests have ended, or fails as the first loop that failed. */
  reached(count: number): Promise<void>
  /** Every outcome, after the last request ended. */
  stop(): Promise<Outcome[]>
}

/** A load that nobody has waited for during this time (milliseconds) pauses between its requests. */
const UNWATCHED = 300

/** In milliseconds. */
const PAUSE_WHEN_UNWATCHED = 25

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
  let stopped = false
  let failure: unknown
  let waiting = 0
  let watchedAt = performance.now()
  function pauseNow(): number {
    const isUnwatched = waiting === 0 && performance.now() - watchedAt > UNWATCHED
    return pause ?? (isUnwatched ? PAUSE_WHEN_UNWATCHED : 0)
  }
  async function run(loop: number): Promise<void> {
    for (let round = 0; !stopped; round++) {
      outcomes.push(await ask(loop, round))
      const ms = pauseNow()
      if (ms > 0) await sleep(ms)
    }
  }
  const loops = Promise.all(Array.from({ length: width }, (_, loop) => run(loop)))
  loops.catch((error) => {
    stopped = true
    failure = error
  })
  return {
    async reached(count) {
      waiting++
      await until(() => outcomes.length >= count || stopped)
      waiting--
      watchedAt = performance.now()
      if (failure) throw failure
    },
    async stop() {
      stopped = true
      await loops
      return outcomes
    },
  }
}

/** Waits for a condition; fails when it does not come about in a time that no healthy machine needs. */
export async function until(condition: () => boolean | Promise<boolean>, patience = 25_000): Promise<void> {
  for (const deadline = Date.now() + patience; !(await condition()); await sleep(5)) {
    if (Date.now() > deadline) throw new Error(`waited in vain for: ${condition}`)
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

/** The same node for a caller that asks again while the answer is 503, as `Retry-After` tells it to. */
export const retrying = (node: Introspects): Introspects => ({
  async introspect(token, basic) {
    let answer: Answer
    await until(async () => {
      answer = await node.introspect(token, basic)
      return answer.status !== 503
    })
    return answer!
  },
})
