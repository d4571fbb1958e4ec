import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type Database, openDatabase } from '../../src/database/open-database.ts'
import { isDatabaseUnavailable } from '../../src/database/unavailable.ts'
import { together, until } from '../support/load.ts'
import { createStandby, createSystemPostgres, findPostgres, type SystemPostgres } from '../support/system-postgres.ts'
import { startTcpProxy, type TcpProxy, throughProxy } from '../support/tcp-proxy.ts'

const bin = await findPostgres()

const PORT = { name: '', text: 'SELECT inet_server_port() AS port', values: [] }

const hostOf = ({ port }: SystemPostgres) => ({ host: '127.0.0.1', port })

/** The port of the server that answers. */
async function answeredBy(database: Database): Promise<number> {
  return (await database.query<{ port: number }>(PORT))[0]!.port
}

const failureOf = (database: Database) =>
  answeredBy(database).then(
    (port) => `answered by ${port}`,
    (error: Error) => (isDatabaseUnavailable(error) ? error.message : `not unavailable: ${error}`),
  )

/** Answered when the server has the table `let_go`. */
const UNTIL_LET_GO = `DO $$ BEGIN
  WHILE NOT EXISTS (SELECT FROM pg_class WHERE relname = 'let_go') LOOP PERFORM pg_sleep(0.01); END LOOP;
END $$`

/** Nothing is answered for so long that the primary may have been replaced meanwhile. */
function passSilently(milliseconds: number): void {
  const now = performance.now.bind(performance)
  vi.spyOn(performance, 'now').mockImplementation(() => now() + milliseconds)
}

describe.skipIf(!bin)('when a standby was promoted and the former primary still accepts connections', () => {
  let first: SystemPostgres
  let second: SystemPostgres
  let proxy: TcpProxy
  let database: Database

  const letGo = () => first.query('CREATE TABLE let_go ()')

  beforeEach(async () => {
    first = await createSystemPostgres(bin!)
    await first.start()
    second = await createStandby(bin!, first)
    await second.start()
    proxy = await startTcpProxy(hostOf(first))
  })

  afterEach(async () => {
    vi.restoreAllMocks()
    await database.close()
    await proxy.cut()
    await first.remove()
    await second.remove()
  })

  const severalHosts = () => `postgresql://postgres@127.0.0.1:${first.port},127.0.0.1:${second.port}/postgres`

  test('a new connection to the former primary is refused with a sentence, also in an empty database', async () => {
    database = openDatabase(throughProxy(first.url, proxy))
    expect(await answeredBy(database)).toBe(first.port)
    await second.query('SELECT pg_promote()')
    await proxy.leadTo(hostOf(second))
    expect(await failureOf(database).then(() => answeredBy(database))).toBe(second.port)
    await proxy.leadTo(hostOf(first))
    await failureOf(database)
    expect(await failureOf(database)).toMatch(/it is a former primary \(timeline 1, after 2\); .*restart Keywright$/)
    await proxy.leadTo(hostOf(second))
    expect(await answeredBy(database)).toBe(second.port)
  })

  test('another process accepts it, and another cluster takes the place of the first', async () => {
    database = openDatabase(throughProxy(second.url, proxy))
    await second.query('SELECT pg_promote()')
    await proxy.leadTo(hostOf(second))
    expect(await answeredBy(database)).toBe(second.port)
    const restored = await createSystemPostgres(bin!)
    restored.initialize()
    await restored.start()
    await proxy.leadTo(hostOf(restored))
    await failureOf(database)
    expect(await answeredBy(database)).toBe(restored.port)
    await restored.remove()
    await database.close()
    database = openDatabase(first.url)
    expect(await answeredBy(database)).toBe(first.port)
  })

  test('after a later connection, the earlier ones are not used again, and a late answer on one is not used', async () => {
    database = openDatabase(severalHosts(), { poolMax: 4 })
    const borrowed = await database.knex.transaction()
    const late = borrowed.raw(UNTIL_LET_GO).then(
      () => 'answered',
      (error) => error,
    )
    expect(new Set(await together(3, () => answeredBy(database)))).toEqual(new Set([first.port]))
    await second.query('SELECT pg_promote()')
    passSilently(11_000)
    await failureOf(database)
    vi.restoreAllMocks()
    expect(new Set(await together(8, () => answeredBy(database)))).toEqual(new Set([second.port]))
    await letGo()
    expect(await late).toSatisfy(isDatabaseUnavailable)
    await borrowed.rollback().catch(() => {})
  })

  test('with several hosts, an answer after a silence is used only if no host has a later timeline', async () => {
    database = openDatabase(severalHosts())
    expect(await answeredBy(database)).toBe(first.port)
    await second.query('SELECT pg_promote()')
    expect(await answeredBy(database), 'the connection is open, and was used a moment ago').toBe(first.port)
    passSilently(11_000)
    expect(await failureOf(database)).toBe('the connection leads to a former primary')
    expect(await answeredBy(database)).toBe(second.port)
  })

  test('an answer that took as long as a failover is used only if no host has a later timeline', async () => {
    database = openDatabase(severalHosts())
    expect(await answeredBy(database)).toBe(first.port)
    const late = database.query({ ...PORT, text: UNTIL_LET_GO }).catch((error: unknown) => error)
    await second.query('SELECT pg_promote()')
    passSilently(11_000)
    await letGo()
    expect(await late).toSatisfy(isDatabaseUnavailable)
    expect(await answeredBy(database)).toBe(second.port)
  })

  test('with several hosts, each is asked regularly while statements are answered', async () => {
    database = openDatabase(severalHosts())
    expect(await answeredBy(database)).toBe(first.port)
    await second.query('SELECT pg_promote()')
    for (const later of [6000, 12_000]) {
      passSilently(later)
      await failureOf(database)
      vi.restoreAllMocks()
    }
    passSilently(12_000)
    await until(async () => (await failureOf(database)) === `answered by ${second.port}`)
  })

  test('after a silence, an answer is used when the primary is the same', async () => {
    database = openDatabase(throughProxy(first.url, proxy), { poolMax: 1 })
    await database.knex.raw('CREATE TEMPORARY TABLE of_this_connection (n int)')
    passSilently(11_000)
    await database.knex.raw('SELECT * FROM of_this_connection')
    expect(await answeredBy(database)).toBe(first.port)
  })
})
