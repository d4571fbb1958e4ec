import type { Knex } from 'knex'
import { findContinuedSignIn } from '../accounts/continued-sign-ins.ts'
import { lockCredentials } from '../accounts/credentials.ts'
import { maySetUp, type SignInProgress, type SignInStep } from '../accounts/sign-in-progress.ts'
import { type SignInOrigin, signInActor } from '../accounts/sign-in-record.ts'
import { continues, isMultiFactor, type SignInTicket } from '../accounts/sign-in-tickets.ts'
import type { User } from '../accounts/users.ts'
import { endProof } from '../accounts/verified-emails.ts'
import type { Clock } from '../shared/clock.ts'
import type { EncryptionKeys } from '../shared/encryption-keys.ts'
import { addFactor, type ConfirmedFactor } from './factor-changes.ts'
import { stepOfCode, typedCode } from './totp.ts'
import type { ShownOffer, TotpOffers } from './totp-offers.ts'

export const FIRST_NAME = 'Authenticator app'

export interface SetUpAttempt extends SignInOrigin {
  readonly ticket: string
  /** Sealed. */
  readonly offer: string
  readonly code: string
  /** Of the app, in the language of the user; absent: English. */
  readonly name?: string
}

export type SetUpResult =
  /** `ticket` finishes the sign-in, once. */
  | { readonly outcome: 'added'; readonly codes: readonly string[]; readonly ticket: string }
  /** The code is wrong. */
  | { readonly outcome: 'refused'; readonly offer: ShownOffer; readonly user: User }
  | { readonly outcome: 'expired' }

/** What a finished set-up leads to. The caller makes sure that the ticket with this id is used once. */
export interface FinishedSetUp {
  readonly id: string
  readonly expiresAt: Date
  readonly step: SignInStep
}

const EXPIRED = { outcome: 'expired' } as const

/** Adds the first factor of a user during a sign-in that requires one. */
export function createFactorSetUp(
  knex: Knex,
  encryptionKeys: EncryptionKeys,
  clock: Clock,
  progress: SignInProgress,
  offers: TotpOffers,
) {
  const find = (sealed: string) => findContinuedSignIn(knex, progress.tickets, sealed)

  /** Only a user without a factor: otherwise the password alone would be enough to add another one. */
  async function save(ticket: SignInTicket, factor: ConfirmedFactor, origin: SignInOrigin): Promise<SetUpResult> {
    return await knex.transaction(async (trx): Promise<SetUpResult> => {
      const locked = await lockCredentials(trx, ticket.userId)
      if (!continues(ticket, locked) || locked.hasSecondFactor || !maySetUp(locked, ticket)) return EXPIRED
      const added = await addFactor(trx, encryptionKeys, locked.user, factor, signInActor(origin, ticket.userId))
      if (!added) return EXPIRED
      // Who answers for the account has the factor now.
      if (ticket.elsewhere?.account?.isFixed) await endProof(trx, ticket.userId)
      const proved = { ...ticket, amr: [...ticket.amr, 'otp', 'mfa'] }
      return { outcome: 'added', codes: added.codes, ticket: progress.tickets.issue(locked, proved) }
    })
  }

  return {
    /** A new secret for a sign-in, or the one that its page has shown before; undefined: it does not continue any more. */
    async offerFor(sealed: string, shown = ''): Promise<ShownOffer | undefined> {
      const found = await find(sealed)
      if (!found) return undefined
      const { user } = found.person
      return (await offers.showAgain(shown, user)) ?? (await offers.make(user))
    },

    async confirm(attempt: SetUpAttempt): Promise<SetUpResult> {
      const found = await find(attempt.ticket)
      const offer = found && offers.open(attempt.offer, found.ticket.userId)
      if (!found || !offer) return EXPIRED
      const code = typedCode(attempt.code)
      const step = code === undefined ? undefined : await stepOfCode(offer.secret, code, clock.now())
      if (step !== undefined)
        return await save(found.ticket, { offer, name: attempt.name ?? FIRST_NAME, step }, attempt)
      const { user } = found.person
      const shown = await offers.showAgain(attempt.offer, user)
      return shown ? { outcome: 'refused', offer: shown, user } : EXPIRED
    },

    /** Undefined: the sign-in does not continue any more, or has not proved a second factor. */
    async finish(sealed: string): Promise<FinishedSetUp | undefined> {
      const found = await find(sealed)
      if (!found || !isMultiFactor(found.ticket.amr)) return undefined
      const { ticket, person } = found
      return { id: ticket.id, expiresAt: new Date(ticket.expiresAt), step: progress.next(person, ticket) }
    },
  }
}

export type FactorSetUp = ReturnType<typeof createFactorSetUp>
