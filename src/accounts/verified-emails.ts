import type { Knex } from 'knex'
import { emailKey } from '../shared/email-addresses.ts'
import { changeUser, findUser, profileColumns, type User, untilNow } from './users.ts'

/** Gives the user an address that they have proved to be theirs, and revokes the sessions that began with the previous one. */
export const moveUser = (trx: Knex, id: string, email: string): Promise<User> =>
  changeUser(trx, id, {
    ...profileColumns({ email, emailVerified: true }),
    email_set_by_program: false,
    proven_email_key: emailKey(email),
    updated_at: trx.fn.now(),
    ...untilNow(trx),
  })

/** Records that the owner of the address has just chosen how the user signs in, so that nobody else does. */
export async function saveProof(trx: Knex, id: string): Promise<void> {
  await trx('users')
    .where({ id })
    .update({ proven_email_key: trx.ref('email_key') })
}

/** Marks the address of the user as verified. */
export async function confirmEmail(trx: Knex, id: string): Promise<User> {
  const verified = { email_verified: true, updated_at: trx.fn.now(), revision: trx.raw('revision + 1') }
  await trx('users').where({ id, email_verified: false }).update(verified)
  return await findUser(trx, id)
}
