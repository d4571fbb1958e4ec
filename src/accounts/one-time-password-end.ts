import type { Knex } from 'knex'
import { type Actor, recordAudit } from '../audit/audit-log.ts'
import { generateSecret } from '../shared/secrets.ts'
import { type Credentials, findCredentialsById } from './credentials.ts'
import { type StoredOneTimePassword, storeOneTimePassword } from './one-time-passwords.ts'
import { setOneTimePassword } from './user-access.ts'
import { type User, userEntry } from './users.ts'

/** A one-time password that nobody knows, with which the user can request a link for a password; null: the user has chosen their own. */
export async function unknownPassword(db: Knex, userId: string): Promise<StoredOneTimePassword | null> {
  const person = await findCredentialsById(db, userId)
  return person?.passwordChangeRequired ? await storeOneTimePassword(generateSecret('password')) : null
}

/**
 * Ends a one-time password: an admin of another account of the user may know it, and would sign in with it in the new account too. The
 * sessions of the user end as well. Undefined: the user has none.
 */
export async function endOneTimePassword(
  trx: Knex,
  { user: { id }, passwordHash, passwordChangeRequired }: Credentials,
  unknown: StoredOneTimePassword | null,
  actor: Actor,
): Promise<User | undefined> {
  if (passwordHash === null || !passwordChangeRequired) return undefined
  const user = await setOneTimePassword(trx, id, unknown)
  await recordAudit(trx, actor, userEntry('user.password_withdrawn', user))
  return user
}
