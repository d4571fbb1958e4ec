import type { Knex } from 'knex'
import { isUniqueViolation } from '../database/violations.ts'
import { invalidInput, KeywrightError, notFound } from '../shared/errors.ts'
import { isId, newId } from '../shared/ids.ts'
import { generateSecret } from '../shared/secrets.ts'
import { getAccount } from './accounts.ts'
import { hashPassword } from './passwords.ts'

export type Role = 'operator' | 'admin' | 'member'

export interface User {
  readonly id: string
  /** Null for an operator, who belongs to no account. */
  readonly accountId: string | null
  readonly email: string
  readonly role: Role
  readonly status: 'active' | 'disabled'
}

interface UserRow {
  id: string
  account_id: string | null
  email: string
  role: Role
  status: User['status']
}

const toUser = (row: UserRow): User => ({
  id: row.id,
  accountId: row.account_id,
  email: row.email,
  role: row.role,
  status: row.status,
})

function checkedEmail(email: string): string {
  const trimmed = email.trim()
  if (trimmed.length > 254 || !/^[^\s@\0]+@[^\s@\0]+$/.test(trimmed))
    throw invalidInput(`not an email address: ${email}`)
  return trimmed
}

/**
 * Adds a person with a one-time password, to be changed at the first sign-in.
 * @throws KeywrightError `invalid_input`, `not_found` (the account), `conflict` (the address is taken)
 */
export async function createUser(
  db: Knex,
  person: { email: string; role: Role; accountId: string | null },
): Promise<{ user: User; password: string }> {
  if ((person.role === 'operator') !== (person.accountId === null)) {
    throw invalidInput('an operator belongs to no account; an admin or member belongs to one')
  }
  if (person.accountId !== null) await getAccount(db, person.accountId)
  const password = generateSecret('password')
  const row = {
    id: newId(),
    account_id: person.accountId,
    email: checkedEmail(person.email),
    role: person.role,
    password_hash: await hashPassword(password),
  }
  try {
    const [created] = await db('users').insert(row).returning<UserRow[]>('*')
    return { user: toUser(created!), password }
  } catch (error) {
    if (isUniqueViolation(error, 'users_email_unique')) {
      throw new KeywrightError('conflict', `there is already a user ${row.email}`, { cause: error })
    }
    throw error
  }
}

/** @throws KeywrightError `not_found` */
export async function findUser(db: Knex, idOrEmail: string): Promise<User> {
  const row = isId(idOrEmail)
    ? await db<UserRow>('users').where({ id: idOrEmail }).first()
    : await db<UserRow>('users')
        .whereRaw('lower(email) = lower(?)', [idOrEmail.replaceAll('\0', '')])
        .first()
  if (!row) throw notFound('user', idOrEmail)
  return toUser(row)
}
