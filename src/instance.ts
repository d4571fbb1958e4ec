import type { Config } from './config/load-config.ts'
import { type EmbeddedPostgres, startEmbeddedPostgres } from './database/embedded/start.ts'
import { migrate, schemaState } from './database/migrations.ts'
import { type Database, type DatabaseOptions, openDatabase } from './database/open-database.ts'
import { keptEncryptionKey, prepareDataDirectory } from './keys/kept-encryption-key.ts'
import { checkEncryptionKeys, hasSealed } from './keys/signing-keys.ts'
import { createEncryptionKeys, type EncryptionKeys } from './shared/encryption-keys.ts'
import { KeywrightError } from './shared/errors.ts'

/** The database with its schema up to date, and the keys that seal secrets in it. */
export interface Instance {
  readonly database: Database
  readonly encryptionKeys: EncryptionKeys
  /** The URL of the database for other processes of this machine. */
  readonly connectionUrl: string
  /** Rejects when the embedded PostgreSQL of this process stops unexpectedly. */
  readonly lost: Promise<never>
  close(): Promise<void>
}

export interface InstanceOptions {
  /** A server keeps an embedded PostgreSQL running. A command uses a running one, or starts one for its own duration. */
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
    hasShares: options.role === 'server',
    onPoolError: options.onPoolError,
  }
}

/** @throws KeywrightError `misconfigured`, with the command to run */
async function checkSchema(database: Database): Promise<void> {
  const { pending, unknown } = await schemaState(database.knex)
  if (unknown.length > 0) {
    throw new KeywrightError(
      'misconfigured',
      `the database's schema is newer than this version of Keywright (it has ${unknown.at(-1)}); run the newer version`,
    )
  }
  if (pending.length > 0) {
    throw new KeywrightError(
      'misconfigured',
      `the database lacks ${pending.length} migration(s), the first ${pending[0]}; run: npm run migrate`,
    )
  }
}

function urlOf({ host, port, user, database }: EmbeddedPostgres['connection']): string {
  return `postgresql:///${database}?host=${encodeURIComponent(host)}&port=${port}&user=${user}`
}

/** The statement timeout of migrations, in milliseconds. */
const MIGRATION_TIMEOUT_MS = 24 * 3600 * 1000

async function migrateWith(
  connection: Parameters<typeof openDatabase>[0],
  config: Config,
  options: InstanceOptions,
): Promise<string[]> {
  const withTimeout = { ...databaseOptions(config, options), statementTimeoutMs: MIGRATION_TIMEOUT_MS }
  const database = openDatabase(connection, withTimeout)
  try {
    return (await migrate(database.knex)).applied
  } finally {
    await database.close()
  }
}

async function secretsOf({ encryptionKeys, dataDir }: Config, database: Database): Promise<readonly Buffer[]> {
  return encryptionKeys.length > 0 ? encryptionKeys : [keptEncryptionKey(dataDir, !(await hasSealed(database.knex)))]
}

async function openEmbedded(config: Config, options: InstanceOptions): Promise<Instance> {
  prepareDataDirectory(config.dataDir)
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
    await checkSchema(database)
    const keys = createEncryptionKeys(await secretsOf(config, database))
    await checkEncryptionKeys(database.knex, keys)
    return { database, encryptionKeys: keys, connectionUrl: urlOf(postgres.connection), lost: postgres.lost, close }
  } catch (error) {
    await close()
    throw error
  }
}

/**
 * Opens the configured database, or the embedded one. The embedded database is migrated; any other must have been.
 * @throws KeywrightError `misconfigured` where the schema is not the one of this version
 */
export async function openInstance(config: Config, options: InstanceOptions): Promise<Instance> {
  if (!config.databaseUrl) return await openEmbedded(config, options)
  const database = openDatabase(config.databaseUrl, databaseOptions(config, options))
  const encryptionKeys = createEncryptionKeys(config.encryptionKeys)
  try {
    await checkSchema(database)
    await checkEncryptionKeys(database.knex, encryptionKeys)
  } catch (error) {
    await database.close()
    throw error
  }
  return {
    database,
    encryptionKeys,
    connectionUrl: config.databaseUrl,
    lost: new Promise<never>(() => {}),
    close: () => database.close(),
  }
}

/** Migrates the configured database, or the embedded one. Returns the names of the applied migrations. */
export async function migrateInstance(config: Config, options: InstanceOptions): Promise<string[]> {
  if (!config.databaseUrl) {
    await (await openEmbedded(config, options)).close()
    return []
  }
  return await migrateWith(config.databaseUrl, config, options)
}
