import type { User } from '../accounts/users.ts'
import { KeywrightError } from '../shared/errors.ts'
import { isCommandLine, type Principal } from './principal.ts'

/** For so many milliseconds after a sign-in, a user may change how users sign in, and destroy. */
const RECENT = 10 * 60_000

/** Whether the user has just proved who they are. */
export const isRecent = ({ signedInAt }: Pick<Principal, 'signedInAt'>): boolean =>
  signedInAt !== null && Date.now() - signedInAt.getTime() < RECENT

/** Whether the caller is a program with an access token, which acts for itself or for a user. */
export const isProgram = ({ scopes }: Principal): boolean => scopes !== null

/**
 * A stolen or unattended session must not be enough to change how users sign in, or to stop callers. The command line has no session.
 * @param action what is done, as the subject of a sentence: `inviting a user`
 * @throws KeywrightError `insufficient_user_authentication` for a user, `forbidden` for a program that acts for one
 */
export function requireRecentSignIn(principal: Principal, action: string): void {
  if (isRecent(principal) || isCommandLine(principal)) return
  if (isProgram(principal))
    throw new KeywrightError('forbidden', `${action} requires a user who has just signed in to the console`)
  throw new KeywrightError(
    'insufficient_user_authentication',
    `sign in again: ${action} requires a sign-in within the last ten minutes`,
  )
}

/**
 * Users sign in with their email address, so changing it requires a recent sign-in. An application that acts for itself may
 * change it, for example to synchronize a directory: no link for a new password is sent to an address that a program set.
 */
export function checkMayChangeAddress(principal: Principal, before: User, email: string | undefined): void {
  if (email === undefined || email === before.email || (isProgram(principal) && principal.userId === null)) return
  requireRecentSignIn(principal, 'changing an email address')
}
