/** What users export holds what is stored about them, in each table. */
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { addMembership } from '../../src/accounts/membership-changes.ts'
import { exportUserData, type UserDataItem } from '../../src/management/user-data-export.ts'
import { newId } from '../../src/shared/ids.ts'
import { ACTOR } from '../support/factory.ts'
import { adminOf, openManagement } from './principals.ts'

let on: Awaited<ReturnType<typeof openManagement>>

beforeAll(async () => {
  on = await openManagement()
})
afterAll(async () => await on?.close())

/** Tables with a user that the export leaves out, each with the reason. */
const NOT_EXPORTED: Record<string, string> = {
  mail_links: 'holds hashes of links to mailboxes, until they expire',
  mail_messages: 'holds messages to the user until they are sent',
  recovery_codes: 'holds hashes of secrets',
}

async function exported(...given: Parameters<typeof exportUserData>): Promise<UserDataItem[]> {
  return await Array.fromAsync(await exportUserData(...given))
}

test('every table with a user is exported, or left out for a reason', async () => {
  const user = await on.make.user(await on.make.account())
  const statements: string[] = []
  const record = ({ sql }: { sql: string }) => statements.push(sql)
  on.knex.on('query', record)
  await exported(on.management, adminOf(user.accountId!, user.id), { userId: user.id })
  on.knex.removeListener('query', record)
  const { rows } = await on.knex.raw(
    `SELECT DISTINCT c.table_name FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
      WHERE table_schema = current_schema AND t.table_type = 'BASE TABLE' AND c.column_name IN ('user_id', 'given_by', 'created_by')
      ORDER BY 1`,
  )
  const isRead = (table: string) => statements.some((sql) => new RegExp(`\\b${table}\\b`).test(sql))
  const missing = rows.map((row: { table_name: string }) => row.table_name).filter((table: string) => !isRead(table))
  expect(missing).toEqual(Object.keys(NOT_EXPORTED).sort())
})

test('users export the accounts to which they belong, and their identities at providers; an admin that of the own account', async () => {
  const [first, second] = [await on.make.account(), await on.make.account()]
  const user = await on.make.user(first)
  const dataOf = async (who: ReturnType<typeof adminOf>, kind: string) =>
    (await exported(on.management, who, { userId: user.id }))
      .filter((item) => item.kind === kind)
      .map(({ data }) => data)
  const ofFirst = expect.objectContaining({ account_id: first, role: user.role, status: 'active' })
  expect(await dataOf(adminOf(first, newId()), 'membership')).toEqual([ofFirst])
  await on.knex.transaction((trx) => addMembership(trx, { userId: user.id, accountId: second, role: 'viewer' }, ACTOR))
  const provider = { id: newId(), account_id: first, name: 'Acme', issuer: 'https://id.example', scopes: ['openid'] }
  await on.knex('identity_providers').insert({ ...provider, client_id: 'kw', sealed_client_secret: randomBytes(8) })
  await on.knex('user_identities').insert({ id: newId(), provider_id: provider.id, subject: 'sub-1', user_id: user.id })
  const self = adminOf(first, user.id)
  expect(await dataOf(self, 'membership')).toEqual([
    ofFirst,
    expect.objectContaining({ account_id: second, role: 'viewer', status: 'active' }),
  ])
  expect(await dataOf(self, 'identity')).toEqual([
    expect.objectContaining({ issuer: provider.issuer, provider: 'Acme', subject: 'sub-1', last_used_at: null }),
  ])
})
