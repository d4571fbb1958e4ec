import type { Context } from 'koa'
import type { SessionAccount } from '../accounts/memberships.ts'
import type { SessionIdentity } from '../accounts/sign-in-tickets.ts'
import type { AccountRole } from '../accounts/user-attributes.ts'
import type { Actor } from '../audit/audit-log.ts'
import type { ConsoleSession } from '../clients/console-session-tickets.ts'
import type { SignedInUser } from './sign-in-directory.ts'

/** A sign-in that an application has begun and that waits for its user, in this browser. */
export interface Interaction {
  readonly uid: string
  /** What the user is asked now. */
  readonly prompt: 'login' | 'consent'
  readonly clientId: string
  /** Where the answer goes; absent when a device asked (RFC 8628). */
  readonly redirectUri?: string
  /** The user who is signed in in this browser; absent when nobody is. */
  readonly userId?: string
  readonly loginHint?: string
  /** OpenID Connect Core, section 3.1.2.1: languages in order of preference, separated by spaces. */
  readonly uiLocales?: string
  /** OpenID Connect Core, section 3.1.2.1: classes in order of preference, separated by spaces. */
  readonly acrValues?: string
  /** Seconds. */
  readonly maxAge?: number
  /** The request has `prompt=login`. */
  readonly isForced: boolean
  /** The user who is signed in is asked to sign in again: `prompt=login` or `max_age`. */
  readonly isReauthentication: boolean
  /** The request requires a second factor (`acr_values`). */
  readonly demandsSecondFactor: boolean
  /** What is asked for and was not allowed before. */
  readonly wanted: Wanted
  /** The user acts in several accounts and must choose one. */
  readonly accountChoice?: AccountChoice
  /** The account for which the user acts, where they have several and it is decided. */
  readonly accountName?: string
}

export interface AccountChoice {
  readonly accounts: readonly { readonly accountId: string; readonly accountName: string; readonly role: AccountRole }[]
  readonly selected: string
  /** Only the account is asked for. */
  readonly isAlone: boolean
}

export interface Wanted {
  /** `openid`, `profile`, `email`, `offline_access`. */
  readonly identityScopes: readonly string[]
  /** Single claims (OpenID Connect Core, section 5.5). */
  readonly claims: readonly string[]
  /** Scopes by the identifier of their API. */
  readonly apis: Readonly<Record<string, readonly string[]>>
}

/** How a user authenticated. `amr` as in RFC 8176. */
export interface Login {
  readonly userId: string
  /** The user's `sessionsValidFrom` at sign-in. If it has changed since, the session is invalid. */
  readonly since: Date
  readonly amr: readonly string[]
  /** When the user proved it; absent: now. */
  readonly signedInAt?: Date
  /** The authentication context class that somebody else stated; absent: `amr` decides. */
  readonly acr?: string
  /** When the user proved who they are elsewhere; absent: now. */
  readonly authenticatedAt?: Date
  /**
   * The account in which the user acts. Absent: that of the present session of the user in this browser, fixed only if the session
   * goes on (`signedInAt`); otherwise the first account.
   */
  readonly account?: SessionAccount
  /** The identity at a provider that the session depends on. */
  readonly identity?: SessionIdentity
}

/** A session that a service opens. */
export interface ConsoleLogin {
  readonly userId: string
  readonly accountId: string
  /** The user's `sessionsValidFrom`. */
  readonly since: Date
  readonly consoleSession: ConsoleSession
}

/** Sessions that services opened, by their IDs, which are secrets of the browser. */
export interface ConsoleSessions {
  /** Undefined: the user may not act in the account. */
  open(ctx: Context, login: ConsoleLogin): Promise<string | undefined>
  /** Undefined: the session has ended. */
  user(ctx: Context, id: string): Promise<SignedInUser | undefined>
  end(id: string): Promise<void>
}

/** What the pages need of the protocol interface. `finishLogin`, `allow`, `deny` and `reject` send the response themselves. */
export interface SignInFlow {
  /** Undefined: it is over, has expired, or belongs to another browser. */
  find(ctx: Context, uid: string): Promise<Interaction | undefined>
  finishLogin(ctx: Context, uid: string, login: Login): Promise<void>
  /**
   * The user allowed everything that was wanted; what that is, is read again from the interaction.
   * @param chosen the account, where the interaction has a choice
   */
  allow(ctx: Context, uid: string, chosen?: string): Promise<void>
  deny(ctx: Context, uid: string): Promise<void>
  /** The sign-in has failed elsewhere: the application receives the error (RFC 6749, section 4.1.2.1). */
  reject(ctx: Context, uid: string, error: string, description?: string): Promise<void>
  /** The signed-in user of this browser, if active; independent of any interaction. */
  signedIn(ctx: Context): Promise<SignedInUser | undefined>
  /** Signs in without any application having asked. */
  signIn(ctx: Context, login: Login): Promise<void>
  /** Returns the identity at a provider that the session began with, if any. */
  signOut(ctx: Context): Promise<SessionIdentity | undefined>
  readonly consoleSessions: ConsoleSessions
  /** Ends a session of a user, in whichever browser. False: the user has no such session. */
  endSession(userId: string, sessionId: string, actor: Actor): Promise<boolean>
  /** Ends every session of the signed-in user except that of this browser. False: that was ended meanwhile. */
  endOtherSessions(ctx: Context, login: Omit<Login, 'since'>, actor: Actor): Promise<boolean>
  /** Uses an identifier once, on all nodes; false: it was used before. */
  once(id: string, expiresAt: Date): Promise<boolean>
}
