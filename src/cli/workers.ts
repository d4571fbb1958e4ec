import cluster, { type Worker } from 'node:cluster'
import { AggregatorRegistry, type Registry } from 'prom-client'
import type { Log } from '../shared/log.ts'

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
  stop(): Promise<void>
}

/** Server processes that share the port. One that dies is replaced; `once` goes into the environment of the first. */
export function forkWorkers(
  count: number,
  environment: Record<string, string>,
  once: Record<string, string>,
  log: Log,
): Workers {
  const registry = new AggregatorRegistry()
  let stopping = false

  function replace(worker: Worker, code: number | null, signal: string | null): void {
    if (stopping) return
    log.error({ worker: worker.id, code, signal }, 'a worker ended; starting another')
    setTimeout(() => !stopping && cluster.fork(environment), RESPAWN_DELAY)
  }

  cluster.on('exit', replace)
  cluster.on('message', async (worker: Worker, message: unknown) => {
    if (!isMetricsMessage(message)) return
    const text = await registry.clusterMetrics()
    if (worker.isConnected()) worker.send({ ...message, text } satisfies Answer)
  })
  for (let n = 0; n < count; n++) cluster.fork(n === 0 ? { ...environment, ...once } : environment)

  return {
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
