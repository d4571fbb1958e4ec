import pg from 'pg'
import type { ProvidedContext } from 'vitest'
import type { TestProject } from 'vitest/node'
import { bootstrap, type FirstStart } from '../../src/bootstrap.ts'
import { migrate } from '../../src/database/migrations.ts'
import { type Database, openDatabase } from '../../src/database/open-database.ts'
import { keysOf, newEncryptionKey } from './encryption-key.ts'
import { databaseUrl } from './postgres.ts'
import { startTestServer, type TestServer } from './test-server.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    postgres: { url: string; run: string }
    setUp: { encryptionKey: string; firstStart: FirstStart }
  }
}

const ABANDONED_MS = 6 * 3600 * 1000

/** A database on a server that is not ours to stop: what killed runs left there goes after some hours. */
async function dropAbandoned(client: pg.Client): Promise<void> {
  const { rows } = await client.query(`SELECT datname FROM pg_database WHERE datname ~ '^kwtest_[0-9a-z]+_'`)
  for (const { datname } of rows as { datname: string }[]) {
    const began = Number.parseInt(datname.split('_')[1]!, 36)
    if (Date.now() - began > ABANDONED_MS) await client.query(`DROP DATABASE IF EXISTS "${datname}" WITH (FORCE)`)
  }
}

async function withDatabase<T>(url: string, work: (database: Database) => Promise<T>): Promise<T> {
  const database = openDatabase(url)
  try {
    return await work(database)
  } finally {
    await database.close()
  }
}

/** Two databases that tests clone: a migrated one, and one after a first start, with what that start made. */
async function createTemplates(url: string, run: string): Promise<ProvidedContext['setUp']> {
  const encryptionKey = newEncryptionKey()
  const client = new pg.Client(url)
  await client.connect()
  try {
    await dropAbandoned(client)
    await client.query(`CREATE DATABASE "${run}_migrated"`)
    await withDatabase(databaseUrl(url, `${run}_migrated`), ({ knex }) => migrate(knex))
    await client.query(`CREATE DATABASE "${run}_set_up" TEMPLATE "${run}_migrated"`)
    const firstStart = await withDatabase(databaseUrl(url, `${run}_set_up`), ({ knex }) =>
      bootstrap(knex, keysOf(encryptionKey)),
    )
    return { encryptionKey, firstStart: firstStart! }
  } finally {
    await client.end()
  }
}

async function dropAll(url: string, run: string): Promise<void> {
  const client = new pg.Client(url)
  await client.connect()
  const { rows } = await client.query('SELECT datname FROM pg_database WHERE starts_with(datname, $1)', [`${run}_`])
  for (const { datname } of rows) await client.query(`DROP DATABASE IF EXISTS "${datname}" WITH (FORCE)`)
  await client.end()
}

const foreignServer = (url: string, run: string): TestServer => ({ url, stop: () => dropAll(url, run) })

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const run = `kwtest_${Date.now().toString(36)}_${process.pid}`
  const server = process.env.DATABASE_URL ? foreignServer(process.env.DATABASE_URL, run) : await startTestServer()
  try {
    project.provide('setUp', await createTemplates(server.url, run))
  } catch (error) {
    await server.stop()
    throw error
  }
  project.provide('postgres', { url: server.url, run })
  return () => server.stop()
}
