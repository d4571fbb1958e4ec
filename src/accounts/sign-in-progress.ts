import type { Clock } from '../shared/clock.ts'
import type { EncryptionKeys } from '../shared/encryption-keys.ts'
import type { Credentials } from './credentials.ts'
import { createJoinTickets, type JoinTickets } from './join-tickets.ts'
import { createKnownBrowsers, type KnownBrowsers } from './known-browsers.ts'
import { createPasswordTickets, type PasswordTickets } from './password-tickets.ts'
import {
  createSignInTickets,
  isMultiFactor,
  type Proved,
  type SignInElsewhere,
  type SignInTickets,
} from './sign-in-tickets.ts'
import type { User } from './users.ts'

interface Continued {
  readonly user: User
  /** For the next step, within 15 minutes. */
  readonly ticket: string
}

/** What a user has to prove after the password, beside recovery codes. */
export interface FactorChoices {
  readonly app: boolean
  readonly passkey: boolean
}

export const choicesOf = ({ hasAuthenticatorApp, hasPasskey }: Credentials): FactorChoices => ({
  app: hasAuthenticatorApp,
  passkey: hasPasskey,
})

/** What follows when somebody has proved something. `browser` is for the browser to keep, for its next attempt. */
export type SignInStep =
  | {
      readonly outcome: 'signed_in'
      readonly user: User
      readonly amr: readonly string[]
      readonly elsewhere?: SignInElsewhere
      readonly browser: string
    }
  /** The user has a second factor. The browser is not known yet: somebody who knows the password alone gets here. */
  | ({ readonly outcome: 'second_factor'; readonly choices: FactorChoices } & Continued)
  /** They proved a one-time password, and choose one of their own. */
  | ({ readonly outcome: 'choose_password'; readonly browser: string } & Continued)
  /** The user is pending: the person signs in with their own user, and then joins the account or declines. */
  | { readonly outcome: 'join'; readonly user: User; readonly ticket: string }
  /** The user must have a second factor, and has none. */
  | ({ readonly outcome: 'set_up_factor'; readonly browser: string } & Continued)
  /** As `set_up_factor`, but only the user's own credentials may set one up. */
  | { readonly outcome: 'sign_in_here'; readonly user: User }

/** Finds the next step of a sign-in. */
export interface SignInProgress {
  readonly browsers: KnownBrowsers
  readonly passwordTickets: PasswordTickets
  readonly tickets: SignInTickets
  readonly joinTickets: JoinTickets
  /** @param browser what this browser was given at an earlier sign-in of the user */
  next(person: Credentials, proved: Proved, browser?: string): SignInStep
}

/** A user who proved both factors elsewhere needs none here. */
const mustSetUp = (person: Credentials, { amr, demandsSecondFactor }: Proved): boolean =>
  !person.hasSecondFactor && !isMultiFactor(amr) && (person.mustHaveSecondFactor || demandsSecondFactor)

/**
 * Whether a sign-in may set up the first factor of a user. Somebody who answers for one account would get a passkey with which they sign
 * in as the user in every other one, and who controls a provider of operators one that outlasts the trust in the provider.
 */
export const maySetUp = ({ user, hasOtherAccounts }: Credentials, { elsewhere }: Pick<Proved, 'elsewhere'>): boolean =>
  !(elsewhere?.account?.isFixed && hasOtherAccounts) && !(elsewhere?.identity && user.role === 'operator')

export function createSignInProgress(encryptionKeys: EncryptionKeys, clock: Clock): SignInProgress {
  const browsers = createKnownBrowsers(encryptionKeys, clock)
  const passwordTickets = createPasswordTickets(encryptionKeys, clock)
  const tickets = createSignInTickets(encryptionKeys, clock)
  const joinTickets = createJoinTickets(encryptionKeys, clock)
  return {
    browsers,
    passwordTickets,
    tickets,
    joinTickets,
    next(person, proved, known) {
      const { user } = person
      const { elsewhere } = proved
      // Who answers for the account of a pending user signs them in there, as they would sign in a user who is not pending.
      if (person.isPending && !elsewhere?.account?.isFixed)
        return { outcome: 'join', user, ticket: joinTickets.issue(user) }
      if (person.hasSecondFactor && !isMultiFactor(proved.amr))
        return { outcome: 'second_factor', user, ticket: tickets.issue(person, proved), choices: choicesOf(person) }
      const browser = known ?? browsers.issue(user.id)
      if (person.passwordChangeRequired && !elsewhere)
        return { outcome: 'choose_password', user, ticket: passwordTickets.issue(person, proved), browser }
      if (mustSetUp(person, proved)) {
        if (!maySetUp(person, proved)) return { outcome: 'sign_in_here', user }
        return { outcome: 'set_up_factor', user, ticket: tickets.issue(person, proved), browser }
      }
      return { outcome: 'signed_in', user, amr: proved.amr, ...(elsewhere && { elsewhere }), browser }
    },
  }
}
