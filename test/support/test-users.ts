import type { Knex } from 'knex'
import { hashPassword } from '../../src/accounts/passwords.ts'
import { createUser, type User } from '../../src/accounts/users.ts'

export const PASSWORD = 'correct horse battery staple'

export interface Person extends User {
  readonly password: string
}

let made = 0

/** Somebody who has signed in before and chosen a password. */
export async function createTestUser(
  knex: Knex,
  accountId: string,
  role: 'admin' | 'member' = 'member',
): Promise<Person> {
  const email = `person-${++made}-${process.pid}@example.com`
  const { user } = await createUser(knex, { email, role, accountId, name: `Person ${made}` })
  const chosen = { password_hash: await hashPassword(PASSWORD), password_change_required: false }
  await knex('users').where({ id: user.id }).update(chosen)
  return { ...user, password: PASSWORD }
}
