import cluster, { type Worker } from 'node:cluster'
import { AggregatorRegistry, type Registry } from 'prom-client'
import { KeywrightError } from '../shared/errors.ts'
import type { Log } from '../shared/log.ts'
import { announceClosedListener } from './shared-listener.ts'

/** A worker waits at most so many milliseconds for the metrics of the others. */
const GATHER_TIMEOUT = 5000

/** A worker that exited is replaced after so many milliseconds, so that one that cannot start does not loop. */
const RESPAWN_DELAY = 500

interface MetricsRequest {
  readonly type: 'keywright:metrics'
  readonly id: number
}

interface MetricsResponse extends MetricsRequest {
  readonly text: string
}

const isMetricsMessage = (message: unknown): message is MetricsRequest =>
  (message as MetricsRequest | undefined)?.type === 'keywright:metrics'

/** Runs in a worker: sends its metrics to the primary, and returns a function that requests those of all workers. */
export function gatherThroughPrimary(registry: Registry): () => Promise<string> {
  AggregatorRegistry.setRegistries(registry)
  // The constructor makes a worker listen to the primary.
  new AggregatorRegistry()
  return requestMetrics
}

function requestMetrics(): Promise<string> {
  return new Promise((resolve, reject) => {
    const id = Math.random()
    const timer = setTimeout(
      () => finish(() => reject(new Error('the primary process sent no metrics in time'))),
      GATHER_TIMEOUT,
    )
    function receive(message: unknown): void {
      if (isMetricsMessage(message) && message.id === id) finish(() => resolve((message as MetricsResponse).text))
    }
    function finish(complete: () => void): void {
      clearTimeout(timer)
      process.off('message', receive)
      complete()
    }
    process.on('message', receive)
    process.send!({ type: 'keywright:metrics', id } satisfies MetricsRequest)
  })
}

export interface Workers {
  /** Rejects when a worker exits before any has served: the others would fail for the same reason. */
  readonly failed: Promise<never>
  stop(): Promise<void>
}

/** Starts server processes that share the port. A worker that exits is replaced. */
export function forkWorkers(count: number, environment: Record<string, string>, log: Log): Workers {
  const registry = new AggregatorRegistry()
  let stopping = false
  let served = false
  const failure = Promise.withResolvers<never>()

  function replace(worker: Worker, code: number | null, signal: string | null): void {
    if (stopping) return
    if (!served) {
      failure.reject(new KeywrightError('misconfigured', 'a worker could not start; the log above says why'))
      return
    }
    log.error({ worker: worker.id, code, signal }, 'worker exited; starting another')
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
      // The callback takes the error of a worker that is exiting, which would otherwise end this process.
      if (worker.isConnected()) worker.send({ ...message, text } satisfies MetricsResponse, () => {})
    } catch (error) {
      log.warn({ detail: (error as Error).message }, 'not every worker reported its metrics in time')
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
          const exited = new Promise((resolve) => worker.once('exit', resolve))
          worker.process.kill('SIGTERM')
          return exited
        }),
      )
    },
  }
}
