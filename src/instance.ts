import { randomBytes } from 'node:crypto'
import { chmodSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from './config/load.ts'
import { type EmbeddedPostgres, startEmbeddedPostgres } from './database/embedded/start.ts'
import { migrate, schemaState } from './database/migrations.ts'
import { type Database, type DatabaseOptions, openDatabase } from './database/open.ts'
import { checkEncryptionKeys } from './keys/signing-keys.ts'
import { createEncryptionKeys, type EncryptionKeys } from './shared/encryption-keys.ts'
import { KeywrightError } from './shared/errors.ts'

/** The database with its schema up to date, and the keys that seal what it keeps. */
export interface Instance {
  readonly database: Database
  readonly encryptionKeys: EncryptionKeys
  /** Where other processes of this machine reach the same database. */
  readonly connectionUrl: string
  close(): Promise<void>
}

export interface InstanceOptions {
  /** A server keeps an embedded PostgreSQL running; a command joins one, or borrows it for its own short life. */
  readonly role: 'server' | 'command'
  readonly onNotice?: (message: string) => void
  readonly onPoolError?: (error: Error) => void
}

function databaseOptions(config: Config, options: InstanceOptions): DatabaseOptions {
  return {
    poolMax: config.databasePoolMax,
    statementTimeoutMs: config.databaseStatementTimeout,
    preparedStatements: config.databasePreparedStatements,
    applicationName: `keywright ${options.role}`,
    onPoolError: options.onPoolError,
  }
}

/** @throws KeywrightError `misconfigured`, saying what to run */
async function refuseOtherSchema(database: Database): Promise<void> {
  const { pending, unknown } = await schemaState(database.knex)
  if (unknown.length > 0) {
    throw new KeywrightError(
      'misconfigured',
      `the database's schema is newer than this version of Keywright (it has ${unknown.at(-1)}); run a version that knows it`,
    )
  }
  if (pending.length > 0) {
    throw new KeywrightError(
      'misconfigured',
      `the database lacks ${pending.length} migration(s), the first ${pending[0]}; run: npm run migrate`,
    )
  }
}

/** Made whole beside its place and linked there, so that of several first starts all keep the same key. */
function keptEncryptionKey(dataDir: string): Buffer {
  const path = join(dataDir, 'encryption.key')
  mkdirSync(dataDir, { recursive: true })
  const draft = `${path}.${process.pid}`
  try {
    return Buffer.from(readFileSync(path, 'utf8').trim(), 'base64')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  writeFileSync(draft, `${randomBytes(32).toString('base64')}\n`, { mode: 0o600 })
  chmodSync(draft, 0o600)
  try {
    linkSync(draft, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    rmSync(draft)
  }
  return Buffer.from(readFileSync(path, 'utf8').trim(), 'base64')
}

function urlOf({ host, port, user, database }: EmbeddedPostgres['connection']): string {
  return `postgresql:///${database}?host=${encodeURIComponent(host)}&port=${port}&user=${user}`
}

/** A migration may take its time, which everyday statements may not. */
const MIGRATION_TIMEOUT_MS = 24 * 3600 * 1000

async function migrateWith(
  connection: Parameters<typeof openDatabase>[0],
  config: Config,
  options: InstanceOptions,
): Promise<string[]> {
  const patient = { ...databaseOptions(config, options), statementTimeoutMs: MIGRATION_TIMEOUT_MS }
  const database = openDatabase(connection, patient)
  try {
    return (await migrate(database.knex)).applied
  } finally {
    await database.close()
  }
}

async function openEmbedded(config: Config, options: InstanceOptions): Promise<Instance> {
  const postgres = await startEmbeddedPostgres({
    dataDir: config.dataDir,
    role: options.role,
    onNotice: options.onNotice,
  })
  const database = openDatabase(postgres.connection, databaseOptions(config, options))
  const close = async () => {
    await database.close()
    await postgres.stop()
  }
  try {
    await migrateWith(postgres.connection, config, options)
    await refuseOtherSchema(database)
    const secrets = config.encryptionKeys.length > 0 ? config.encryptionKeys : [keptEncryptionKey(config.dataDir)]
    const keys = createEncryptionKeys(secrets)
    await checkEncryptionKeys(database.knex, keys)
    return { database, encryptionKeys: keys, connectionUrl: urlOf(postgres.connection), close }
  } catch (error) {
    await close()
    throw error
  }
}

/**
 * Opens the configured database, or the embedded one, and sees to its schema: the embedded one is brought up, any other
 * must have been (promise: no start on a schema that the code does not know).
 */
export async function openInstance(config: Config, options: InstanceOptions): Promise<Instance> {
  if (!config.databaseUrl) return await openEmbedded(config, options)
  const database = openDatabase(config.databaseUrl, databaseOptions(config, options))
  const encryptionKeys = createEncryptionKeys(config.encryptionKeys)
  try {
    await refuseOtherSchema(database)
    await checkEncryptionKeys(database.knex, encryptionKeys)
  } catch (error) {
    await database.close()
    throw error
  }
  return {
    database,
    encryptionKeys,
    connectionUrl: config.databaseUrl,
    close: () => database.close(),
  }
}

/** Brings the schema up, whichever database it is. */
export async function migrateInstance(config: Config, options: InstanceOptions): Promise<string[]> {
  if (!config.databaseUrl) {
    await (await openEmbedded(config, options)).close()
    return []
  }
  return await migrateWith(config.databaseUrl, config, options)
}
