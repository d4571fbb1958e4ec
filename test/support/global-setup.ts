import pg from 'pg'
import type { TestProject } from 'vitest/node'
import { migrate } from '../../src/database/migrations.ts'
import { openDatabase } from '../../src/database/open-database.ts'
import { databaseUrl } from './postgres.ts'
import { startTestServer, type TestServer } from './test-server.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    postgres: { url: string; run: string }
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

async function createTemplate(url: string, run: string): Promise<void> {
  const client = new pg.Client(url)
  await client.connect()
  await dropAbandoned(client)
  await client.query(`CREATE DATABASE "${run}_template"`)
  await client.end()
  const database = openDatabase(databaseUrl(url, `${run}_template`))
  try {
    await migrate(database.knex)
  } finally {
    await database.close()
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
    await createTemplate(server.url, run)
  } catch (error) {
    await server.stop()
    throw error
  }
  project.provide('postgres', { url: server.url, run })
  return () => server.stop()
}
