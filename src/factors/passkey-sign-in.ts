import type { Knex } from 'knex'
import { type Credentials, findCredentialsById, lockCredentials } from '../accounts/credentials.ts'
import {
  type Budget,
  browserBudget,
  networkBudget,
  refundAttempts,
  takeAttempt,
  takeAttempts,
  workBudget,
} from '../accounts/sign-in-limits.ts'
import type { SignInProgress, SignInStep } from '../accounts/sign-in-progress.ts'
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
}

export type PasskeySignInResult =
  | SignInStep
  /** For whatever reason: an unknown or removed passkey, a wrong signature, a user who may not act. */
  | { readonly outcome: 'refused' }
  /** What was sent is no response of an authenticator. */
  | { readonly outcome: 'malformed' }
  /** Seconds. */
  | { readonly outcome: 'slow_down'; readonly retryAfter: number }
  /** The challenge has expired, was used, or was given to another browser. */
  | { readonly outcome: 'expired' }

/** Why a passkey of a known user is refused, as the activity log names it. */
type Refusal = 'invalid' | 'counter' | 'inactive'

/** A registered credential and whose it is. */
interface Owned {
  readonly credential: StoredCredential
  readonly person: Credentials
}

const webauthn = () => import('./webauthn.ts')

const REFUSED = { outcome: 'refused' } as const
const EXPIRED = { outcome: 'expired' } as const

/**
 * RFC 8176: a key that is copied to other devices is secured by software, and any other by its authenticator, as that says itself. User
 * verification makes it several factors: the authenticator, and the PIN or body of its user.
 */
const amrOf = ({ synced }: StoredCredential): string[] => [synced ? 'swk' : 'hwk', 'user', 'mfa']

/** A passkey takes no password, so a one-time password stays as it is until somebody signs in with it. */
const withoutPasswordChange = (person: Credentials): Credentials => ({ ...person, passwordChangeRequired: false })

export function createPasskeySignIn(
  knex: Knex,
  progress: SignInProgress,
  relyingParty: RelyingParty,
  challenges: PasskeyChallenges,
  log: Log,
) {
  async function refuse(
    person: Credentials,
    credential: StoredCredential,
    reason: Refusal,
    attempt: PasskeyAttempt,
  ): Promise<typeof REFUSED> {
    const entry = userEntry('user.sign_in_refused', person.user, { passkey: credential.id, reason })
    await recordAudit(knex, signInActor(attempt), entry)
    return REFUSED
  }

  /** The user as they are now that they are let in, or why not. The lock of the user orders requests with one passkey. */
  async function completeSignIn(
    credential: StoredCredential,
    counter: number,
    challenge: Challenge,
    attempt: PasskeyAttempt,
  ): Promise<Credentials | Refusal | 'removed' | 'used'> {
    return await knex.transaction(async (trx) => {
      const locked = await lockCredentials(trx, credential.userId)
      // Without a password a user cannot sign in until they are given one.
      if (!locked?.mayAct || locked.passwordHash === null) return 'inactive'
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

  /** Others in the network cannot use up the attempts of a browser in which the user has signed in before. */
  function budgetOf(owned: Owned | undefined, { browser, ip }: PasskeyAttempt): Budget {
    const known = owned && progress.browsers.recognise(browser, owned.person)
    return known ? browserBudget(known.budget) : networkBudget(ip)
  }

  async function verifyAttempt(
    { credential, person }: Owned,
    response: Assertion,
    challenge: Challenge,
    attempt: PasskeyAttempt,
  ): Promise<PasskeySignInResult> {
    const { verifyAssertion } = await webauthn()
    const expected = { relyingParty, challenge: challenge.value }
    const verified = await verifyAssertion(response, credential, expected)
    if ('invalid' in verified) {
      log.info({ passkey: credential.id, detail: verified.invalid.slice(0, 300) }, 'passkey refused')
      return await refuse(person, credential, 'invalid', attempt)
    }
    const proved = await completeSignIn(credential, verified.counter, challenge, attempt)
    if (proved === 'used') return EXPIRED
    if (proved === 'removed') return REFUSED
    if (proved === 'counter') {
      const counters = { stored: credential.counter, received: verified.counter }
      log.warn({ passkey: credential.id, ...counters }, 'passkey refused: its counter went back, so it may be a copy')
    }
    if (typeof proved === 'string') return await refuse(person, credential, proved, attempt)
    const known = progress.browsers.recognise(attempt.browser, proved)
    return progress.next(proved, { amr: amrOf(credential), demandsSecondFactor: false }, known?.token)
  }

  return {
    /** Attempts count against the network or the known browser; a user who signs in again and again counts as one who guesses. */
    async prove(attempt: PasskeyAttempt): Promise<PasskeySignInResult> {
      const { parseAssertion } = await webauthn()
      const response = parseAssertion(attempt.credential)
      if (!response) return { outcome: 'malformed' }
      const challenge = challenges.open(attempt.challenge, { purpose: 'sign-in', browser: attempt.boundTo })
      if (!challenge) return EXPIRED
      const owned = await find(response)
      const budgets = [budgetOf(owned, attempt)]
      const slowed = await takeAttempts(knex, budgets)
      if (slowed) return { outcome: 'slow_down', retryAfter: slowed.retryAfter }
      const result = owned ? await verifyAttempt(owned, response, challenge, attempt) : REFUSED
      if (!('user' in result)) return result
      if ((await takeAttempt(knex, workBudget(result.user.id))) === undefined) await refundAttempts(knex, budgets)
      return result
    },
  }
}

export type PasskeySignIn = ReturnType<typeof createPasskeySignIn>
