import type { Context } from 'koa'
import type { EmailChangeLinks } from '../accounts/email-changes.ts'
import type { JoinTickets } from '../accounts/join-tickets.ts'
import type { From } from '../accounts/password-changes.ts'
import type { PasswordLinks } from '../accounts/password-links.ts'
import type { SignIn } from '../accounts/sign-in.ts'
import type { SignInAtProduct } from '../accounts/sign-in-at-product.ts'
import type { Actor } from '../audit/audit-log.ts'
import type { Factors } from '../factors/factors.ts'
import type { UpstreamSignIn } from '../identity-providers/upstream-sign-in.ts'
import type { UpstreamSignOut } from '../identity-providers/upstream-sign-out.ts'
import type { Joining } from '../management/joining.ts'
import type { VerificationLinks } from '../management/mailbox-proofs.ts'
import type { Management } from '../management/operation.ts'
import type { PageAccess } from './console/kit/page-access.ts'
import { readConsoleSession } from './console-session-cookie.ts'
import { ConsoleSessionError } from './console-session-errors.ts'
import type { Show } from './page.ts'
import { setUserLanguage } from './page-language.ts'
import type { Directory, SignedInUser } from './sign-in-directory.ts'
import type { SignInFlow } from './sign-in-flow.ts'

/** What the features and the protocol give this face. */
export interface WebServices {
  readonly flow: SignInFlow
  readonly signIn: SignIn
  readonly signInAtProduct: SignInAtProduct
  readonly factors: Factors
  readonly upstream: UpstreamSignIn
  readonly upstreamSignOut: UpstreamSignOut
  readonly passwordLinks: PasswordLinks
  readonly verificationLinks: VerificationLinks
  readonly emailChangeLinks: EmailChangeLinks
  readonly joinTickets: JoinTickets
  readonly directory: Directory
  readonly management: Management
  issuerUrl(): string
  /** Seconds. */
  readonly statusListTtl: number
  /** Where this process reaches itself. */
  ownUrl(): string
  /** What the management API says of itself: an OpenAPI 3.1 document. */
  apiDocument(): Promise<object>
}

/** What the routes work with. */
export interface Web extends WebServices {
  readonly show: Show
  readonly joining: Joining
  /** Which pages of the console a user may open. */
  readonly pageAccess: PageAccess
  /** Where users sign in at the product of the operator; null: they sign in here. At most a few seconds old. */
  signInUrl(): string | null
  /** The instance's look was changed: the next page has it. */
  reloadBrand(): void
}

async function findUser({ flow, management }: WebServices, ctx: Context): Promise<SignedInUser | undefined> {
  const session = readConsoleSession(ctx, management.encryptionKeys)
  const user = session && (await flow.consoleSessions.user(ctx, session.id))
  return user ?? (await flow.signedIn(ctx))
}

/**
 * Who may act in this browser: the user of a console session that a service opened here, or else who is signed in. Asked once for a
 * request, whose pages are then drawn in their console.
 */
export async function userOfBrowser(web: WebServices, ctx: Context): Promise<SignedInUser | undefined> {
  ctx.state.user ??= await findUser(web, ctx)
  if (ctx.state.user) setUserLanguage(ctx, ctx.state.user.language)
  return ctx.state.user
}

/**
 * The user of this browser, for pages that no console session has.
 * @throws ConsoleSessionError: a service has opened a console session here
 */
export async function currentUser(web: WebServices, ctx: Context): Promise<SignedInUser | undefined> {
  const user = await userOfBrowser(web, ctx)
  if (user?.consoleSession) throw new ConsoleSessionError('not_included', user.consoleSession)
  return user
}

/** Through which request somebody acts. */
export const originOf = (ctx: Context): From => ({ ip: ctx.ip, requestId: ctx.state.requestId })

/** @param id absent while nobody has proved who they are */
export const actorOf = (ctx: Context, id?: string): Actor => ({
  type: 'user',
  id,
  ip: ctx.ip,
  requestId: ctx.state.requestId,
})
