import type { Knex } from 'knex'
import { recordAudit } from '../audit/audit-log.ts'
import {
  type Credentials,
  findCredentials,
  findCredentialsById,
  isSamePassword,
  lockCredentials,
  saveRenewedHash,
} from './credentials.ts'
import type { KnownBrowser } from './known-browsers.ts'
import { createPasswordChanges, type PasswordChanges } from './password-changes.ts'
import { hashPassword, needsRehash, verifyPassword } from './passwords.ts'
import { findPendingByPassword, findPendingUsers, takeFreeAddress } from './pending-users.ts'
import {
  addressBudget,
  type Budget,
  browserBudget,
  everywhereBudget,
  networkBudget,
  refundAttempts,
  reportBudget,
  takeAttempt,
  takeAttempts,
  workBudget,
} from './sign-in-limits.ts'
import type { SignInProgress, SignInStep } from './sign-in-progress.ts'
import { recordFirstFactor, recordSignIn, signInActor } from './sign-in-record.ts'

export interface SignInAttempt {
  readonly email: string
  readonly password: string
  readonly ip: string
  readonly requestId?: string
  /** What this browser was given at an earlier sign-in. */
  readonly browser?: string
  /** Whether the request requires a second factor. */
  readonly demandsSecondFactor?: boolean
}

/** The next step, or why the password did not lead to one. */
export type SignInResult =
  | SignInStep
  /** For whatever reason. */
  | { readonly outcome: 'refused' }
  /** Seconds. */
  | { readonly outcome: 'slow_down'; readonly retryAfter: number }

export interface SignIn extends PasswordChanges {
  /**
   * Proves a person by their password. Who is unknown or switched off is refused as a wrong password is, after the same
   * work. Guessing is slowed for the network that it comes from, strictly for one address from one network, and
   * generously for the address from all of them, so that no network alone can lock its person out of the others. However
   * many networks guess, a browser in which the person has signed in before has a budget of its own.
   */
  attempt(attempt: SignInAttempt): Promise<SignInResult>
}

function budgetsOf(attempt: SignInAttempt, known: KnownBrowser | undefined): Budget[] {
  if (known) return [browserBudget(known.budget)]
  // The network first: one that is used up spends nothing of the addresses it tries. Then its share of the address: once
  // that is used up, it spends nothing of what others may try.
  const { email, ip } = attempt
  return [networkBudget(ip), addressBudget(email, ip), everywhereBudget(email)]
}

/** Who is the user of an attempt that failed. */
interface Attempted {
  readonly person: Credentials | undefined
  /** The browser is one in which the user has signed in before. */
  readonly isKnown: boolean
}

/**
 * Writes down what happened to somebody who is not proved. An unknown address takes as many statements, and neither
 * waits for the disk, so that the response time reveals nothing. A crash may lose the last entries.
 *
 * The accounts of pending users with the address read of the attempt too, as they would of one at an invited user. Of attempts in the
 * browsers of the user who has the address they do not: those are no probes of somebody who has added the address.
 */
async function note(knex: Knex, action: string, { person, isKnown }: Attempted, attempt: SignInAttempt): Promise<void> {
  await knex.transaction(async (trx) => {
    await trx.raw("SELECT set_config('synchronous_commit', 'off', true)")
    const pending = isKnown || person?.isPending ? [] : await findPendingUsers(trx, attempt.email)
    const users = [...(person ? [person.user] : []), ...pending]
    if (users.length === 0) return await trx.raw('SELECT 1')
    const entries = users.map(({ id, accountId }) => ({ action, target: { type: 'user', id }, accountId }))
    await recordAudit(trx, signInActor(attempt), ...entries)
  })
}

/** By a one-time password a pending user, otherwise the user who has the address. */
async function findPerson(knex: Knex, { email, password }: SignInAttempt): Promise<Credentials | undefined> {
  const pending = await findPendingByPassword(knex, email, password)
  return pending === undefined ? await findCredentials(knex, email) : await findCredentialsById(knex, pending)
}

/**
 * @param progress with the clock of the database, so that all nodes agree on a ticket's end and on which browser signed in
 * after a new password
 * @param count hears the outcome of each attempt
 */
export function createSignIn(
  knex: Knex,
  progress: SignInProgress,
  count: (outcome: SignInResult['outcome']) => void = () => {},
): SignIn {
  /** Records a slowed attempt for its user. Not for a slowed network, which may try any number of addresses. */
  async function noteSlowed(budget: Budget, attempted: Attempted, attempt: SignInAttempt): Promise<void> {
    if (budget.of === 'network' || (await takeAttempt(knex, reportBudget(budget))) !== undefined) return
    await note(knex, 'user.sign_in_slowed', attempted, attempt)
  }

  /** As they are now that they are let in; undefined when that changed while the password was looked at. */
  async function completeSignIn(
    person: Credentials,
    attempt: SignInAttempt,
    isNewBrowser: boolean,
  ): Promise<Credentials | undefined> {
    const renewed = needsRehash(person.passwordHash!) ? await hashPassword(attempt.password) : undefined
    return await knex.transaction(async (trx) => {
      const held = await lockCredentials(trx, person.user.id)
      if (!held?.mayAct || !held.maySignInHere || !isSamePassword(held, person)) return undefined
      const isPending = held.isPending && !(await takeFreeAddress(trx, held.user.id))
      await (held.hasSecondFactor ? recordFirstFactor : recordSignIn)(trx, held, { ...attempt, isNewBrowser })
      const isUntouched = held.passwordHash === person.passwordHash
      const proved = { ...held, isPending }
      return renewed && isUntouched ? await saveRenewedHash(trx, proved, renewed) : proved
    })
  }

  /** The person, when the password is theirs and they may act. */
  async function prove(
    person: Credentials | undefined,
    attempt: SignInAttempt,
    isNewBrowser: boolean,
  ): Promise<Credentials | undefined> {
    const isRight = await verifyPassword(person?.passwordHash ?? null, attempt.password)
    return isRight && person?.mayAct ? await completeSignIn(person, attempt, isNewBrowser) : undefined
  }

  async function verifyAttempt(attempt: SignInAttempt): Promise<SignInResult> {
    const person = await findPerson(knex, attempt)
    const known = person && progress.browsers.recognise(attempt.browser, person)
    const attempted = { person, isKnown: known !== undefined }
    const budgets = budgetsOf(attempt, known)
    const slowed = await takeAttempts(knex, budgets)
    if (slowed) {
      await noteSlowed(slowed.budget, attempted, attempt)
      return { outcome: 'slow_down', retryAfter: slowed.retryAfter }
    }
    const proved = await prove(person, attempt, known === undefined)
    if (!proved) {
      await note(knex, 'user.sign_in_refused', attempted, attempt)
      return { outcome: 'refused' }
    }
    // Somebody who signs in again and again makes as much work as somebody who guesses: then it counts as much.
    if ((await takeAttempt(knex, workBudget(proved.user.id))) === undefined) await refundAttempts(knex, budgets)
    const { demandsSecondFactor = false } = attempt
    return progress.next(proved, { amr: ['pwd'], demandsSecondFactor }, known?.token)
  }

  return {
    ...createPasswordChanges(knex, progress),
    async attempt(attempt) {
      const result = await verifyAttempt(attempt)
      count(result.outcome)
      return result
    },
  }
}
