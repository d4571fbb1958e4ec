import type { Knex } from 'knex'
import { type ContinuedSignIn, findContinuedSignIn } from '../accounts/continued-sign-ins.ts'
import { type Credentials, findCredentialsById, lockCredentials } from '../accounts/credentials.ts'
import {
  type Budget,
  browserBudget,
  networkBudget,
  passkeyBudget,
  passkeyEverywhereBudget,
  passkeyStepBudget,
  refundAttempts,
  reportBudget,
  takeAttempt,
  takeAttempts,
  workBudget,
} from '../accounts/sign-in-limits.ts'
import { choicesOf, type FactorChoices, type SignInProgress, type SignInStep } from '../accounts/sign-in-progress.ts'
import { recordSignIn, type SignInOrigin, signInActor } from '../accounts/sign-in-record.ts'
import { userEntry } from '../accounts/users.ts'
import { recordAudit } from '../audit/audit-log.ts'
import type { Log } from '../shared/log.ts'
import { type Challenge, type PasskeyChallenges, useChallenge } from './passkey-challenges.ts'
import { findCredential, hasPasskey, type StoredCredential, updateSignCount } from './passkeys.ts'
import type { RelyingParty } from './relying-party.ts'
import type { Assertion } from './webauthn.ts'

export interface PasskeyAttempt extends SignInOrigin {
  /** Sealed. */
  readonly challenge: string
  /** `AuthenticationResponseJSON`. */
  readonly credential: string
  /** The browser that sends it, as `PasskeyService.request` was given it. */
  readonly boundTo: string
  /** What this browser was given at an earlier sign-in. */
  readonly browser?: string | undefined
  /** Of a sign-in whose password was proved, if the passkey is its second factor. */
  readonly ticket?: string | undefined
}

/** Why a passkey did not lead to the next step. */
type PasskeyFailure =
  /** For whatever reason: an unknown or removed passkey, a wrong signature, a user who may not act. */
  | { readonly outcome: 'refused' }
  /** What was sent is no response of an authenticator. */
  | { readonly outcome: 'malformed' }
  /** Seconds. */
  | { readonly outcome: 'slow_down'; readonly retryAfter: number }
  /** The challenge has expired, was used, or was given to another browser. */
  | { readonly outcome: 'expired' }

export type PasskeySignInResult =
  | SignInStep
  /** `choices`: what else the user may prove after the password; absent: the attempt continued no sign-in. */
  | (PasskeyFailure & { readonly choices?: FactorChoices })

/** Why a passkey of a known user is refused, as the activity log names it. */
type Refusal = 'invalid' | 'counter' | 'inactive'

/** A registered credential and whose it is. */
interface Owned {
  readonly credential: StoredCredential
  readonly person: Credentials
}

/** An attempt with the sign-in that it continues, if it follows a password. */
interface Considered extends PasskeyAttempt {
  readonly continued: ContinuedSignIn | undefined
}

const webauthn = () => import('./webauthn.ts')

const REFUSED = { outcome: 'refused' } as const
const EXPIRED = { outcome: 'expired' } as const

/**
 * RFC 8176: a key that is copied to other devices is secured by software, and any other by its authenticator, as that says itself. User
 * verification makes it several factors: the authenticator, and the PIN or body of its user.
 */
const amrOf = ({ synced }: StoredCredential): string[] => [synced ? 'swk' : 'hwk', 'user', 'mfa']

/**
 * Without a password a user cannot sign in until they are given one, and the instance may let only operators sign in here. As a second
 * factor after a sign-in elsewhere, a passkey is enough.
 */
const maySignIn = ({ user, passwordHash, maySignInHere }: Credentials, { continued }: Considered): boolean =>
  (passwordHash !== null && maySignInHere) ||
  (continued?.ticket.elsewhere !== undefined && continued.person.user.id === user.id)

/** A passkey takes no password, so a one-time password stays as it is until somebody signs in with it. */
const withoutPasswordChange = (person: Credentials): Credentials => ({ ...person, passwordChangeRequired: false })

