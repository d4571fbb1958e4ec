import type { WithinSpan } from '../shared/tracing.ts'
import { isDatabaseBusy, isDatabaseUnavailable } from './unavailable.ts'

/** A request with the promise of its answer. */
export interface Waiting<Request, Answer> {
  readonly request: Request
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: unknown) => void
  /** The span of the request; undefined: none is recorded. */
  readonly within: WithinSpan | undefined
}

/** Carries out a batch, within the span of its first request: whatever ended last has made room for it. */
export function runBatchOf<Request, Answer>(
  run: (requests: Request[]) => Promise<Answer[]>,
  batch: readonly Pick<Waiting<Request, never>, 'request' | 'within'>[],
): Promise<Answer[]> {
  const call = () => run(batch.map((one) => one.request))
  const within = batch[0]!.within
  return within ? within(call) : call()
}

export interface ContendedBatchOptions<Request, Answer> {
  readonly keyOf: (request: Request) => unknown
  readonly run: (requests: Request[]) => Promise<Answer[]>
  readonly maxInFlight: number
  readonly maxSize: number
}

/** Requests that wait for one another's locks: one lane for each key, one statement at a time in each. */
export interface ContendedBatches<Request, Answer> {
  has(request: Request): boolean
  add(one: Waiting<Request, Answer>): void
  /** How many requests wait. */
  size(): number
}

const failsAll = (error: unknown): boolean => isDatabaseUnavailable(error) || isDatabaseBusy(error)

export function createContendedBatches<Request, Answer>(
  options: ContendedBatchOptions<Request, Answer>,
): ContendedBatches<Request, Answer> {
  type One = Waiting<Request, Answer>
  const keyQueues = new Map<unknown, One[]>()
  /** Keys of lanes that do not run yet. */
  const idle: unknown[] = []
  let inFlight = 0

  async function runBatch(batch: One[]): Promise<void> {
    const answers = await runBatchOf(options.run, batch)
    batch.forEach((one, index) => {
      one.resolve(answers[index]!)
    })
  }

  /** One bad row must fail alone. */
  async function runOneByOne(batch: One[]): Promise<void> {
    for (const one of batch) await runBatch([one]).catch(one.reject)
  }

  async function runQueue(keyQueue: One[]): Promise<void> {
    while (keyQueue.length > 0) {
      const batch = keyQueue.splice(0, options.maxSize)
      try {
        await runBatch(batch)
      } catch (error) {
        // What these waited for in vain, those behind them would wait for again.
        if (failsAll(error)) for (const one of [...batch, ...keyQueue.splice(0)]) one.reject(error)
        else if (batch.length > 1) await runOneByOne(batch)
        else batch[0]!.reject(error)
      }
    }
  }

  function runIdle(): void {
    while (idle.length > 0 && inFlight < options.maxInFlight) {
      const key = idle.shift()
      inFlight++
      void runQueue(keyQueues.get(key)!).finally(() => {
        keyQueues.delete(key)
        inFlight--
        runIdle()
      })
    }
  }

  return {
    has: (request) => keyQueues.has(options.keyOf(request)),
    size: () => [...keyQueues.values()].reduce((total, keyQueue) => total + keyQueue.length, 0),
    add(one) {
      const key = options.keyOf(one.request)
      const keyQueue = keyQueues.get(key)
      if (keyQueue) return void keyQueue.push(one)
      keyQueues.set(key, [one])
      idle.push(key)
      runIdle()
    },
  }
}
