import { openDatabase } from '../../src/database/open-database.ts'
import type { Management } from '../../src/management/operation.ts'
import type { Principal } from '../../src/management/principal.ts'
import { keysOf } from '../support/encryption-key.ts'
import { createMaker } from '../support/factory.ts'
import { createSetUpDatabase } from '../support/postgres.ts'

/** An operator who has just signed in, also if this module was loaded by another test long ago. */
export const operator: Principal = {
  role: 'operator',
  accountId: null,
  userId: null,
  scopes: null,
  get signedInAt() {
    return new Date()
  },
  actor: { type: 'user', id: 'operator' },
}

export const adminOf = (accountId: string, userId: string | null = null): Principal => ({
  role: 'admin',
  accountId,
  userId,
  scopes: null,
  signedInAt: new Date(),
  actor: { type: 'user', id: userId ?? 'admin' },
})

/** Opens operations on a new database, without an HTTP interface. */
export async function openManagement() {
  const { firstStart, encryptionKey, ...created } = await createSetUpDatabase()
  const database = openDatabase(created.url)
  const encryptionKeys = keysOf(encryptionKey)
  const management: Management = { knex: database.knex, encryptionKeys }
  return {
    management,
    knex: database.knex,
    firstStart,
    make: createMaker(database, encryptionKeys),
    async close() {
      await database.close()
      await created.drop()
    },
  }
}
