import type { Knex } from 'knex'
import { hashPassword } from '../../src/accounts/passwords.ts'
import type { AccountRole } from '../../src/accounts/user-attributes.ts'
import { createUser, type User } from '../../src/accounts/users.ts'

export const PASSWORD = 'correct horse battery staple'

export interface Person extends User {
  readonly password: string
}

/** One hash for all of them: hashing takes 40 ms. */
let passwordHash: Promise<string> | undefined

export async function choosePassword(knex: Knex, id: string): Promise<void> {
  passwordHash ??= hashPassword(PASSWORD)
  await knex('users')
    .where({ id })
    .update({ password_hash: await passwordHash, password_change_required: false })
}

let made = 0

/** Somebody who has signed in before and chosen a password. */
export async function createTestUser(knex: Knex, accountId: string, role: AccountRole = 'member'): Promise<Person> {
  const email = `person-${++made}-${process.pid}@example.com`
  const { user } = await createUser(knex, { email, role, accountId, name: `Person ${made}` })
  await choosePassword(knex, user.id)
  return { ...user, password: PASSWORD }
}

/** Makes a user a member of 200 new accounts: as many as are listed. Their names come before those of others: `a 001` to `a 200`. */
export async function addManyAccounts(knex: Knex, { id }: Pick<User, 'id'>): Promise<void> {
  await knex.raw(
    `WITH made AS (INSERT INTO accounts (id, name)
       SELECT gen_random_uuid(), 'a ' || lpad(n::text, 3, '0') FROM generate_series(1, 200) n RETURNING id)
     INSERT INTO memberships (user_id, account_id, role) SELECT ?, id, 'member' FROM made`,
    [id],
  )
}
