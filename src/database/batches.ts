import { KeywrightError } from '../shared/errors.ts'
import { isDatabaseBusy, isDatabaseUnavailable } from './unavailable.ts'

export interface BatchOptions<Request, Answer> {
  /** Carries out many requests in one statement; answers in the order of the requests. */
  readonly run: (requests: Request[]) => Promise<Answer[]>
  /** What requests may wait for together: where one of them waited in vain, the others need not try. */
  readonly contentionOf?: (request: Request) => unknown
  readonly maxInFlight: number
  readonly maxSize: number
}

/** Beyond this many the database has long stopped answering, and so has whoever asked stopped waiting. */
const MAX_WAITING = 10_000

interface Waiting<Request, Answer> {
  readonly request: Request
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: unknown) => void
}

/**
 * Gathers the concurrent requests of a moment into one statement. There is no timer: a statement takes what has come in
 * by the end of this turn of the event loop, and while `maxInFlight` are under way the next one fills. A request never
 * joins a statement that has already been sent, so its answer is never older than its question.
 */
export function createBatches<Request, Answer>(options: BatchOptions<Request, Answer>) {
  const waiting: Waiting<Request, Answer>[] = []
  let inFlight = 0
  let scheduled = false

  async function runAlone(one: Waiting<Request, Answer>): Promise<unknown> {
    try {
      one.resolve((await options.run([one.request]))[0]!)
      return undefined
    } catch (error) {
      one.reject(error)
      return error
    }
  }

  /** One bad row must fail alone; but a lock that one has waited for in vain is not waited for again by each. */
  async function runOneByOne(batch: Waiting<Request, Answer>[]): Promise<void> {
    const busy = new Map<unknown, unknown>()
    for (const one of batch) {
      const contention = options.contentionOf?.(one.request)
      if (busy.has(contention)) one.reject(busy.get(contention))
      else {
        const failure = await runAlone(one)
        if (isDatabaseBusy(failure)) busy.set(contention, failure)
      }
    }
  }

  async function runTogether(batch: Waiting<Request, Answer>[]): Promise<void> {
    try {
      const answers = await options.run(batch.map((one) => one.request))
      batch.forEach((one, index) => {
        one.resolve(answers[index]!)
      })
    } catch (error) {
      // A lost database fails them all the same way.
      if (batch.length === 1 || isDatabaseUnavailable(error)) for (const one of batch) one.reject(error)
      else await runOneByOne(batch)
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

  return (request: Request): Promise<Answer> =>
    new Promise((resolve, reject) => {
      if (waiting.length >= MAX_WAITING)
        return reject(new KeywrightError('unavailable', 'too much is waiting; try again'))
      waiting.push({ request, resolve, reject })
      if (inFlight < options.maxInFlight) schedule()
    })
}
