import type { Account, AccountClaims, KoaContextWithOIDC } from 'oidc-provider'
import type { SessionAccount } from '../accounts/memberships.ts'
import type { SessionLifetimes } from '../accounts/session-lifetime-attributes.ts'
import { type AccountOfUser, findUserOfSession, mayAct, type User } from '../accounts/users.ts'
import { isIdentityCurrent } from '../identity-providers/user-identities.ts'
import { epochSeconds } from '../shared/clock.ts'
import type { UserAccount } from './engine-consents.ts'
import { interactionResultOf } from './engine-internals.ts'
import { type BrowserSession, sinceOf, validityOf } from './engine-sessions.ts'
import type { OidcServices } from './oidc-services.ts'
import { isWithinLifetimes } from './session-lifetimes.ts'
import { seenBrowser } from './session-rows.ts'

/**
 * OpenID Connect Core, section 5.1. What is unknown is left out: clients refuse `email_verified: false`, and nobody knows
 * that an address is not the user's.
 */
function claimsOf(user: User): AccountClaims {
  return {
    sub: user.id,
    ...(user.name && { name: user.name }),
    ...(user.language && { locale: user.language }),
    preferred_username: user.email,
    updated_at: epochSeconds(user.updatedAt),
    email: user.email,
    ...(user.emailVerified && { email_verified: true }),
  }
}

/** The account that the access token of a userinfo request carries; absent: the token acts for an operator. */
function accountClaim({ state }: KoaContextWithOIDC): { account_id?: unknown } {
  const { account_id } = (state.presented ?? {}) as { account_id?: unknown }
  return account_id === undefined ? {} : { account_id }
}

const isMember = (user: User & AccountOfUser, { id, memberSince }: { id: string; memberSince?: string | undefined }) =>
  id === user.accountId && memberSince !== undefined && memberSince === user.memberSince?.toISOString()

/**
 * Whether a session has not ended. A new password, or disabling the user, revokes the earlier ones. A session that is fixed to an
 * account is valid only while its user acts there without interruption.
 */
export const hasNotEnded = (
  user: User & AccountOfUser,
  session: BrowserSession,
  lifetimes: SessionLifetimes,
): boolean =>
  sinceOf(session) === user.sessionsValidFrom.toISOString() &&
  isWithinLifetimes(lifetimes, session) &&
  (!session.account?.isFixed || isMember(user, session.account))

/** Whether a session is valid for sign-ins. A console session is not (`console-sessions.ts`). */
export const isCurrentSession = (user: User & AccountOfUser, session: BrowserSession): boolean =>
  !session.consoleSession && hasNotEnded(user, session, user.sessionLifetimes)

/** Whether the identity with which a session began, if any, may still be used (`user-identities.ts`). */
export const isIdentityValid = async (
  { database }: Pick<OidcServices, 'database'>,
  { identity }: Pick<BrowserSession, 'identity'>,
): Promise<boolean> => !identity || (await isIdentityCurrent(database.reader, identity))

/** The session of the request, with the sign-in that has just been finished for it. */
function sessionOf(ctx: KoaContextWithOIDC, userId: string): BrowserSession {
  const session = ctx.oidc.session as unknown as BrowserSession
  const { login } = interactionResultOf(ctx)
  if (login?.accountId === userId) Object.assign(session, validityOf(login), { lastUsedAt: epochSeconds() })
  return session
}

/** Whether the session of the request is valid, which then counts as used. */
function isUsable(ctx: KoaContextWithOIDC, user: User & AccountOfUser): boolean {
  const session = sessionOf(ctx, user.id)
  if (!isCurrentSession(user, session)) return false
  session.lastUsedAt = epochSeconds()
  session.seen = seenBrowser(ctx)
  return true
}

/** The user with this id, in the account of their session; undefined while the user may not sign in. */
export async function findActiveUser(
  services: OidcServices,
  userId: string,
  account?: SessionAccount,
): Promise<(User & AccountOfUser) | undefined> {
  const user = await findUserOfSession(services.database.reader, userId, account)
  return user && mayAct(user) ? user : undefined
}

/** The engine's account of a user; undefined when the user may not sign in, or the session is not valid. */
export async function findAccount(
  ctx: KoaContextWithOIDC,
  userId: string,
  services: OidcServices,
  bySession: boolean,
): Promise<(UserAccount & Account) | undefined> {
  const account = bySession ? sessionOf(ctx, userId).account : undefined
  const user = await findActiveUser(services, userId, account)
  if (!user || (bySession && !isUsable(ctx, user))) return undefined
  if (bySession && !(await isIdentityValid(services, sessionOf(ctx, userId)))) return undefined
  return {
    accountId: user.id,
    user,
    claims: async (use) => ({ ...claimsOf(user), ...(use === 'userinfo' && accountClaim(ctx)) }),
  }
}
