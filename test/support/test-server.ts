import { randomBytes } from 'node:crypto'
import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/database/embedded/start.ts'
import { clusterParent, TEST_PREFIX } from './data-directory.ts'
import { preferredPostgres } from './preferred-postgres.ts'
import { freePort } from './program.ts'

/** A PostgreSQL for one run of the tests. */
export interface TestServer {
  readonly url: string
  stop(): Promise<void>
}

const isRunning = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** What killed runs left; their PostgreSQL ended with them. */
function sweep(parent: string): void {
  for (const name of readdirSync(parent)) {
    if (!name.startsWith(TEST_PREFIX) || isRunning(Number(name.slice(TEST_PREFIX.length).split('-')[0]))) continue
    try {
      rmSync(join(parent, name), { recursive: true, force: true })
    } catch {
      // Another user's.
    }
  }
}

async function startOnSomePort(dataDir: string): Promise<EmbeddedPostgres> {
  for (let tries = 1; ; tries++) {
    const settings = { listen_addresses: '127.0.0.1', port: `${await freePort()}`, max_connections: '500' }
    try {
      return await startEmbeddedPostgres({
        dataDir,
        role: 'server',
        prefer: preferredPostgres(),
        durable: false,
        settings,
      })
    } catch (error) {
      if (tries === 3 || !String(error).includes('could not bind')) throw error
    }
  }
}

/** On a shared machine the port is open to everybody, so the superuser gets a password. */
async function setPassword({ connection }: EmbeddedPostgres): Promise<string> {
  const password = randomBytes(16).toString('hex')
  const client = new pg.Client({ ...connection })
  await client.connect()
  await client.query(`ALTER USER postgres PASSWORD '${password}'`)
  await client.end()
  return password
}

export async function startTestServer(): Promise<TestServer> {
  const parent = clusterParent()
  for (const each of new Set([parent, tmpdir()])) sweep(each)
  const dataDir = mkdtempSync(join(parent, `${TEST_PREFIX}${process.pid}-`))
  // mkdtemp makes it 0700, and when root runs the tests PostgreSQL is another user.
  chmodSync(dataDir, 0o755)
  const postgres = await startOnSomePort(dataDir)
  const password = await setPassword(postgres)
  return {
    url: `postgresql://postgres:${password}@127.0.0.1:${postgres.connection.port}/postgres`,
    async stop() {
      await postgres.stop()
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}
