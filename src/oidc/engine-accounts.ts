import type { Account, AccountClaims, KoaContextWithOIDC } from 'oidc-provider'
import { type AccountOfUser, findUserById, mayAct, type User } from '../accounts/users.ts'
import { epochSeconds } from '../shared/clock.ts'
import type { UserAccount } from './engine-consents.ts'
import { interactionResultOf } from './engine-internals.ts'
import type { BrowserSession } from './engine-sessions.ts'
import type { OidcServices } from './oidc-services.ts'
import { isWithinLifetime } from './session-lifetimes.ts'

/**
 * OpenID Connect Core, section 5.1. What is unknown is left out: clients refuse `email_verified: false`, and nobody knows
 * that an address is not the user's.
 */
function claimsOf(user: User): AccountClaims {
  return {
    sub: user.id,
    ...(user.name && { name: user.name }),
    preferred_username: user.email,
    updated_at: epochSeconds(user.updatedAt),
    email: user.email,
    ...(user.emailVerified && { email_verified: true }),
  }
}

/** Whether a session still counts: age ends it, and a new password or disabling the user ends those that began before. */
export const isCurrentSession = ({ sessionLifetimes }: OidcServices, user: User, session: BrowserSession): boolean =>
  session.subjectSince === user.sessionsValidFrom.toISOString() && isWithinLifetime(sessionLifetimes, session)

/** The session under way, which learns of a sign-in that has just been finished for this request. */
function sessionOf(ctx: KoaContextWithOIDC, userId: string): BrowserSession {
  const session = ctx.oidc.session as unknown as BrowserSession
  const { login } = interactionResultOf(ctx)
  if (login?.accountId === userId) session.subjectSince = login.since
  return session
}

/** The person of that id, while they may sign in. */
export async function findActiveUser(
  services: OidcServices,
  userId: string,
): Promise<(User & AccountOfUser) | undefined> {
  const user = await findUserById(services.database.reader, userId)
  return user && mayAct(user) ? user : undefined
}

/** The engine's account of a person; undefined once they may not sign in, or their session has ended. */
export async function findAccount(
  ctx: KoaContextWithOIDC,
  userId: string,
  services: OidcServices,
  bySession: boolean,
): Promise<(UserAccount & Account) | undefined> {
  const user = await findActiveUser(services, userId)
  if (!user || (bySession && !isCurrentSession(services, user, sessionOf(ctx, userId)))) return undefined
  return { accountId: user.id, user, claims: async () => claimsOf(user) }
}
