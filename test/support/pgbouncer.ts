import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findProgram } from './debian.ts'
import { freePort, removeDirectory, startProgram } from './program.ts'

/** Undefined where it cannot be had. @throws Error with CI=true or KEYWRIGHT_REQUIRE_BROWSER=1 instead */
export const findPgbouncer = (): Promise<string | undefined> => findProgram('/usr/sbin/pgbouncer', 'pgbouncer')

/** PgBouncer in transaction mode before the server of a database, with so few connections that all of them are shared. */
export async function startPgbouncer(pgbouncer: string, databaseUrl: string, poolSize: number) {
  const server = new URL(databaseUrl)
  const port = await freePort()
  const home = await mkdtemp(join(tmpdir(), 'keywright-pgbouncer-'))
  const file = join(home, 'pgbouncer.ini')
  const password = server.password ? ` password=${decodeURIComponent(server.password)}` : ''
  const lines = [
    '[databases]',
    `* = host=${server.hostname} port=${server.port || 5432} user=${server.username}${password}`,
    '[pgbouncer]',
    'listen_addr = 127.0.0.1',
    `listen_port = ${port}`,
    'unix_socket_dir =',
    'auth_type = any',
    'pool_mode = transaction',
    `default_pool_size = ${poolSize}`,
  ]
  await writeFile(file, lines.join('\n'), { mode: 0o600 })
  // It does not run as root, but reads its file before it gives that up.
  const asUser = process.getuid?.() === 0 ? ['-u', 'nobody'] : []
  const program = await startProgram([pgbouncer, ...asUser, file], port)
  return {
    ...program,
    /** The same database by way of it. */
    databaseUrl: `postgresql://${server.username}@127.0.0.1:${port}${server.pathname}`,
    async stop() {
      await program.stop()
      await removeDirectory(home)
    },
  }
}
