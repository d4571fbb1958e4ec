import type { Knex } from 'knex'
import type Provider from 'oidc-provider'
import type { SessionAccount } from '../accounts/memberships.ts'
import type { SessionIdentity } from '../accounts/sign-in-tickets.ts'
import type { ConsoleSession } from '../clients/console-session-tickets.ts'
import { ANONYMOUS_SESSION_TTL } from './anonymous-storage.ts'
import { engineContext, interactionResultOf } from './engine-internals.ts'
import type { SessionValidity } from './engine-login.ts'
import { endStoredSession } from './engine-rows.ts'
import { addSessionField, beforeSessionRenewal, persistNewSessionsBy } from './engine-session-internals.ts'
import type { SeenBrowser } from './session-rows.ts'

/** The account of a session. A fixed one has what a session has elsewhere as `subjectSince`, and `memberSince`, both ISO 8601. */
type StoredAccount = SessionAccount & { readonly since?: string; readonly memberSince?: string | undefined }

/** The engine's session with our fields. */
export type BrowserSession = InstanceType<Provider['Session']> & {
  /**
   * The user's `sessionsValidFrom` at the sign-in, ISO 8601. The session is valid while it is unchanged. Absent while the session is
   * fixed to an account: nodes of the previous version, which would let it act in another one, find it invalid.
   */
  subjectSince?: string | undefined
  /** The account in which the user acts; absent: the first one. */
  account?: StoredAccount | undefined
  /** Limits a session that a service opened to some pages of the console. The engine accepts no such session. */
  consoleSession?: ConsoleSession
  /** The identity at a provider without which the session is over; absent: it began without a provider. */
  identity?: SessionIdentity | undefined
  /** When a request last used the session while it was valid, to within a few minutes, in seconds since 1970. Its own column has it. */
  lastUsedAt?: number | undefined
  /** The browser of that request. */
  seen?: SeenBrowser
  /** The ID of the session in lists. Its own column has it. */
  readonly listedAs?: string
}

/** The fields of a session that decide for how long, and in which account, it is valid. */
export const validityOf = ({
  since,
  account,
  memberSince,
  identity,
}: SessionValidity): Pick<BrowserSession, 'subjectSince' | 'account' | 'identity'> =>
  account?.isFixed
    ? { subjectSince: undefined, account: { id: account.id, isFixed: true, since, memberSince }, identity }
    : { subjectSince: since, account: account && { id: account.id, isFixed: false }, identity }

/** The user's `sessionsValidFrom` when the session began, ISO 8601. */
export const sinceOf = ({ subjectSince, account }: Pick<BrowserSession, 'subjectSince' | 'account'>) =>
  subjectSince ?? account?.since

export const SESSION_COOKIE = { httpOnly: true, sameSite: 'lax', overwrite: true } as const

const FIELDS = ['subjectSince', 'account', 'identity', 'consoleSession', 'lastUsedAt', 'seen', 'listedAs']

/** Makes the engine store the fields of `BrowserSession`. */
export function useSessions(provider: Provider): void {
  for (const field of FIELDS) addSessionField(provider, field)
}

/**
 * Makes the engine save a session that it creates for an error page. After an error the engine saves only sessions that were
 * saved before, and throws for others, but the form of the page needs the session, and the browser its cookie.
 */
export function saveNewSessions(provider: Provider): void {
  persistNewSessionsBy(provider, async (session: BrowserSession) => {
    engineContext()!.oidc.cookies.set(provider.cookieName('session'), session.jti, SESSION_COOKIE)
    return await session.save(ANONYMOUS_SESSION_TTL)
  })
}

/**
 * Makes the engine give a session a new ID only while it has not been ended: a sign-out during the request would else end the former
 * ID alone. A user who has just signed in gets a session in any case.
 */
export function renewOnlyPresentSessions(provider: Provider, knex: Knex): void {
  beforeSessionRenewal(provider, async ({ accountId }: BrowserSession, presentId) => {
    const hasSignedIn = interactionResultOf(engineContext()!).login !== undefined
    return !accountId || hasSignedIn || (await endStoredSession(knex, presentId))
  })
}
