import { KeywrightError } from '../shared/errors.ts'
import type { Principal } from './principal.ts'

/** Milliseconds after a sign-in in which a person may change how somebody signs in. */
const RECENT = 5 * 60_000

const isRecent = ({ signedInAt }: Principal): boolean =>
  signedInAt !== null && Date.now() - signedInAt.getTime() < RECENT

/** Whether a program calls: with a token, whether it acts for itself or for a person. */
export const isProgram = ({ scopes }: Principal): boolean => scopes !== null

/**
 * A session that somebody stole, or found open, must not be enough to change how people sign in.
 * @throws KeywrightError `insufficient_user_authentication` for a person, `forbidden` for a program that acts for one
 */
export function requireRecentSignIn(who: Principal, what: string): void {
  if (isRecent(who)) return
  if (isProgram(who))
    throw new KeywrightError('forbidden', `${what} takes a person who has just signed in to the console`)
  throw new KeywrightError(
    'insufficient_user_authentication',
    `sign in again: ${what} takes a sign-in of the last five minutes`,
  )
}
