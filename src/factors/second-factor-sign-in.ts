import type { Knex } from 'knex'
import { findContinuedSignIn } from '../accounts/continued-sign-ins.ts'
import { type Credentials, lockCredentials } from '../accounts/credentials.ts'
import {
  type Budget,
  factorBudget,
  factorEverywhereBudget,
  recoveryBudget,
  refundAttempts,
  reportBudget,
  takeAttempt,
  takeAttempts,
} from '../accounts/sign-in-limits.ts'
import { choicesOf, type FactorChoices, type SignInProgress, type SignInStep } from '../accounts/sign-in-progress.ts'
import { recordSignIn, type SignInOrigin, signInActor } from '../accounts/sign-in-record.ts'
import { continues, type SignInTicket } from '../accounts/sign-in-tickets.ts'
import { userEntry } from '../accounts/users.ts'
import { recordAudit } from '../audit/audit-log.ts'
import type { Clock } from '../shared/clock.ts'
import type { EncryptionKeys } from '../shared/encryption-keys.ts'
import { countRecoveryCodes, typedRecoveryCode, useRecoveryCode } from './recovery-codes.ts'
import { stepOfCode, typedCode } from './totp.ts'
import { readTotpSecrets, useStep } from './totp-factors.ts'

export interface CodeAttempt extends SignInOrigin {
  readonly ticket: string
  /** Of an authenticator app, or a recovery code. */
  readonly code: string
  readonly kind: 'totp' | 'recovery'
  /** What this browser was given at an earlier sign-in. */
  readonly browser?: string | undefined
}

export type SecondFactorResult =
  | SignInStep
  /** The code is wrong, or was used before. */
  | { readonly outcome: 'refused'; readonly choices: FactorChoices }
  /** Seconds. */
  | { readonly outcome: 'slow_down'; readonly retryAfter: number; readonly choices: FactorChoices }
  /** The ticket does not continue a sign-in any more. */
  | { readonly outcome: 'expired' }

/** A way to prove a second factor, with the code already looked at. */
interface Proof {
  readonly factor: 'authenticator_app' | 'recovery_code'
  /** Added to that of the first step. RFC 8176 has no value of its own for recovery codes. */
  readonly amr: readonly string[]
  /** In the transaction of the sign-in; false: it was used before. */
  use(trx: Knex): Promise<boolean>
}

const EXPIRED = { outcome: 'expired' } as const

const budgetsOf = ({ kind, ip }: CodeAttempt, userId: string): Budget[] =>
  // The network first: one that is used up spends nothing of what the user may try elsewhere.
  kind === 'totp' ? [factorBudget(userId, ip), factorEverywhereBudget(userId)] : [recoveryBudget(userId, ip)]

/** Proves a second factor after the password, once per code. */
export function createSecondFactorSignIn(
  knex: Knex,
  encryptionKeys: EncryptionKeys,
  clock: Clock,
  progress: SignInProgress,
) {
  async function totpProof(userId: string, code: string): Promise<Proof | undefined> {
    for (const { id, secret, lastUsedStep } of await readTotpSecrets(knex, encryptionKeys, userId)) {
      const step = await stepOfCode(secret, code, clock.now())
      if (step === undefined || step <= lastUsedStep) continue
      return { factor: 'authenticator_app', amr: ['otp', 'mfa'], use: (trx) => useStep(trx, id, step) }
    }
    return undefined
  }

  const recoveryProof = (userId: string, letters: string): Proof => ({
    factor: 'recovery_code',
    amr: ['mfa'],
    use: (trx) => useRecoveryCode(trx, userId, letters),
  })

  /** Undefined: nobody has such a code now. */
  async function proofOf({ kind, code }: CodeAttempt, userId: string): Promise<Proof | undefined> {
    const letters = kind === 'recovery' ? typedRecoveryCode(code) : undefined
    if (letters !== undefined) return recoveryProof(userId, letters)
    const digits = kind === 'totp' ? typedCode(code) : undefined
    return digits === undefined ? undefined : await totpProof(userId, digits)
  }

  async function note(action: string, person: Credentials, attempt: CodeAttempt): Promise<void> {
    await recordAudit(knex, signInActor(attempt), userEntry(action, person.user, { factor: attempt.kind }))
  }

  async function slowDown(person: Credentials, attempt: CodeAttempt, slowed: { budget: Budget; retryAfter: number }) {
    const isReported = (await takeAttempt(knex, reportBudget(slowed.budget))) !== undefined
    if (!isReported) await note('user.second_factor_slowed', person, attempt)
    return { outcome: 'slow_down', retryAfter: slowed.retryAfter, choices: choicesOf(person) } as const
  }

  /** The user as they are now that they are let in; undefined: the code was used meanwhile, or the sign-in is over. */
  async function completeSignIn(
    ticket: SignInTicket,
    proof: Proof,
    attempt: CodeAttempt,
  ): Promise<Credentials | undefined> {
    return await knex.transaction(async (trx) => {
      const locked = await lockCredentials(trx, ticket.userId)
      if (!continues(ticket, locked) || !(await proof.use(trx))) return undefined
      const isNewBrowser = progress.browsers.recognise(attempt.browser, locked) === undefined
      await recordSignIn(trx, locked, { ...attempt, isNewBrowser }, { second_factor: proof.factor })
      if (proof.factor === 'recovery_code') {
        const left = await countRecoveryCodes(trx, ticket.userId)
        const entry = userEntry('user.recovery_code_used', locked.user, { left })
        await recordAudit(trx, signInActor(attempt, ticket.userId), entry)
      }
      return locked
    })
  }

  async function verifyAttempt(
    ticket: SignInTicket,
    person: Credentials,
    attempt: CodeAttempt,
  ): Promise<SecondFactorResult> {
    const { userId } = ticket
    const budgets = budgetsOf(attempt, userId)
    const slowed = await takeAttempts(knex, budgets)
    if (slowed) return await slowDown(person, attempt, slowed)
    const proof = await proofOf(attempt, userId)
    const proved = proof && (await completeSignIn(ticket, proof, attempt))
    if (!proof || !proved) {
      await note('user.second_factor_refused', person, attempt)
      return { outcome: 'refused', choices: choicesOf(person) }
    }
    await refundAttempts(knex, budgets)
    const known = progress.browsers.recognise(attempt.browser, proved)
    return progress.next(proved, { ...ticket, amr: [...ticket.amr, ...proof.amr] }, known?.token)
  }

  return {
    /** Wrong codes are limited per user and network, and per user from all networks. */
    async prove(attempt: CodeAttempt): Promise<SecondFactorResult> {
      const found = await findContinuedSignIn(knex, progress.tickets, attempt.ticket)
      return found ? await verifyAttempt(found.ticket, found.person, attempt) : EXPIRED
    },
  }
}

export type SecondFactorSignIn = ReturnType<typeof createSecondFactorSignIn>
