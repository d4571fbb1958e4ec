import type { Knex } from 'knex'
import { deleteInBatches } from '../database/delete-in-batches.ts'
import { emailKey } from '../shared/email-addresses.ts'
import { RateLimitedError } from '../shared/errors.ts'
import { networkOf } from '../shared/networks.ts'
import { hashSecret } from '../shared/secrets.ts'

/** So many attempts at once, and one more after every `interval` seconds. */
export interface Budget {
  readonly of: 'address' | 'network' | 'browser' | 'user' | 'work'
  readonly key: Buffer
  readonly burst: number
  readonly interval: number
  /** What a success gives back: everything that was spent before it, or itself alone. */
  readonly onSuccess: 'all' | 'itself' | 'nothing'
}

const keyOf = (of: string, value: string): Buffer => hashSecret(`${of} ${value}`)

const budgetOfOne = (of: Budget['of'], value: string): Budget => ({
  of,
  key: keyOf(of, value),
  burst: 10,
  interval: 30,
  onSuccess: 'all',
})

/** For whoever looks for this address from one network, whether there is a user of it or not. */
export const addressBudget = (email: string, ip: string): Budget =>
  budgetOfOne('address', `${emailKey(email)} ${networkOf(ip)}`)

/** From all networks together: many of them guess no faster than this, and one alone cannot use it up for the owner. */
export const everywhereBudget = (email: string): Budget => ({
  ...budgetOfOne('address', `${emailKey(email)} everywhere`),
  burst: 100,
  interval: 5,
})

/** For a browser in which the person has signed in before, beyond the reach of strangers. */
export const browserBudget = (browser: string): Budget => budgetOfOne('browser', browser)

/** For somebody who is signed in and is asked for their password again. */
export const userBudget = (userId: string): Budget => budgetOfOne('user', userId)

/**
 * Of password hashing that a user causes by what succeeds, or by what they may do as often as they like: nothing gives it
 * back, because the work is done either way.
 */
export const workBudget = (userId: string): Budget => ({
  of: 'work',
  key: keyOf('password work', userId),
  burst: 30,
  interval: 10,
  onSuccess: 'nothing',
})

// A whole office may sign in from one network, so that successes cost it nothing; but they forgive no guess either, or one
// account of one's own would buy any number of guesses at others.
export const networkBudget = (ip: string): Budget => ({
  of: 'network',
  key: keyOf('network', networkOf(ip)),
  burst: 50,
  interval: 2,
  onSuccess: 'itself',
})

/** For trying codes that devices show (RFC 8628, section 5.1): people mistype a few, and nobody has many devices. */
export const userCodeBudget = (ip: string): Budget => ({
  ...networkBudget(ip),
  key: keyOf('user codes', networkOf(ip)),
  burst: 100,
  interval: 5,
})

/** For what requests without credentials store, in KiB: 4 MiB at once and 4 KiB a second. */
export const anonymousStorageBudget = (ip: string): Budget => ({
  ...networkBudget(ip),
  key: keyOf('anonymous storage', networkOf(ip)),
  burst: 4096,
  interval: 0.25,
})

/** For token requests that name a public client and have not proved to come from it. */
export const publicClientBudget = (ip: string): Budget => ({
  ...networkBudget(ip),
  key: keyOf('public clients', networkOf(ip)),
  burst: 100,
  interval: 1,
})

/** For telling, once in the time in which a budget fills up, that it was used up. */
export const feedBudget = (budget: Budget): Budget => ({
  ...budget,
  key: keyOf('told', budget.key.toString('hex')),
  burst: 1,
  interval: budget.burst * budget.interval,
})

// The commit does not wait for the disk or a standby, so that reads behind a limit are served while commits hang; after
// a crash a few attempts more are allowed. The clock is read after the row's lock was waited for (now() would be the statement's start), so that concurrent
// attempts on any number of nodes take their turns one by one.
const TAKE = `
  INSERT INTO sign_in_limits AS l (key, arrival_at)
  SELECT CAST(:key AS bytea), clock_timestamp() + make_interval(secs => :interval) FROM set_config('synchronous_commit', 'off', true)
  ON CONFLICT (key) DO UPDATE
     SET arrival_at = greatest(l.arrival_at, clock_timestamp()) + make_interval(secs => :interval)
   WHERE greatest(l.arrival_at, clock_timestamp()) + make_interval(secs => :interval)
         <= clock_timestamp() + make_interval(secs => :whole)
  RETURNING CAST(floor((:whole - extract(epoch FROM l.arrival_at - clock_timestamp())) / :interval) AS int) AS remaining`

const WAIT = `
  SELECT CAST(extract(epoch FROM arrival_at + make_interval(secs => :interval) - make_interval(secs => :whole)
                                 - clock_timestamp()) AS float8) AS seconds
    FROM sign_in_limits WHERE key = :key`

/** How many of this size are left at once, after this one; or the seconds until the next would pass, at least 1. */
export type Taken = { readonly remaining: number } | { readonly wait: number }

/** @param cost how many attempts this one counts for */
export async function takeFrom(
  db: Knex,
  { key, interval, burst }: Omit<Budget, 'of' | 'onSuccess'>,
  cost = 1,
): Promise<Taken> {
  const values = { key, interval: interval * cost, whole: burst * interval }
  const [taken] = (await db.raw(TAKE, values)).rows
  if (taken) return { remaining: taken.remaining }
  const { rows } = await db.raw(WAIT, values)
  return { wait: Math.max(1, Math.ceil(rows[0]?.seconds ?? 1)) }
}

/** Takes one attempt; answers the seconds until the next one would pass, at least 1, when there is none left. */
export async function takeAttempt(db: Knex, budget: Budget, cost = 1): Promise<number | undefined> {
  const taken = await takeFrom(db, budget, cost)
  return 'wait' in taken ? taken.wait : undefined
}

/** For what hashes a password on behalf of somebody who is signed in. @throws RateLimitedError */
export async function takeWork(db: Knex, userId: string): Promise<void> {
  const wait = await takeAttempt(db, workBudget(userId))
  if (wait !== undefined) throw new RateLimitedError(wait)
}

async function giveBack(db: Knex, { key, interval, onSuccess }: Budget): Promise<void> {
  const row = db('sign_in_limits').where({ key })
  if (onSuccess === 'all') await row.delete()
  else if (onSuccess === 'itself')
    await row.update({ arrival_at: db.raw('arrival_at - make_interval(secs => ?)', [interval]) })
}

/** After a success. */
export async function giveBackAttempts(db: Knex, budgets: readonly Budget[]): Promise<void> {
  for (const budget of budgets) await giveBack(db, budget)
}

/** Deletes at most `limit` rows of budgets that are whole again, which is what having no row says. */
export const deleteExpiredLimits = (db: Knex, limit: number): Promise<number> =>
  deleteInBatches(db, 'sign_in_limits', 'arrival_at < now()', limit)
