import type { AccountOfMember } from '../accounts/memberships.ts'
import type { Consent } from '../consents/consents.ts'

/** The accounts that the user of an authorization request can choose from. */
export interface AccountChoice {
  readonly accounts: readonly AccountOfMember[]
  /** The one in which the session acts. */
  readonly selected: string
  /** For one of them at least, nothing has to be allowed: the page asks for the account alone. */
  readonly isAlone: boolean
}

/** The account for which the user of an authorization request acts. */
export interface DecidedAccount {
  /** Null: an operator. */
  readonly accountId: string | null
  /** Where the user has several. */
  readonly name?: string
  readonly consent: Consent | undefined
}

/** `isRefused`: the request names an account in which the user may not act. */
export type ActingAccount = DecidedAccount | { readonly choice: AccountChoice } | { readonly isRefused: true }
