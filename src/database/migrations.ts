import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Knex } from 'knex'

interface Migration {
  up(knex: Knex): Promise<void>
  down(knex: Knex): Promise<void>
}

/** `unknown` is recorded in the database and not in the code: the schema is newer than this program. */
export interface SchemaState {
  readonly pending: string[]
  readonly unknown: string[]
}

const DIRECTORY = fileURLToPath(new URL('../../migrations', import.meta.url))
const FILE_NAME = /^\d{14}_[a-z0-9_]+\.ts$/

// The table that the knex command line uses too, as it makes it; its lock table is left alone.
const TABLE = 'knex_migrations'
const CREATE_TABLE = `
  CREATE TABLE IF NOT EXISTS ${TABLE} (
    id             serial PRIMARY KEY,
    name           varchar(255),
    batch          integer,
    migration_time timestamptz
  )`

/** "keywrigh" in ASCII: any number would do, as long as no other program takes it. */
const LOCK_KEY = '7738725088633644904'

const WAIT_FOR_OTHERS = '10min'
const WAIT_FOR_TABLES = '30s'

async function listFiles(directory: string): Promise<string[]> {
  const names = await readdir(directory)
  return names.filter((name) => FILE_NAME.test(name)).sort()
}

const load = async (directory: string, name: string): Promise<Migration> =>
  (await import(pathToFileURL(join(directory, name)).href)) as Migration

async function listRecorded(knex: Knex): Promise<string[]> {
  const { rows } = await knex.raw(`SELECT to_regclass('${TABLE}') IS NOT NULL AS there`)
  if (!rows[0].there) return []
  const recorded: { name: string }[] = await knex(TABLE).select('name').orderBy('id')
  return recorded.map(({ name }) => name)
}

/**
 * The lock belongs to the transaction, not to a row that a killed process would leave locked, nor to a session that
 * PgBouncer would not keep. The limits of everyday statements are lifted: a migration may take its time, but not wait
 * long for a table, because everything else queues behind it.
 */
function inTurn<Result>(knex: Knex, work: (transaction: Knex.Transaction) => Promise<Result>): Promise<Result> {
  return knex.transaction(async (transaction) => {
    await transaction.raw(`SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '${WAIT_FOR_OTHERS}'`)
    await transaction.raw(`SELECT pg_advisory_xact_lock(${LOCK_KEY})`)
    await transaction.raw(`SET LOCAL lock_timeout = '${WAIT_FOR_TABLES}'`)
    return work(transaction)
  })
}

const nextBatch = (transaction: Knex.Transaction) =>
  transaction.raw(`(SELECT coalesce(max(batch), 0) + 1 FROM ${TABLE})`)

/** Applies one migration together with its record; false when another process did so while this one waited. */
async function applyOnce(transaction: Knex.Transaction, directory: string, name: string): Promise<boolean> {
  if (await transaction(TABLE).where({ name }).first('id')) return false
  const migration = await load(directory, name)
  try {
    await migration.up(transaction)
  } catch (error) {
    throw new Error(`migration ${name} failed`, { cause: error })
  }
  // Logical replication does not carry sequences; under the lock nobody else draws from this one.
  await transaction.raw(
    `SELECT setval(pg_get_serial_sequence('${TABLE}', 'id'), max(id)) FROM ${TABLE} HAVING max(id) > 0`,
  )
  const record = { name, batch: nextBatch(transaction), migration_time: transaction.fn.now() }
  await transaction(TABLE).insert(record)
  return true
}

export async function schemaState(knex: Knex, directory: string = DIRECTORY): Promise<SchemaState> {
  const [files, recorded] = await Promise.all([listFiles(directory), listRecorded(knex)])
  return {
    pending: files.filter((name) => !recorded.includes(name)),
    unknown: recorded.filter((name) => !files.includes(name)),
  }
}

/** Any number of processes may call this at once: each migration is applied by one of them, and all return after it. */
export async function migrate(knex: Knex, directory: string = DIRECTORY): Promise<{ applied: string[] }> {
  const { pending } = await schemaState(knex, directory)
  if (pending.length === 0) return { applied: [] }
  await inTurn(knex, (transaction) => transaction.raw(CREATE_TABLE))
  const applied: string[] = []
  for (const name of pending) {
    if (await inTurn(knex, (transaction) => applyOnce(transaction, directory, name))) applied.push(name)
  }
  return { applied }
}
