import type { Knex } from 'knex'
import { emailKey } from '../shared/email-addresses.ts'
import { isProven, isVouched } from './memberships.ts'
import { changeUser, findUser, profileColumns, type User, untilNow } from './users.ts'

/*
 * The mailbox of a user is proven when its owner has set up, or accepted, everything by which the user signs in (ADR 45). Before that,
 * an admin who gave the user a one-time password may have redeemed it. The proof belongs to the address.
 */

/**
 * Gives the user an address that they have proved to be theirs, and revokes the sessions that began with the previous one. What was
 * accepted by the owner of the previous mailbox is accepted by the same person; what was not, stays so. Who vouched for the previous
 * address vouches for its owner only: without a proof, somebody else may have asked for the change.
 */
export const moveUser = (trx: Knex, id: string, email: string): Promise<User> =>
  changeUser(trx, id, {
    ...profileColumns({ email, emailVerified: true }),
    email_set_by_program: false,
    proven_mailbox_key: trx.raw(`CASE WHEN ${isProven('users')} THEN ? END`, [emailKey(email)]),
    vouched_email_key: trx.raw(`CASE WHEN ${isProven('users')} AND ${isVouched('users')} THEN ? END`, [
      emailKey(email),
    ]),
    updated_at: trx.fn.now(),
    ...untilNow(trx),
  })

/** Records that the owner of the mailbox has just set up or accepted everything by which the user signs in. */
export async function saveProof(trx: Knex, id: string): Promise<void> {
  await trx('users')
    .where({ id })
    .update({ proven_mailbox_key: trx.ref('email_key') })
}

/** Records that somebody else may have set up something by which the user signs in. */
export async function endProof(trx: Knex, id: string): Promise<void> {
  await trx('users').where({ id }).update({ proven_mailbox_key: null })
}

/** Marks the address of the user as verified. */
export async function confirmEmail(trx: Knex, id: string): Promise<User> {
  const verified = { email_verified: true, updated_at: trx.fn.now(), revision: trx.raw('revision + 1') }
  await trx('users').where({ id, email_verified: false }).update(verified)
  return await findUser(trx, id)
}
