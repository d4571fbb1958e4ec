import type { Knex } from 'knex'
import type { Log } from '../shared/log.ts'

export interface Job {
  readonly name: string
  /** Milliseconds from the end of one run to the start of the next. */
  readonly every: number
  /** Whether one node at a time is enough. */
  readonly alone: boolean
  run(): Promise<void>
}

export interface Jobs {
  start(): void
  /** Waits for the runs under way; each job that writes behind the requests then runs once more. */
  stop(): Promise<void>
}

/**
 * Runs `work` unless another node is at it; the lock is the transaction's, so that a killed node leaves none. The
 * statement has no parameters on purpose: with some, node-postgres leaves its portal open, whose snapshot would keep
 * the partitions that `work` detaches waiting for the end of this very transaction.
 */
async function ifNobodyElse(knex: Knex, name: string, work: () => Promise<void>): Promise<void> {
  await knex.transaction(async (trx) => {
    // This transaction is idle for as long as `work` takes.
    await trx.raw('SET LOCAL idle_in_transaction_session_timeout = 0')
    const { rows } = await trx.raw(`SELECT pg_try_advisory_xact_lock(hashtext('keywright job ${name}')) AS mine`)
    if (rows[0].mine) await work()
  })
}

/** A job that failed runs again after at most this long, in milliseconds: an hour later it might be too late. */
const RETRY_AFTER = 60_000

/** Milliseconds until the next run. */
export const delayAfter = (job: Pick<Job, 'every'>, outcome: 'succeeded' | 'failed'): number =>
  outcome === 'failed' ? Math.min(job.every, RETRY_AFTER) : job.every

/** Hears how each run of a job ended. */
export interface JobWatch {
  succeeded(job: string): void
  failed(job: string): void
}

export function createJobs(knex: Knex, log: Log, watch: JobWatch, jobs: readonly Job[]): Jobs {
  const timers = new Map<Job, NodeJS.Timeout>()
  const running = new Map<Job, Promise<void>>()
  let stopped = false
  let alone: Promise<void> = Promise.resolve()

  async function runAndReport(job: Job): Promise<void> {
    await job.run()
    watch.succeeded(job.name)
  }

  /** One after another: each holds a connection for its lock and needs a second, which a small pool could not give all. */
  function runAlone(job: Job): Promise<void> {
    const run = alone.then(() => ifNobodyElse(knex, job.name, () => runAndReport(job)))
    alone = run.catch(() => undefined)
    return run
  }

  /** Returns how long to wait for the next run, in milliseconds. */
  async function runOnce(job: Job): Promise<number> {
    try {
      await (job.alone ? runAlone(job) : runAndReport(job))
      return delayAfter(job, 'succeeded')
    } catch (error) {
      watch.failed(job.name)
      log.warn({ job: job.name, detail: (error as Error).message }, 'job failed')
      return delayAfter(job, 'failed')
    }
  }

  function schedule(job: Job, delay: number): void {
    if (stopped) return
    const timer = setTimeout(() => {
      const run = runOnce(job).then((next) => schedule(job, next))
      running.set(job, run)
    }, delay)
    timer.unref()
    timers.set(job, timer)
  }

  return {
    // Spread out, so that nodes that start together do not all knock at once.
    start() {
      for (const job of jobs) schedule(job, Math.min(job.every, 5000) * Math.random())
    },
    async stop() {
      stopped = true
      for (const timer of timers.values()) clearTimeout(timer)
      await Promise.all(running.values())
      await Promise.all(jobs.filter((job) => !job.alone).map(runOnce))
    },
  }
}
