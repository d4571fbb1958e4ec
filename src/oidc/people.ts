import type { Account, AccountClaims, KoaContextWithOIDC } from 'oidc-provider'
import { type AccountOfUser, findUserById, mayAct, type User } from '../accounts/users.ts'
import { epochSeconds } from '../shared/clock.ts'
import type { BrowserSession } from './browser-sessions.ts'
import type { PersonAccount } from './consents.ts'
import type { OidcServices } from './services.ts'

/** OpenID Connect Core, section 5.1. What is unknown is left out. */
function claimsOf(user: User): AccountClaims {
  return {
    sub: user.id,
    ...(user.name && { name: user.name }),
    preferred_username: user.email,
    updated_at: epochSeconds(user.updatedAt),
    email: user.email,
    email_verified: user.emailVerified,
  }
}

/** Whether a session still counts: a new password, or being switched off, ends those that were begun before. */
export const isCurrentSession = (user: User, session: BrowserSession): boolean =>
  session.personSince === user.sessionsValidFrom.toISOString()

/** The session under way, which learns of a sign-in that has just been finished for this request. */
function sessionOf({ oidc }: KoaContextWithOIDC, userId: string): BrowserSession {
  const session = oidc.session as unknown as BrowserSession
  const { login } = (oidc as { result?: { login?: { accountId: string; since: string } } }).result ?? {}
  if (login?.accountId === userId) session.personSince = login.since
  return session
}

/** The person of that id, while they may sign in. */
export async function findPerson(services: OidcServices, userId: string): Promise<(User & AccountOfUser) | undefined> {
  const user = await findUserById(services.database.reader, userId)
  return user && mayAct(user) ? user : undefined
}

/** The engine's account of a person; undefined once they may not sign in, or their session has ended. */
export async function findAccount(
  ctx: KoaContextWithOIDC,
  userId: string,
  services: OidcServices,
  bySession: boolean,
): Promise<(PersonAccount & Account) | undefined> {
  const user = await findPerson(services, userId)
  if (!user || (bySession && !isCurrentSession(user, sessionOf(ctx, userId)))) return undefined
  return { accountId: user.id, user, claims: async () => claimsOf(user) }
}
