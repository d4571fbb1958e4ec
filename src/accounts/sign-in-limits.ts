import type { Knex } from 'knex'
import { deleteInBatches } from '../database/delete-in-batches.ts'
import { type Bucket, createRateLimiter, type Taken, throughKnex } from '../database/rate-limiter.ts'
import { emailKey } from '../shared/email-addresses.ts'
import { RateLimitedError } from '../shared/errors.ts'
import { networkOf } from '../shared/networks.ts'
import { hashSecret } from '../shared/secrets.ts'

/** A limit on attempts: `burst` at once, and one more after every `interval` seconds. The key is hashed (SHA-256). */
export interface Budget extends Bucket<Buffer> {
  readonly of: 'address' | 'network' | 'browser' | 'user' | 'work' | 'factor'
  /** What a success refunds: all earlier attempts, this attempt, or nothing. */
  readonly onSuccess: 'all' | 'attempt' | 'nothing'
}

const keyOf = (of: string, value: string): Buffer => hashSecret(`${of} ${value}`)

const passwordBudget = (of: Budget['of'], value: string): Budget => ({
  of,
  key: keyOf(of, value),
  burst: 10,
  interval: 30,
  onSuccess: 'all',
})

/** For attempts with one email address from one network, whether or not a user has the address. */
export const addressBudget = (email: string, ip: string): Budget =>
  passwordBudget('address', `${emailKey(email)} ${networkOf(ip)}`)

/** For attempts with one email address from all networks. One network cannot use it up, so the user can still sign in. */
export const everywhereBudget = (email: string): Budget => ({
  ...passwordBudget('address', `${emailKey(email)} everywhere`),
  burst: 100,
  interval: 5,
})

/** For a browser in which the user has signed in before, which attempts from elsewhere cannot use up. */
export const browserBudget = (browser: string): Budget => passwordBudget('browser', browser)

/** For a signed-in user who enters their password again. */
export const userBudget = (userId: string): Budget => passwordBudget('user', userId)

/**
 * For password hashing that one user causes, also by successful requests. Nothing is refunded, because a success costs
 * the same work.
 */
export const workBudget = (userId: string): Budget => ({
  of: 'work',
  key: keyOf('password work', userId),
  burst: 30,
  interval: 10,
  onSuccess: 'nothing',
})

/** For codes of authenticator apps from one network. A code is one of a million, and three are valid at a time. */
export const factorBudget = (userId: string, ip: string): Budget => ({
  ...passwordBudget('factor', `${userId} ${networkOf(ip)}`),
  burst: 5,
  interval: 60,
})

// A success refunds only its own attempt: the sign-ins of the user must not buy guesses for somebody else.
/**
 * For codes of authenticator apps from all networks. Some 300 guesses a day find a code in about three years, and in seven months
 * if the user has five apps.
 */
export const factorEverywhereBudget = (userId: string): Budget => ({
  ...passwordBudget('factor', `${userId} everywhere`),
  burst: 30,
  interval: 300,
  onSuccess: 'attempt',
})

/** For recovery codes, which nobody guesses: somebody who guesses the other codes does not use these attempts up. */
export const recoveryBudget = (userId: string, ip: string): Budget =>
  passwordBudget('factor', `recovery ${userId} ${networkOf(ip)}`)

/**
 * For attempts with one passkey from one network, whether or not a user has it.
 * @param owner its user; of an unknown passkey its credential ID
 */
export const passkeyBudget = (owner: string, ip: string): Budget =>
  passwordBudget('factor', `passkey ${owner} ${networkOf(ip)}`)

/** For attempts with one passkey from all networks. One network cannot use it up, so the user can still sign in. */
export const passkeyEverywhereBudget = (owner: string): Budget => ({
  ...passwordBudget('factor', `passkey ${owner} everywhere`),
  burst: 100,
  interval: 5,
})

/** For passkeys after the password: strangers do not use these attempts up. */
export const passkeyStepBudget = (userId: string, ip: string): Budget =>
  passwordBudget('factor', `passkey step ${userId} ${networkOf(ip)}`)

// A success refunds only its own attempt: a whole office may sign in from one network, but signing in to one's own user
// must not buy guesses at other users.
export const networkBudget = (ip: string): Budget => ({
  of: 'network',
  key: keyOf('network', networkOf(ip)),
  burst: 50,
  interval: 2,
  onSuccess: 'attempt',
})

/** For messages that anybody can send to one address, whether or not a user has it. */
export const messageBudget = (email: string): Budget => ({
  of: 'address',
  key: keyOf('messages', emailKey(email)),
  burst: 5,
  interval: 900,
  onSuccess: 'nothing',
})

