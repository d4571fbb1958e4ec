import type { Database } from './open-database.ts'
import { DatabaseUnavailableError } from './unavailable.ts'

const DISK_FULL = '53100'

/** Milliseconds between two looks at the disk while nothing failed. */
const DISK_EVERY = 10_000

// The message is a record in the write-ahead log and nothing else: no table grows, no row is locked, and yet the statement
// commits as a recorded token does, through the synchronous standby if there is one.
const WRITE = `
  SELECT require_primary(), pg_logical_emit_message(true, 'keywright', 'ready'),
         current_setting('transaction_read_only') = 'on' AS read_only, extract(epoch FROM clock_timestamp())::float8 * 1000 AS now,
         has_table_privilege('access_tokens', 'INSERT') AS may_record`

interface WriteRow {
  readonly read_only: boolean
  readonly now: number
  readonly may_record: boolean
}

async function checkWrite(database: Database): Promise<void> {
  const askedAt = performance.now()
  const [row] = await database.query<WriteRow>({ name: 'readiness-write', text: WRITE, values: [], share: 'changes' })
  database.clock.read(row!.now, askedAt)
  if (row!.read_only) throw new DatabaseUnavailableError('the sessions of the database are read-only')
  if (!row!.may_record) throw new DatabaseUnavailableError('the database user may not insert into access_tokens')
}

/**
 * Whether the disk of the tables takes another megabyte: a temporary file beside them, gone at the end of the statement.
 * Updates of rows that are there fit into their pages for long after the disk is full, so a small write proves nothing.
 */
async function checkDisk({ knex }: Database): Promise<void> {
  await knex.transaction(async (trx) => {
    await trx.raw("SET LOCAL work_mem = 64; SET LOCAL temp_tablespaces = ''")
    await trx.raw('SELECT count(*) FROM generate_series(1, 50000)')
  })
}

const isDiskFull = (error: unknown): boolean => (error as { code?: unknown }).code === DISK_FULL

/**
 * Returns a check that fails while this node could not record a token.
 * @throws (the check) what the database throws, or DatabaseUnavailableError
 */
export function createRecordingCheck(database: Database): () => Promise<void> {
  let isSuspect = true
  let lookedAt = 0
  database.onServerError((code) => {
    isSuspect ||= code === DISK_FULL
  })

  async function checkDiskNowAndThen(): Promise<void> {
    if (!isSuspect && performance.now() - lookedAt < DISK_EVERY) return
    isSuspect = false
    lookedAt = performance.now()
    // Another failure, such as a limit on temporary files, says nothing about the disk.
    await checkDisk(database).catch((error: unknown) => {
      if (isDiskFull(error)) throw error
    })
  }

  return async () => {
    await checkWrite(database)
    await checkDiskNowAndThen()
  }
}
