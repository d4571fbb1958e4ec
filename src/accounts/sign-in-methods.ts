import type { Knex } from 'knex'
import { KeywrightError } from '../shared/errors.ts'
import { type Credentials, findCredentialsById } from './credentials.ts'

/** The user would remove what they need to sign in: `conflict`. */
export class LastSignInMethodError extends KeywrightError {
  constructor() {
    super('conflict', 'you could not sign in any more; add a password, a passkey or another identity first')
    this.name = 'LastSignInMethodError'
  }
}

/** SQL. Whether an identity signs a user in. */
const IDENTITY = `
  SELECT 1 FROM user_identities i JOIN identity_providers p ON p.id = i.provider_id
    JOIN users u ON u.id = i.user_id
   WHERE i.user_id = :userId AND p.status = 'enabled' AND (u.role <> 'operator' OR (p.operators AND i.confirmed))
     AND (p.account_id IS NULL OR EXISTS (
           SELECT FROM memberships m JOIN accounts a ON a.id = m.account_id
            WHERE m.user_id = :userId AND m.account_id = p.account_id AND m.status = 'active' AND a.status = 'active'))
   LIMIT 1`

/** A one-time password does not count, because its user may not know it. Where users sign in at the product, they always can. */
async function canSignIn(trx: Knex, person: Credentials): Promise<boolean> {
  if (!person.maySignInHere || person.hasPasskey) return true
  if (person.passwordHash !== null && !person.passwordChangeRequired) return true
  return (await trx.raw(IDENTITY, { userId: person.user.id })).rows.length > 0
}

/** Checks what is left after a removal. The caller has locked the user. @throws LastSignInMethodError */
export async function checkCanSignIn(trx: Knex, userId: string): Promise<void> {
  const person = await findCredentialsById(trx, userId)
  if (person && !(await canSignIn(trx, person))) throw new LastSignInMethodError()
}
