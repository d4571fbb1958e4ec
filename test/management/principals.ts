import { bootstrap } from '../../src/bootstrap.ts'
import { migrate } from '../../src/database/migrations.ts'
import { openDatabase } from '../../src/database/open-database.ts'
import type { Management } from '../../src/management/operation.ts'
import type { Principal } from '../../src/management/principal.ts'
import { createEncryptionKeys } from '../../src/shared/encryption-keys.ts'
import { createMaker, newEncryptionKey } from '../support/nodes.ts'
import { createTestDatabase } from '../support/postgres.ts'

/** Who manages in tests, without any door. */
export const operator: Principal = {
  role: 'operator',
  accountId: null,
  userId: null,
  scopes: null,
  signedInAt: new Date(),
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

/** The operations over a database of their own, with nothing in front. */
export async function openManagement() {
  const created = await createTestDatabase()
  const database = openDatabase(created.url)
  const encryptionKeys = createEncryptionKeys([Buffer.from(newEncryptionKey(), 'base64')])
  await migrate(database.knex)
  const firstStart = (await bootstrap(database.knex, encryptionKeys))!
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
