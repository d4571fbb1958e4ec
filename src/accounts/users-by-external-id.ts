import type { Knex } from 'knex'
import { toUser, type User, type UserRow, userColumns } from './users.ts'

/** Undefined: no user has the external ID. */
export async function findUserByExternalId(db: Knex, externalId: string): Promise<User | undefined> {
  const row: UserRow | undefined = await db('users').where({ external_id: externalId }).first(userColumns(db))
  return row && toUser(row)
}
