import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { accountFor } from '../../src/database/embedded/system-account.ts'
import { clusterParent, TEST_PREFIX } from './data-directory.ts'
import { findProgram } from './debian.ts'
import { endWithTests } from './end-with-tests.ts'
import { copyInitializedCluster, initializeCluster } from './initialized-cluster.ts'
import { killWithChildren } from './kill-with-children.ts'
import { until } from './load.ts'
import { freePort } from './program.ts'

/** The directory of a PostgreSQL with pg_basebackup, which the embedded one lacks. Undefined where none can be had. */
export async function findPostgresTools(): Promise<string | undefined> {
  const bin = '/usr/lib/postgresql/15/bin'
  return (await findProgram(join(bin, 'pg_basebackup'), 'postgresql')) && bin
}

export type ReplaceablePostgres = Awaited<ReturnType<typeof startReplaceablePostgres>>

/** One address at which a PostgreSQL can be replaced by another: its standby, or a restored copy. */
export async function startReplaceablePostgres(bin: string) {
  const home = mkdtempSync(join(clusterParent(), `${TEST_PREFIX}${process.pid}-`))
  const account = accountFor(home)
  chmodSync(home, 0o755)
  if (account) chownSync(home, account.uid, account.gid)
  const port = await freePort()
  const url = `postgresql://postgres@127.0.0.1:${port}/postgres`
  const options = { ...account, cwd: '/', env: { LC_ALL: 'C', TZ: 'UTC' } }
  const run = (program: string, args: readonly string[]) =>
    execFileSync(join(bin, program), args, { ...options, stdio: 'pipe', maxBuffer: 256 * 1024 * 1024 })
  let running: { pid: number; ended: Promise<unknown> } | undefined

  async function query(text: string): Promise<pg.QueryResult['rows']> {
    const client = new pg.Client(url)
    await client.connect()
    try {
      return (await client.query(text)).rows
    } finally {
      await client.end()
    }
  }

  const answers = (text: string) => () =>
    query(text).then(
      (rows) => Object.values(rows[0])[0] === true,
      () => false,
    )

  async function start(name: string): Promise<void> {
    const where = ['-c', `port=${port}`, '-c', 'listen_addresses=127.0.0.1', '-c', `unix_socket_directories=${home}`]
    const child = spawn(join(bin, 'postgres'), ['-D', join(home, name), ...where], { ...options, stdio: 'ignore' })
    endWithTests(child, 'SIGQUIT')
    running = { pid: child.pid!, ended: once(child, 'exit') }
    await until(answers('SELECT true'))
  }

  /** `kill -9` of all its processes: whatever no other server has is lost. */
  async function lose(): Promise<void> {
    const { pid, ended } = running!
    killWithChildren(pid)
    await ended
    running = undefined
  }

  copyInitializedCluster(bin, join(home, 'primary'), options)
  await start('primary')
  return {
    url,
    query,
    /** As far as an asynchronous standby, or a base backup, has come: what is committed later it never receives. */
    copy(): void {
      const from = ['-h', '127.0.0.1', '-p', `${port}`, '-U', 'postgres']
      run('pg_basebackup', ['-D', join(home, 'standby'), ...from, '-X', 'stream', '-c', 'fast', '--no-sync'])
    },
    /** The server is lost, and its standby promoted at its address. */
    async failOver(): Promise<void> {
      await lose()
      writeFileSync(join(home, 'standby', 'standby.signal'), '')
      await start('standby')
      await query('SELECT pg_promote()')
      await until(answers('SELECT NOT pg_is_in_recovery()'))
    },
    /** A dump of it is restored into another cluster, which takes its address. */
    async restoreElsewhere(): Promise<void> {
      const dump = run('pg_dump', ['-h', '127.0.0.1', '-p', `${port}`, '-U', 'postgres', 'postgres'])
      writeFileSync(join(home, 'dump.sql'), dump)
      await lose()
      initializeCluster(bin, join(home, 'restored'), options)
      await start('restored')
      run('psql', [
        '-q',
        '-h',
        '127.0.0.1',
        '-p',
        `${port}`,
        '-U',
        'postgres',
        '-f',
        join(home, 'dump.sql'),
        'postgres',
      ])
    },
    async stop(): Promise<void> {
      if (running) await lose()
      if (existsSync(home)) rmSync(home, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}
