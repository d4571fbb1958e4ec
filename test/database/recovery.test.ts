import { afterEach, beforeEach, expect, test } from 'vitest'
import { startEmbeddedPostgres } from '../../src/database/embedded/start.ts'
import { openDatabase } from '../../src/database/open-database.ts'
import { isDatabaseUnavailable } from '../../src/database/unavailable.ts'
import { type createDataDirectory, postmasterOf } from '../support/data-directory.ts'
import { createInitializedDataDirectory } from '../support/initialized-data-directory.ts'
import { until } from '../support/load.ts'
import { freePort } from '../support/program.ts'

let data: ReturnType<typeof createDataDirectory>

beforeEach(async () => {
  data = await createInitializedDataDirectory()
})

afterEach(() => data.remove())

const one = { name: 'one', text: 'SELECT 1 AS one', values: [] }

const SLEEPING = {
  name: 'sleeping',
  text: `SELECT count(*)::int AS n FROM pg_stat_activity WHERE wait_event = 'PgSleep'`,
  values: [],
}

/** On one port, because each start of the embedded one has a new socket directory. */
const start = (port: number) =>
  startEmbeddedPostgres({
    dataDir: data.path,
    role: 'server',
    settings: { listen_addresses: '127.0.0.1', port: `${port}` },
  })

async function prepare(port: number) {
  const postgres = await start(port)
  const admin = openDatabase(postgres.connection)
  await admin.knex.raw(`ALTER USER postgres PASSWORD 'secret'`)
  await admin.close()
  return postgres
}

test('a pool whose PostgreSQL was stopped says so at once, and works again when it is back', async () => {
  const port = await freePort()
  const first = await prepare(port)
  const poolErrors: Error[] = []
  const database = openDatabase(`postgresql://postgres:secret@127.0.0.1:${port}/postgres`, {
    poolMax: 4,
    onPoolError: (error) => poolErrors.push(error),
  })
  await Promise.all(Array.from({ length: 8 }, () => database.query(one)))
  const slow = database.query({ ...one, name: 'slow', text: 'SELECT pg_sleep(60)' }).catch((error) => error)
  await until(async () => (await database.query<{ n: number }>(SLEEPING))[0]!.n > 0)
  await first.stop()
  expect(isDatabaseUnavailable(await slow)).toBe(true)
  const failed = await Promise.allSettled(Array.from({ length: 8 }, () => database.query(one)))
  expect(failed.every((end) => end.status === 'rejected' && isDatabaseUnavailable(end.reason))).toBe(true)
  expect(database.poolState()).toMatchObject({ used: 0, pending: 0 })
  const second = await start(port)
  expect(await Promise.all(Array.from({ length: 8 }, () => database.query(one)))).toHaveLength(8)
  expect(poolErrors.length).toBeGreaterThan(0)
  await database.close()
  await second.stop()
})

test('a crash of one session, which restarts all of PostgreSQL, is survived by the pool', async () => {
  const port = await freePort()
  const postgres = await prepare(port)
  const database = openDatabase(`postgresql://postgres:secret@127.0.0.1:${port}/postgres`, { poolMax: 4 })
  const [session] = await database.query<{ pid: number }>({ ...one, text: 'SELECT pg_backend_pid() AS pid', name: 'p' })
  process.kill(session!.pid, 'SIGKILL')
  const ends: (string | boolean)[] = []
  await until(async () => {
    ends.push(await database.query(one).then(() => 'fine', isDatabaseUnavailable))
    return ends.at(-1) === 'fine'
  })
  expect(ends).not.toContain(false)
  expect(postmasterOf(data.path)).toBeDefined()
  await database.close()
  await postgres.stop()
})
