import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { inject } from 'vitest'
import type { FirstStart } from '../../src/bootstrap.ts'

export interface TestDatabase {
  /** Usable by other processes too. */
  readonly url: string
  drop(): Promise<void>
}

export function databaseUrl(server: string, name: string): string {
  const url = new URL(server)
  url.pathname = `/${name}`
  return url.href
}

async function onServer(server: string, statement: string): Promise<void> {
  const client = new pg.Client(server)
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}

async function createFrom(template: 'migrated' | 'set_up' | 'empty'): Promise<TestDatabase> {
  const { url: server, run } = inject('postgres')
  const name = `${run}_${randomBytes(6).toString('hex')}`
  const source = template === 'empty' ? 'template0' : `${run}_${template}`
  await onServer(server, `CREATE DATABASE "${name}" TEMPLATE "${source}"`)
  return {
    url: databaseUrl(server, name),
    drop: () => onServer(server, `DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`),
  }
}

/** A migrated database of its own; one per test file is quick enough (some 15 ms). */
export const createTestDatabase = (): Promise<TestDatabase> => createFrom('migrated')

export interface SetUpDatabase extends TestDatabase {
  readonly encryptionKey: string
  readonly firstStart: FirstStart
}

/** A database after a first start, which made signing keys, accounts and clients. The key is the same for all tests. */
export async function createSetUpDatabase(): Promise<SetUpDatabase> {
  return { ...(await createFrom('set_up')), ...inject('setUp') }
}

/** Without any table. */
export const createEmptyDatabase = (): Promise<TestDatabase> => createFrom('empty')
