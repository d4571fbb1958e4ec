import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { openDatabase } from '../../src/database/open-database.ts'
import { isDatabaseUnavailable } from '../../src/database/unavailable.ts'
import { runCliProcess } from '../support/cli.ts'
import { newEncryptionKey } from '../support/encryption-key.ts'
import { findPgbouncer, startPgbouncer } from '../support/pgbouncer.ts'
import { createEmptyDatabase, type TestDatabase } from '../support/postgres.ts'

let empty: TestDatabase

/** Sets it for the database, as an operator might, or a provider. */
async function setForDatabase(settings: Record<string, string>): Promise<void> {
  const admin = openDatabase(empty.url, { poolMax: 1 })
  const [{ name }] = (await admin.knex.raw('SELECT current_database() AS name')).rows
  for (const [setting, value] of Object.entries(settings)) {
    await admin.knex.raw(`ALTER DATABASE "${name}" ${value === '' ? `RESET ${setting}` : `SET ${setting} = ${value}`}`)
  }
  await admin.close()
}

const WRONG = {
  datestyle: "'German'",
  intervalstyle: "'iso_8601'",
  timezone: "'Asia/Kolkata'",
  bytea_output: "'escape'",
  standard_conforming_strings: 'off',
  extra_float_digits: '-15',
  array_nulls: 'off',
  default_transaction_isolation: "'serializable'",
  synchronous_commit: 'off',
}

beforeAll(async () => {
  empty = await createEmptyDatabase()
})

afterAll(() => empty.drop())

const show = (name: string) => ({ name: '', text: `SELECT current_setting('${name}') AS value`, values: [] })

test('settings of the database do not change how Keywright reads times, bytes and strings, or isolates transactions', async () => {
  await setForDatabase(WRONG)
  const database = openDatabase(empty.url, { poolMax: 1 })
  const values: Record<string, string> = {}
  for (const name of Object.keys(WRONG)) values[name] = (await database.query<{ value: string }>(show(name)))[0]!.value
  expect(values).toEqual({
    datestyle: 'ISO, MDY',
    intervalstyle: 'postgres',
    timezone: 'UTC',
    bytea_output: 'hex',
    standard_conforming_strings: 'on',
    extra_float_digits: '1',
    array_nulls: 'on',
    default_transaction_isolation: 'read committed',
    synchronous_commit: 'on',
  })
  const at = '2026-02-03T04:05:06.000Z'
  const { rows } = await database.knex.raw('SELECT ?::timestamptz AS at, date_trunc(?, ?::timestamptz) AS day', [
    at,
    'day',
    at,
  ])
  expect([rows[0].at.toISOString(), rows[0].day.toISOString()]).toEqual([at, '2026-02-03T00:00:00.000Z'])
  await database.close()
  await setForDatabase(Object.fromEntries(Object.keys(WRONG).map((name) => [name, ''])))
})

test.each(['off', 'local'])('with synchronous_commit at %s, a commit still waits for the standby', async (value) => {
  await setForDatabase({ synchronous_commit: value })
  const database = openDatabase(empty.url, { poolMax: 1 })
  expect(await database.query(show('synchronous_commit'))).toEqual([{ value: 'on' }])
  await database.close()
  await setForDatabase({ synchronous_commit: '' })
})

test('a database whose encoding is not UTF8 is refused at start with a sentence', async () => {
  const admin = openDatabase(empty.url, { poolMax: 1 })
  const name = `latin_${process.pid}`
  const { rows } = await admin.knex.raw(`SELECT current_setting('server_version_num')::int >= 150000 AS has_providers`)
  const libc = rows[0].has_providers ? 'LOCALE_PROVIDER libc' : ''
  await admin.knex.raw(
    `CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' ${libc}`,
  )
  const url = new URL(empty.url)
  url.pathname = `/${name}`
  const env = { DATABASE_URL: url.href, ENCRYPTION_KEY: newEncryptionKey(), PORT: '0' }
  for (const command of ['migrate', 'serve']) {
    const { code, stderr } = await runCliProcess([command], env)
    expect([code, stderr]).toEqual([1, expect.stringMatching(/encoding is LATIN1; create one with ENCODING 'UTF8'\n$/)])
  }
  await admin.knex.raw(`DROP DATABASE ${name}`)
  await admin.close()
})

const pgbouncer = await findPgbouncer()

describe.skipIf(!pgbouncer)('behind PgBouncer, where no session is ours', () => {
  let pooler: Awaited<ReturnType<typeof startPgbouncer>>

  beforeAll(async () => {
    pooler = await startPgbouncer(pgbouncer!, empty.url, 2)
  })
  afterAll(() => pooler.stop())

  const open = () => openDatabase(pooler.databaseUrl, { poolMax: 1, preparedStatements: false })

  test('after a silence, transactions begin on all its connections at once', async () => {
    const database = openDatabase(pooler.databaseUrl, { poolMax: 2, preparedStatements: false })
    await database.query(show('timezone'))
    const now = performance.now.bind(performance)
    vi.spyOn(performance, 'now').mockImplementation(() => now() + 11_000)
    const transactions = await Promise.all([database.knex.transaction(), database.knex.transaction()])
    for (const transaction of transactions) {
      await transaction.raw('SELECT 1')
      await transaction.commit()
    }
    vi.restoreAllMocks()
    await database.close()
  })

  test('what PgBouncer passes on is set; what it does not is refused with the statement that mends it', async () => {
    await setForDatabase({ datestyle: "'German'", timezone: "'Asia/Kolkata'" })
    const first = open()
    expect(await first.query(show('datestyle'))).toEqual([{ value: 'ISO, MDY' }])
    expect(await first.query(show('timezone'))).toEqual([{ value: 'UTC' }])
    await first.close()
    await pooler.stop()
    await setForDatabase({ default_transaction_isolation: "'serializable'" })
    pooler = await startPgbouncer(pgbouncer!, empty.url, 2)
    const second = open()
    const error = await second.query(show('datestyle')).catch((thrown: unknown) => thrown)
    expect(isDatabaseUnavailable(error)).toBe(true)
    expect((error as Error).message).toContain(
      'ALTER ROLE "postgres" SET default_transaction_isolation = \'read committed\'',
    )
    await second.close()
    await setForDatabase({ datestyle: '', timezone: '', default_transaction_isolation: '' })
  })
})