/** For invitations to one address. What strangers request does not use them up. */
export const invitationBudget = (email: string): Budget => ({
  ...messageBudget(email),
  key: keyOf('invitations', emailKey(email)),
})

/** For links to verify one address. */
export const verificationBudget = (email: string): Budget => ({
  ...messageBudget(email),
  key: keyOf('verifications', emailKey(email)),
})

/** For requests of users to change their address to this one. */
export const addressChangeBudget = (email: string): Budget => ({
  ...messageBudget(email),
  key: keyOf('address changes', emailKey(email)),
})

/** For changes of address that one user requests. */
export const changingUserBudget = (userId: string): Budget => ({
  ...messageBudget(''),
  of: 'user',
  key: keyOf('address changes of user', userId),
})

/** For messages that one network causes. */
export const messageNetworkBudget = (ip: string): Budget => ({
  ...networkBudget(ip),
  key: keyOf('messages', networkOf(ip)),
  burst: 30,
  interval: 60,
  onSuccess: 'nothing',
})

/** For entering user codes of devices (RFC 8628, section 5.1); allows for typing errors. */
export const userCodeBudget = (ip: string): Budget => ({
  ...networkBudget(ip),
  key: keyOf('user codes', networkOf(ip)),
  burst: 100,
  interval: 5,
})

/** For data that unauthenticated requests store, in KiB: 4 MiB at once and 4 KiB a second. */
export const anonymousStorageBudget = (ip: string): Budget => ({
  ...networkBudget(ip),
  key: keyOf('anonymous storage', networkOf(ip)),
  burst: 4096,
  interval: 0.25,
})

/** For token requests that name a public client, which cannot authenticate. */
export const publicClientBudget = (ip: string): Budget => ({
  ...networkBudget(ip),
  key: keyOf('public clients', networkOf(ip)),
  burst: 100,
  interval: 1,
})

/** Limits reports that a budget is used up to one per refill time. */
export const reportBudget = (budget: Budget): Budget => ({
  ...budget,
  key: keyOf('report', budget.key.toString('hex')),
  burst: 1,
  interval: budget.burst * budget.interval,
})

/** The row of a budget that has refilled is deleted: no row means a full bucket. */
const takeFromBucket = createRateLimiter<Buffer>({ table: 'sign_in_limits', keyColumn: 'key', keyType: 'bytea' })

/** @param cost how many attempts this one counts for */
export const takeFrom = (db: Knex, bucket: Bucket<Buffer>, cost = 1): Promise<Taken> =>
  takeFromBucket(throughKnex(db), bucket, cost)

/** Takes one attempt. Returns undefined, or the seconds until the next attempt passes, at least 1, when none is left. */
export async function takeAttempt(db: Knex, budget: Bucket<Buffer>, cost = 1): Promise<number | undefined> {
  const taken = await takeFrom(db, budget, cost)
  return 'wait' in taken ? taken.wait : undefined
}

/** Takes one attempt of each budget, until one has none left. Returns that one and the seconds to wait; undefined: all had. */
export async function takeAttempts<Of extends Bucket<Buffer>>(
  db: Knex,
  budgets: readonly Of[],
): Promise<{ budget: Of; retryAfter: number } | undefined> {
  for (const budget of budgets) {
    const retryAfter = await takeAttempt(db, budget)
    if (retryAfter !== undefined) return { budget, retryAfter }
  }
  return undefined
}

/** Call before hashing a password for a signed-in user. @throws RateLimitedError */
export async function takeWork(db: Knex, userId: string): Promise<void> {
  const wait = await takeAttempt(db, workBudget(userId))
  if (wait !== undefined) throw new RateLimitedError(wait)
}

async function refund(db: Knex, { key, interval, onSuccess }: Budget): Promise<void> {
  const row = db('sign_in_limits').where({ key })
  if (onSuccess === 'all') await row.delete()
  else if (onSuccess === 'attempt')
    await row.update({ arrival_at: db.raw('arrival_at - make_interval(secs => ?)', [interval]) })
}

/** Call after a success. */
export async function refundAttempts(db: Knex, budgets: readonly Budget[]): Promise<void> {
  for (const budget of budgets) await refund(db, budget)
}

/** Deletes at most `limit` rows of budgets that have refilled. */
export const deleteExpiredLimits = (db: Knex, limit: number): Promise<number> =>
  deleteInBatches(db, 'sign_in_limits', 'arrival_at < now()', limit)
