import { addVerification } from '../accounts/email-verification.ts'
import { PERMISSIONS } from '../accounts/permissions.ts'
import { takeAttempt, verificationBudget } from '../accounts/sign-in-limits.ts'
import type { User } from '../accounts/users.ts'
import { invalidInput, RateLimitedError } from '../shared/errors.ts'
import { operation } from './operation.ts'
import { personFor } from './tenant-isolation.ts'

/**
 * Sends a link to a user by which they verify their address. It gives no way to sign in, so a program may send it too.
 * @throws KeywrightError `invalid_input` (the instance sends no e-mail), `conflict` (the address is verified, or the user is
 * disabled), `rate_limited`
 */
export const sendVerification = operation<{ userId: string }, User>(
  PERMISSIONS.manageUsers,
  async ({ knex, mail }, principal, { userId }) => {
    const { email } = await personFor(knex, principal, userId)
    if (!mail) throw invalidInput('this instance sends no e-mail; an operator configures it with SMTP_URL')
    const wait = await takeAttempt(knex, verificationBudget(email))
    if (wait !== undefined) throw new RateLimitedError(wait)
    return await addVerification(knex, userId, principal.actor)
  },
)
