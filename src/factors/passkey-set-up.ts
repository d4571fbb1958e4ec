import type { Knex } from 'knex'
import { findContinuedSignIn } from '../accounts/continued-sign-ins.ts'
import { lockCredentials } from '../accounts/credentials.ts'
import { maySetUp, type SignInProgress } from '../accounts/sign-in-progress.ts'
import { type SignInOrigin, signInActor } from '../accounts/sign-in-record.ts'
import { continues, type SignInTicket } from '../accounts/sign-in-tickets.ts'
import { endProof } from '../accounts/verified-emails.ts'
import {
  FIRST_PASSKEY_NAME,
  type PasskeyOffer,
  type PasskeyRegistrations,
  type SentCredential,
  type VerifiedCredential,
} from './passkey-registrations.ts'

export interface PasskeySetUpAttempt extends SentCredential, SignInOrigin {
  readonly ticket: string
  /** Of the passkey, in the language of the user; absent: English. */
  readonly name?: string
}

export type PasskeySetUpResult =
  /** `ticket` finishes the sign-in, once (`FactorSetUp.finish`). */
  | { readonly outcome: 'added'; readonly codes: readonly string[]; readonly ticket: string }
  /** What was sent is no passkey that this server accepts. */
  | { readonly outcome: 'refused' }
  /** The challenge has expired, was used, or was given to another browser; the sign-in continues. */
  | { readonly outcome: 'challenge_expired' }
  | { readonly outcome: 'expired' }

const EXPIRED = { outcome: 'expired' } as const
const CHALLENGE_EXPIRED = { outcome: 'challenge_expired' } as const

/** Adds a passkey as the first factor of a user during a sign-in that requires one. */
export function createPasskeySetUp(knex: Knex, progress: SignInProgress, registrations: PasskeyRegistrations) {
  const find = (sealed: string) => findContinuedSignIn(knex, progress.tickets, sealed)

  /** Only for a user without a factor: otherwise the password alone would be enough to add another one. */
  async function save(
    ticket: SignInTicket,
    verified: VerifiedCredential,
    { name = FIRST_PASSKEY_NAME, ...origin }: PasskeySetUpAttempt,
  ): Promise<PasskeySetUpResult> {
    return await knex.transaction(async (trx): Promise<PasskeySetUpResult> => {
      const locked = await lockCredentials(trx, ticket.userId)
      if (!continues(ticket, locked) || locked.hasSecondFactor || !maySetUp(locked, ticket)) return EXPIRED
      const actor = signInActor(origin, ticket.userId)
      const added = await registrations.save(trx, locked.user, verified, name, actor)
      if (!added) return CHALLENGE_EXPIRED
      // Who answers for the account has the factor now.
      if (ticket.elsewhere?.account?.isFixed) await endProof(trx, ticket.userId)
      const proved = { ...ticket, amr: [...ticket.amr, ...added.amr] }
      return { outcome: 'added', codes: added.codes, ticket: progress.tickets.issue(locked, proved) }
    })
  }

  return {
    /** @param boundTo the browser that shows the page. Undefined: the sign-in does not continue any more */
    async offerFor(sealed: string, boundTo: string): Promise<PasskeyOffer | undefined> {
      const found = await find(sealed)
      return found && (await registrations.offer(found.person.user, boundTo))
    },

    /** @throws KeywrightError `conflict` (the credential is registered) */
    async confirm(attempt: PasskeySetUpAttempt): Promise<PasskeySetUpResult> {
      const found = await find(attempt.ticket)
      if (!found) return EXPIRED
      const verified = await registrations.verify(found.ticket.userId, attempt)
      if (verified.outcome === 'expired') return CHALLENGE_EXPIRED
      return verified.outcome === 'verified' ? await save(found.ticket, verified, attempt) : verified
    },
  }
}

export type PasskeySetUp = ReturnType<typeof createPasskeySetUp>
