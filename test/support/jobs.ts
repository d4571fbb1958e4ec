import { readFileSync } from 'node:fs'
import type { Knex } from 'knex'

const schedule = readFileSync(new URL('../../src/jobs/schedule.ts', import.meta.url), 'utf8')

/**
 * Keeps a job of all nodes on this database from running during `work`, and waits for a run that has begun. A job may run at
 * any moment: a test that counts what the same statements do must keep it away.
 * @param job one that runs on one node at a time
 */
export async function withoutJob<T>(knex: Knex, job: string, work: () => Promise<T>): Promise<T> {
  if (!schedule.includes(`name: '${job}'`)) throw new Error(`there is no job ${job}`)
  return await knex.transaction(async (trx) => {
    await trx.raw('SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL lock_timeout = 0')
    await trx.raw('SELECT pg_advisory_xact_lock(hashtext(?))', [`keywright job ${job}`])
    return await work()
  })
}
