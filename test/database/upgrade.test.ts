import { createHash } from 'node:crypto'
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { migrate, schemaState } from '../../src/database/migrations.ts'
import { openDatabase } from '../../src/database/open-database.ts'
import { generateSecret, hashSecret } from '../../src/shared/secrets.ts'
import { startKeywright } from '../support/keywright.ts'
import { createEmptyDatabase } from '../support/postgres.ts'

const MIGRATIONS = fileURLToPath(new URL('../../migrations', import.meta.url))

/**
 * The migrations of the first release and their content. Migrations are append-only: a database that applied a file never
 * applies it again, so a change of the file would reach new databases only. Add a migration instead.
 */
const BASELINE: Record<string, string> = {
  '20261128220000_accounts_and_users.ts': '6112947095f5c374',
  '20261128220100_apis_and_clients.ts': 'b60923a154d0cf0a',
  '20261128220200_signing_keys.ts': '86e78473a6f5bdf5',
  '20261128220300_access_tokens.ts': '6a81d480068059eb',
  '20261128220400_status_lists.ts': 'c67f9ed06530e7aa',
  '20261128220500_consents_and_refresh_tokens.ts': 'bc6d6ec7c9c43c26',
  '20261128220600_audit_log.ts': 'f5119a286af61198',
  '20261128220700_usage_and_idempotency.ts': 'e765e6509be4453c',
}

const digestOf = (name: string): string =>
  createHash('sha256')
    .update(readFileSync(join(MIGRATIONS, name)))
    .digest('hex')
    .slice(0, 16)

test('the migrations of the first release are unchanged', () => {
  const present = Object.fromEntries(Object.keys(BASELINE).map((name) => [name, digestOf(name)]))
  expect(present).toEqual(BASELINE)
})

test('every later migration sorts after those of the first release', () => {
  const names = readdirSync(MIGRATIONS)
    .filter((name) => name.endsWith('.ts'))
    .sort()
  expect(names.slice(0, Object.keys(BASELINE).length)).toEqual(Object.keys(BASELINE))
})

/** Rows as the first release writes them, with a client secret whose hash alone is stored. */
async function fillFirstRelease(url: string, clientId: string, secret: string): Promise<void> {
  const { knex, close } = openDatabase(url)
  await knex.raw(`
    INSERT INTO accounts (id, name) VALUES ('0197b000-0000-7000-8000-000000000001', 'Example Inc.');
    INSERT INTO users (id, account_id, email, email_key, role)
    VALUES ('0197b000-0000-7000-8000-000000000002', '0197b000-0000-7000-8000-000000000001', 'Ada@example.com',
            'ada@example.com', 'admin');
    INSERT INTO apis (identifier, scopes, token_ttl, policy, signing_alg, is_default)
    VALUES ('https://api.example.com', '{read,write}', 3600, 'single', 'ES256', true)`)
  await knex.raw(
    `INSERT INTO clients (client_id, kind, account_id, user_id, name, grants)
     VALUES (?, 'key_pair', '0197b000-0000-7000-8000-000000000001', '0197b000-0000-7000-8000-000000000002', 'Key pair',
             '{client_credentials}')`,
    [clientId],
  )
  await knex.raw(`INSERT INTO client_apis (client_id, api_id, position) SELECT c.id, a.id, 0 FROM clients c, apis a`)
  await knex.raw(
    `INSERT INTO client_secrets (client_id, kind, hash, last_four) SELECT id, 'secret', ?, 'abcd' FROM clients`,
    [hashSecret(secret)],
  )
  await close()
}

test('a database of the first release, brought up to date, still issues tokens to its clients', async () => {
  const empty = await createEmptyDatabase()
  const directory = mkdtempSync(join(tmpdir(), 'keywright-baseline-'))
  for (const name of Object.keys(BASELINE)) copyFileSync(join(MIGRATIONS, name), join(directory, name))
  const first = openDatabase(empty.url)
  expect((await migrate(first.knex, directory)).applied).toEqual(Object.keys(BASELINE))
  await first.close()
  rmSync(directory, { recursive: true })
  const client = { clientId: 'kwc_upgraded', clientSecret: generateSecret('clientSecret') }
  await fillFirstRelease(empty.url, client.clientId, client.clientSecret)

  const upgraded = openDatabase(empty.url)
  await migrate(upgraded.knex)
  expect(await schemaState(upgraded.knex)).toEqual({ pending: [], unknown: [] })
  await upgraded.close()
  const server = await startKeywright({ databaseUrl: empty.url })
  try {
    const { status, body } = await server.machineToken(client)
    expect([status, body.scope]).toEqual([200, 'read write'])
    expect(await server.knex('users').pluck('email')).toContain('Ada@example.com')
    const account = '0197b000-0000-7000-8000-000000000001'
    const memberships = server.knex('memberships').where({ account_id: account })
    expect(await memberships.select('role', 'email_key')).toEqual([{ role: 'admin', email_key: 'ada@example.com' }])
  } finally {
    await server.stop()
    await empty.drop()
  }
})
