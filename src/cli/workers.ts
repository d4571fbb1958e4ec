import cluster, { type Worker } from 'node:cluster'
import { AggregatorRegistry, type Registry } from 'prom-client'
import { KeywrightError } from '../shared/errors.ts'
import type { Log } from '../shared/log.ts'
import { announceClosedListener } from './shared-listener.ts'

/** Longest that a worker waits for what the others count, in milliseconds. */
const GATHER_TIMEOUT = 5000

/** A worker that ended is replaced after this long, so that one which cannot start does not spin; milliseconds. */
const RESPAWN_DELAY = 500

interface Question {
  readonly type: 'keywright:metrics'
  readonly id: number
}

interface Answer extends Question {
  readonly text: string
}

const isMetricsMessage = (message: unknown): message is Question =>
  (message as Question | undefined)?.type === 'keywright:metrics'

/** In a worker: answers the primary when it gathers, and asks it for the metrics of all workers. */
export function gatherThroughPrimary(registry: Registry): () => Promise<string> {
  AggregatorRegistry.setRegistries(registry)
  // Its constructor is what makes a worker listen to the primary.
  new AggregatorRegistry()
  return askPrimary
}

function askPrimary(): Promise<string> {
  return new Promise((resolve, reject) => {
    const id = Math.random()
    const timer = setTimeout(() => finish(() => reject(new Error('the primary did not answer'))), GATHER_TIMEOUT)
    function receive(message: unknown): void {
      if (isMetricsMessage(message) && message.id === id) finish(() => resolve((message as Answer).text))
    }
    function finish(settle: () => void): void {
      clearTimeout(timer)
      process.off('message', receive)
      settle()
    }
    process.on('message', receive)
    process.send!({ type: 'keywright:metrics', id } satisfies Question)
  })
}

export interface Workers {
  /** Rejects when a worker ends before any has served: what ails it would ail every other. */
  readonly failed: Promise<never>
  stop(): Promise<void>
}

/** Server processes that share the port. One that dies is replaced. */
export function forkWorkers(count: number, environment: Record<string, string>, log: Log): Workers {
  const registry = new AggregatorRegistry()
  let stopping = false
  let served = false
  const failure = Promise.withResolvers<never>()

  function replace(worker: Worker, code: number | null, signal: string | null): void {
    if (stopping) return
    if (!served) {
      failure.reject(new KeywrightError('misconfigured', 'a worker could not start; see above why'))
      return
    }
    log.error({ worker: worker.id, code, signal }, 'a worker ended; starting another')
    setTimeout(() => !stopping && cluster.fork(environment), RESPAWN_DELAY)
  }

  cluster.once('listening', () => {
    served = true
  })
  cluster.on('exit', replace)
  cluster.on('message', async (worker: Worker, message: unknown) => {
    if (!isMetricsMessage(message)) return
    try {
      const text = await registry.clusterMetrics()
      // The callback takes the error of a worker that ends this very moment, which would otherwise end this process.
      if (worker.isConnected()) worker.send({ ...message, text } satisfies Answer, () => {})
    } catch (error) {
      log.warn({ detail: (error as Error).message }, 'not every worker told its metrics in time')
    }
  })
  announceClosedListener()
  for (let n = 0; n < count; n++) cluster.fork(environment)

  return {
    failed: failure.promise,
    async stop() {
      stopping = true
      const workers = Object.values(cluster.workers ?? {}) as Worker[]
      await Promise.all(
        workers.map((worker) => {
          const ended = new Promise((resolve) => worker.once('exit', resolve))
          worker.process.kill('SIGTERM')
          return ended
        }),
      )
    },
  }
}
