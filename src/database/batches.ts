import { KeywrightError } from '../shared/errors.ts'
import { tracing } from '../shared/tracing.ts'
import { type ContendedBatches, createContendedBatches, runBatchOf, type Waiting } from './contended-batches.ts'
import { isDatabaseUnavailable } from './unavailable.ts'

export interface BatchOptions<Request, Answer> {
  /**
   * Carries out many requests in one statement; answers in the order of the requests. Undefined: this request waits for
   * something that the others must not wait for, and goes to `contended`.
   */
  readonly run: (requests: Request[]) => Promise<(Answer | undefined)[]>
  /** For requests that have to wait, apart from all others. Absent: `run` answers every request. */
  readonly contended?: {
    /** What requests wait for together. */
    readonly keyOf: (request: Request) => unknown
    /** The same as the other `run`, and waits. */
    readonly run: (requests: Request[]) => Promise<Answer[]>
    readonly maxInFlight: number
  }
  readonly maxInFlight: number
  readonly maxSize: number
}

/** With more waiting than this, the database has long stopped answering, and callers have stopped waiting. */
const MAX_WAITING = 10_000

/**
 * Gathers the concurrent requests of a moment into one statement. There is no timer: a statement takes what has come in
 * by the end of this iteration of the event loop, and while `maxInFlight` are in flight the next one fills. A request never
 * joins a statement that has already been sent, so its answer is never older than its question.
 */
export function createBatches<Request, Answer>(options: BatchOptions<Request, Answer>) {
  const waiting: Waiting<Request, Answer>[] = []
  const keyQueues: ContendedBatches<Request, Answer> | undefined =
    options.contended && createContendedBatches({ ...options, ...options.contended })
  let inFlight = 0
  let scheduled = false

  async function runAlone(one: Waiting<Request, Answer>): Promise<void> {
    try {
      one.resolve((await runBatchOf(options.run, [one]))[0] as Answer)
    } catch (error) {
      one.reject(error)
    }
  }

  /** One bad row must fail alone. */
  async function runApart(batch: Waiting<Request, Answer>[]): Promise<void> {
    if (keyQueues) for (const one of batch) keyQueues.add(one)
    else for (const one of batch) await runAlone(one)
  }

  async function runTogether(batch: Waiting<Request, Answer>[]): Promise<void> {
    try {
      const answers = await runBatchOf(options.run, batch)
      batch.forEach((one, index) => {
        const answer = answers[index]
        if (answer === undefined && keyQueues) keyQueues.add(one)
        else one.resolve(answer as Answer)
      })
    } catch (error) {
      // A lost database fails them all the same way.
      if (isDatabaseUnavailable(error) || (batch.length === 1 && !keyQueues)) for (const one of batch) one.reject(error)
      else await runApart(batch)
    }
  }

  function flush(): void {
    scheduled = false
    while (waiting.length > 0 && inFlight < options.maxInFlight) {
      inFlight++
      void runTogether(waiting.splice(0, options.maxSize)).finally(() => {
        inFlight--
        schedule()
      })
    }
  }

  function schedule(): void {
    if (scheduled || waiting.length === 0) return
    scheduled = true
    setImmediate(flush)
  }

  function enqueue(one: Waiting<Request, Answer>): void {
    // The queue of its key already waits for the same lock.
    if (keyQueues?.has(one.request)) keyQueues.add(one)
    else waiting.push(one)
    if (inFlight < options.maxInFlight) schedule()
  }

  return (request: Request): Promise<Answer> =>
    new Promise((resolve, reject) => {
      if (waiting.length + (keyQueues?.size() ?? 0) >= MAX_WAITING)
        return reject(new KeywrightError('unavailable', 'too much is waiting; try again'))
      enqueue({ request, resolve, reject, within: tracing()?.bind() })
    })
}
