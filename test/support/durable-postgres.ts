import { randomBytes } from 'node:crypto'
import { startEmbeddedPostgres } from '../../src/database/embedded/start.ts'
import { migrate } from '../../src/database/migrations.ts'
import { openDatabase } from '../../src/database/open-database.ts'
import { isGoneWithin, postmasterOf } from './data-directory.ts'
import { createInitializedDataDirectory } from './initialized-data-directory.ts'
import { killWithChildren } from './kill-with-children.ts'
import { preferredPostgres } from './preferred-postgres.ts'
import { freePort } from './program.ts'

/**
 * A PostgreSQL of its own with fsync on, at an address that outlives its crashes. On a port of its own, because each start of
 * the embedded one has a new socket directory.
 */
export async function startDurablePostgres() {
  const data = await createInitializedDataDirectory()
  const port = await freePort()
  const password = randomBytes(16).toString('hex')
  const start = () =>
    startEmbeddedPostgres({
      dataDir: data.path,
      role: 'server',
      prefer: preferredPostgres(),
      durable: true,
      settings: { listen_addresses: '127.0.0.1', port: `${port}` },
    })
  let running = await start()
  const url = `postgresql://postgres:${password}@127.0.0.1:${port}/postgres`
  const admin = openDatabase(running.connection)
  await admin.knex.raw(`ALTER USER postgres PASSWORD '${password}'`)
  await migrate(admin.knex)
  await admin.close()
  return {
    url,
    /** `kill -9` of all its processes at one moment: what only its memory held is gone. */
    async crash() {
      const postmaster = postmasterOf(data.path)!
      killWithChildren(postmaster.pid)
      if (!(await isGoneWithin(60_000, postmaster))) throw new Error('PostgreSQL survived kill -9')
    },
    async start() {
      running = await start()
    },
    async stop() {
      await running.stop()
      data.remove()
    },
  }
}
