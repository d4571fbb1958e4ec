import type { Knex } from 'knex'
import type { Log } from '../shared/log.ts'

export interface Job {
  readonly name: string
  /** Milliseconds between the end of one run and the start of the next. */
  readonly every: number
  /** Whether only one node at a time runs the job. */
  readonly alone: boolean
  /** @param isLast whether the server is stopping: the job writes everything that it has buffered */
  run(isLast: boolean): Promise<void>
}

export interface Jobs {
  start(): void
  /** Waits for running jobs; then each job that every node runs runs once more, to write what it has buffered. */
  stop(): Promise<void>
}

/**
 * Runs `work` unless another node runs it. The lock belongs to the transaction, so that a killed node releases it. The
 * statement has no parameters: with parameters, node-postgres leaves its portal open, and detaching a partition in
 * `work` would wait for the snapshot of that portal, which ends only with this transaction.
 */
async function unlessRunningElsewhere(knex: Knex, name: string, work: () => Promise<void>): Promise<void> {
  await knex.transaction(async (trx) => {
    // This transaction is idle while `work` runs.
    await trx.raw('SET LOCAL idle_in_transaction_session_timeout = 0')
    const { rows } = await trx.raw(`SELECT pg_try_advisory_xact_lock(hashtext('keywright job ${name}')) AS is_locked`)
    if (rows[0].is_locked) await work()
  })
}

/** The longest delay before a failed job runs again, in milliseconds. An hourly job must not wait an hour. */
const RETRY_AFTER = 60_000

/** Milliseconds until the next run. */
export const delayAfter = (job: Pick<Job, 'every'>, outcome: 'succeeded' | 'failed'): number =>
  outcome === 'failed' ? Math.min(job.every, RETRY_AFTER) : job.every

/** Receives the outcome of each run of a job. */
export interface JobWatch {
  succeeded(job: string): void
  failed(job: string): void
}

export function createJobs(knex: Knex, log: Log, watch: JobWatch, jobs: readonly Job[]): Jobs {
  const timers = new Map<Job, NodeJS.Timeout>()
  const running = new Map<Job, Promise<void>>()
  let stopped = false
  let lastAlone: Promise<void> = Promise.resolve()

  async function runAndReport(job: Job, isLast = false): Promise<void> {
    await job.run(isLast)
    watch.succeeded(job.name)
  }

  /** One at a time: each holds a connection for its lock and needs a second one, which a small pool may not have. */
  function runAlone(job: Job): Promise<void> {
    const run = lastAlone.then(() => unlessRunningElsewhere(knex, job.name, () => runAndReport(job)))
    lastAlone = run.catch(() => undefined)
    return run
  }

  /** Returns how long to wait for the next run, in milliseconds. */
  async function runOnce(job: Job, isLast = false): Promise<number> {
    try {
      await (job.alone ? runAlone(job) : runAndReport(job, isLast))
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
    // Random delays, so that nodes that start together do not all query at once.
    start() {
      for (const job of jobs) schedule(job, Math.min(job.every, 5000) * Math.random())
    },
    async stop() {
      stopped = true
      for (const timer of timers.values()) clearTimeout(timer)
      await Promise.all(running.values())
      await Promise.all(jobs.filter((job) => !job.alone).map((job) => runOnce(job, true)))
    },
  }
}
