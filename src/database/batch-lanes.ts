import { isDatabaseBusy, isDatabaseUnavailable } from './unavailable.ts'

/** A request with the promise of its answer. */
export interface Waiting<Request, Answer> {
  readonly request: Request
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: unknown) => void
}

export interface LaneOptions<Request, Answer> {
  readonly keyOf: (request: Request) => unknown
  readonly run: (requests: Request[]) => Promise<Answer[]>
  readonly maxInFlight: number
  readonly maxSize: number
}

/** Requests that wait for one another's locks: one lane for each key, one statement at a time in each. */
export interface Lanes<Request, Answer> {
  has(request: Request): boolean
  add(one: Waiting<Request, Answer>): void
  /** How many requests wait. */
  size(): number
}

const failsAll = (error: unknown): boolean => isDatabaseUnavailable(error) || isDatabaseBusy(error)

export function createLanes<Request, Answer>(options: LaneOptions<Request, Answer>): Lanes<Request, Answer> {
  type One = Waiting<Request, Answer>
  const lanes = new Map<unknown, One[]>()
  /** Keys of lanes that do not run yet. */
  const idle: unknown[] = []
  let inFlight = 0

  async function runBatch(batch: One[]): Promise<void> {
    const answers = await options.run(batch.map((one) => one.request))
    batch.forEach((one, index) => {
      one.resolve(answers[index]!)
    })
  }

  /** One bad row must fail alone. */
  async function runOneByOne(batch: One[]): Promise<void> {
    for (const one of batch) await runBatch([one]).catch(one.reject)
  }

  async function runLane(lane: One[]): Promise<void> {
    while (lane.length > 0) {
      const batch = lane.splice(0, options.maxSize)
      try {
        await runBatch(batch)
      } catch (error) {
        // What these waited for in vain, those behind them would wait for again.
        if (failsAll(error)) for (const one of [...batch, ...lane.splice(0)]) one.reject(error)
        else if (batch.length > 1) await runOneByOne(batch)
        else batch[0]!.reject(error)
      }
    }
  }

  function runIdle(): void {
    while (idle.length > 0 && inFlight < options.maxInFlight) {
      const key = idle.shift()
      inFlight++
      void runLane(lanes.get(key)!).finally(() => {
        lanes.delete(key)
        inFlight--
        runIdle()
      })
    }
  }

  return {
    has: (request) => lanes.has(options.keyOf(request)),
    size: () => [...lanes.values()].reduce((total, lane) => total + lane.length, 0),
    add(one) {
      const key = options.keyOf(one.request)
      const lane = lanes.get(key)
      if (lane) return void lane.push(one)
      lanes.set(key, [one])
      idle.push(key)
      runIdle()
    },
  }
}