export function createPasskeySignIn(
  knex: Knex,
  progress: SignInProgress,
  relyingParty: RelyingParty,
  challenges: PasskeyChallenges,
  log: Log,
) {
  /** The sign-in that a passkey continues as its second factor. A passkey of another user signs in by itself. */
  const continuedBy = (owned: Owned | undefined, { continued }: Considered): ContinuedSignIn | undefined =>
    !owned || owned.person.user.id === continued?.person.user.id ? continued : undefined

  /** Records what became of an attempt for the user that it concerns. */
  async function note(
    outcome: 'refused' | 'slowed',
    owned: Owned | undefined,
    attempt: Considered,
    reason?: Refusal,
  ): Promise<void> {
    const continued = continuedBy(owned, attempt)
    const person = continued?.person ?? owned?.person
    if (!person) return
    const detail = {
      ...(continued && { factor: 'passkey' }),
      ...(owned && { passkey: owned.credential.id }),
      ...(reason && { reason }),
    }
    const action = continued ? `user.second_factor_${outcome}` : `user.sign_in_${outcome}`
    await recordAudit(knex, signInActor(attempt), userEntry(action, person.user, detail))
  }

  async function refuse(owned: Owned | undefined, attempt: Considered, reason?: Refusal): Promise<typeof REFUSED> {
    await note('refused', owned, attempt, reason)
    return REFUSED
  }

  async function slowDown(
    { budget, retryAfter }: { budget: Budget; retryAfter: number },
    owned: Owned | undefined,
    attempt: Considered,
  ): Promise<PasskeyFailure> {
    // A network that is slowed may try any number of passkeys.
    const isReported = budget.of === 'network' || (await takeAttempt(knex, reportBudget(budget))) !== undefined
    if (!isReported) await note('slowed', owned, attempt)
    return { outcome: 'slow_down', retryAfter }
  }

  /** The user as they are now that they are let in, or why not. The lock of the user orders requests with one passkey. */
  async function completeSignIn(
    credential: StoredCredential,
    counter: number,
    challenge: Challenge,
    attempt: Considered,
  ): Promise<Credentials | Refusal | 'removed' | 'used'> {
    return await knex.transaction(async (trx) => {
      const locked = await lockCredentials(trx, credential.userId)
      if (!locked?.mayAct || !maySignIn(locked, attempt)) return 'inactive'
      if (!(await useChallenge(trx, challenge))) return 'used'
      if (!(await updateSignCount(trx, credential.id, counter)))
        return (await hasPasskey(trx, credential.id)) ? 'counter' : 'removed'
      const isNewBrowser = progress.browsers.recognise(attempt.browser, locked) === undefined
      const person = withoutPasswordChange(locked)
      await recordSignIn(trx, person, { ...attempt, isNewBrowser }, { passkey: credential.id })
      return person
    })
  }

  async function find(response: Assertion): Promise<Owned | undefined> {
    const credential = await findCredential(knex, Buffer.from(response.id, 'base64url'))
    const person = credential && (await findCredentialsById(knex, credential.userId))
    return credential && person && { credential, person }
  }

  /** Others cannot use up the attempts after a password, nor those of a browser in which the user has signed in before. */
  function budgetsOf(owned: Owned | undefined, response: Assertion, attempt: Considered): Budget[] {
    const { browser, ip } = attempt
    const continued = continuedBy(owned, attempt)
    if (continued) return [passkeyStepBudget(continued.person.user.id, ip)]
    const known = owned && progress.browsers.recognise(browser, owned.person)
    if (known) return [browserBudget(known.budget)]
    const owner = owned?.person.user.id ?? response.id
    // In the order of `budgetsOf` in sign-in.ts, and as many for an unknown passkey, so that limits reveal nothing.
    return [networkBudget(ip), passkeyBudget(owner, ip), passkeyEverywhereBudget(owner)]
  }

  async function verifyAttempt(
    owned: Owned,
    response: Assertion,
    challenge: Challenge,
    attempt: Considered,
  ): Promise<SignInStep | PasskeyFailure> {
    const { credential } = owned
    const { verifyAssertion } = await webauthn()
    const expected = { relyingParty, challenge: challenge.value }
    const verified = await verifyAssertion(response, credential, expected)
    if ('invalid' in verified) {
      log.info({ passkey: credential.id, detail: verified.invalid.slice(0, 300) }, 'passkey refused')
      return await refuse(owned, attempt, 'invalid')
    }
    const proved = await completeSignIn(credential, verified.counter, challenge, attempt)
    if (proved === 'used') return EXPIRED
    if (proved === 'removed') return await refuse(undefined, attempt)
    if (proved === 'counter') {
      const counters = { stored: credential.counter, received: verified.counter }
      log.warn({ passkey: credential.id, ...counters }, 'passkey refused: its counter went back, so it may be a copy')
    }
    if (typeof proved === 'string') return await refuse(owned, attempt, proved)
    const known = progress.browsers.recognise(attempt.browser, proved)
    const elsewhere = continuedBy(owned, attempt)?.ticket.elsewhere
    const how = { amr: amrOf(credential), demandsSecondFactor: false, ...(elsewhere && { elsewhere }) }
    return progress.next(proved, how, known?.token)
  }

  async function proveConsidered(attempt: Considered): Promise<SignInStep | PasskeyFailure> {
    const { parseAssertion } = await webauthn()
    const response = parseAssertion(attempt.credential)
    if (!response) return { outcome: 'malformed' }
    const challenge = challenges.open(attempt.challenge, { purpose: 'sign-in', browser: attempt.boundTo })
    if (!challenge) return EXPIRED
    const owned = await find(response)
    const budgets = budgetsOf(owned, response, attempt)
    const slowed = await takeAttempts(knex, budgets)
    if (slowed) return await slowDown(slowed, owned, attempt)
    const result = await (owned ? verifyAttempt(owned, response, challenge, attempt) : refuse(undefined, attempt))
    if (!('user' in result)) return result
    if ((await takeAttempt(knex, workBudget(result.user.id))) === undefined) await refundAttempts(knex, budgets)
    return result
  }

  /** Undefined also for a user who has no second factor any more. */
  async function findContinued(ticket: string): Promise<ContinuedSignIn | undefined> {
    const found = await findContinuedSignIn(knex, progress.tickets, ticket)
    return found?.person.hasSecondFactor ? found : undefined
  }

  return {
    /**
     * Attempts are limited per user and network, per user and per network; those of a known browser and those after the password have
     * limits of their own. A user who signs in again and again counts as one who guesses.
     */
    async prove(attempt: PasskeyAttempt): Promise<PasskeySignInResult> {
      const continued = attempt.ticket ? await findContinued(attempt.ticket) : undefined
      const result = await proveConsidered({ ...attempt, continued })
      return 'user' in result || !continued ? result : { ...result, choices: choicesOf(continued.person) }
    },
  }
}

export type PasskeySignIn = ReturnType<typeof createPasskeySignIn>
