import type { Knex } from 'knex'
import { type Actor, recordAudit } from '../audit/audit-log.ts'
import type { Credentials } from './credentials.ts'

/** Where a request of a sign-in comes from. */
export interface SignInOrigin {
  readonly ip: string
  readonly requestId?: string | undefined
  /** Nobody has signed in as the user in this browser before. */
  readonly isNewBrowser?: boolean
}

export const signInActor = ({ ip, requestId }: SignInOrigin, id?: string): Actor => ({
  type: 'user',
  ip,
  ...(id !== undefined && { id }),
  ...(requestId !== undefined && { requestId }),
})

/** What a user who has proved everything so far must still do before they are signed in. */
const remaining = ({ passwordChangeRequired, hasSecondFactor, mustHaveSecondFactor }: Credentials) => ({
  ...(passwordChangeRequired && { must_choose_password: true }),
  ...(!hasSecondFactor && mustHaveSecondFactor && { must_set_up_factor: true }),
})

/** Records a sign-in in the transaction that holds the user's lock. @param how what was used beside the password, or in place of it */
export async function recordSignIn(
  trx: Knex,
  locked: Credentials,
  origin: SignInOrigin,
  how: {
    readonly second_factor?: string
    readonly passkey?: string
    readonly at?: 'product'
    readonly identity_provider?: string
  } = {},
): Promise<void> {
  const { id, accountId } = locked.user
  // Somebody who signs in for the first time has no known browser.
  const isNew = origin.isNewBrowser === true && !locked.passwordChangeRequired
  const detail = {
    ...remaining(locked),
    ...(isNew && { new_browser: true }),
    ...how,
  }
  const entry = { action: 'user.signed_in', target: { type: 'user', id }, accountId, detail }
  await recordAudit(trx, signInActor(origin, id), entry)
  await trx('users').where({ id }).update({ last_signed_in_at: trx.fn.now() })
}

/** Records that the password was right and that a second factor is asked for. */
export async function recordFirstFactor(trx: Knex, { user }: Credentials, origin: SignInOrigin): Promise<void> {
  const { id, accountId } = user
  const entry = { action: 'user.second_factor_asked', target: { type: 'user', id }, accountId }
  await recordAudit(trx, signInActor(origin), entry)
}
