import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFileSync,
  chmodSync,
  chownSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
} from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { accountFor } from '../../src/database/embedded/system-account.ts'
import { clusterParent, TEST_PREFIX } from './data-directory.ts'
import { findProgram } from './debian.ts'
import { endWithTests } from './end-with-tests.ts'
import { copyInitializedCluster, initializeCluster } from './initialized-cluster.ts'
import { until } from './load.ts'
import { freePort } from './program.ts'

const ROOT = '/usr/lib/postgresql'

/** The directory of a whole PostgreSQL with pg_basebackup, which the embedded one lacks. Undefined where none can be had. */
export async function findPostgres(): Promise<string | undefined> {
  const [newest] = existsSync(ROOT) ? readdirSync(ROOT).sort((a, b) => Number(b) - Number(a)) : []
  const bin = join(ROOT, newest ?? '15', 'bin')
  const found = await findProgram(join(bin, 'pg_basebackup'), 'postgresql')
  return found && bin
}

export interface SystemPostgres {
  readonly port: number
  readonly data: string
  readonly home: string
  /** The superuser, on 127.0.0.1, without a password. */
  readonly url: string
  /** Initializes a cluster with a system identifier of its own. Without it, `start` copies one. */
  initialize(): void
  start(): Promise<void>
  /** SIGINT, which PostgreSQL takes for *fast*. */
  stop(signal?: NodeJS.Signals): Promise<void>
  /** Stops all its processes where they are; connections stay open and silent. */
  freeze(): void
  thaw(): void
  /** The same account's tools, such as pg_basebackup. */
  run(program: string, args: readonly string[]): void
  configure(lines: string): void
  query(text: string, database?: string): Promise<pg.QueryResult['rows']>
  remove(): Promise<void>
}

/** Each of them is the leader of a process group of its own. */
const childrenOf = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number)

function signalIfAlive(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** A directory for a cluster, whose owner PostgreSQL runs as. */
function prepareHome(parent: string) {
  const home = mkdtempSync(join(parent, `${TEST_PREFIX}${process.pid}-`))
  const account = accountFor(home)
  chmodSync(home, 0o755)
  if (account) chownSync(home, account.uid, account.gid)
  return { home, account }
}

export async function createSystemPostgres(bin: string, parent = clusterParent()): Promise<SystemPostgres> {
  const { home, account } = prepareHome(parent)
  const data = join(home, 'data')
  const port = await freePort()
  let ended: Promise<unknown> | undefined
  let pid = 0
  const signalAll = (name: NodeJS.Signals) => {
    for (const one of [pid, ...childrenOf(pid)]) signalIfAlive(one, name)
  }
  const url = `postgresql://postgres@127.0.0.1:${port}/postgres`
  const options = { ...account, cwd: '/', env: { LC_ALL: 'C' } }
  const run = (program: string, args: readonly string[]) =>
    void execFileSync(join(bin, program), args, { ...options, stdio: 'pipe' })

  async function query(text: string, database = 'postgres') {
    const client = new pg.Client({ host: '127.0.0.1', port, user: 'postgres', database })
    await client.connect()
    try {
      return (await client.query(text)).rows
    } finally {
      await client.end()
    }
  }

  const isUp = () =>
    query('SELECT 1').then(
      () => true,
      () => false,
    )

  const server: SystemPostgres = {
    port,
    data,
    home,
    url,
    run,
    query,
    configure: (lines) => appendFileSync(join(data, 'postgresql.conf'), `\n${lines}\n`),
    freeze: () => signalAll('SIGSTOP'),
    thaw: () => signalAll('SIGCONT'),
    initialize: () => initializeCluster(bin, data, options),
    async start() {
      if (!existsSync(data)) copyInitializedCluster(bin, data, options)
      const where = ['-c', `port=${port}`, '-c', 'listen_addresses=127.0.0.1', '-c', `unix_socket_directories=${home}`]
      const child = spawn(join(bin, 'postgres'), ['-D', data, ...where], { ...account, cwd: '/', stdio: 'ignore' })
      endWithTests(child, 'SIGQUIT')
      ended = once(child, 'exit')
      pid = child.pid!
      await until(isUp)
    },
    async stop(name = 'SIGINT') {
      signalAll('SIGCONT')
      signalIfAlive(pid, name)
      await ended
      ended = undefined
    },
    async remove() {
      if (ended) await server.stop('SIGQUIT')
      rmSync(home, { recursive: true, force: true, maxRetries: 5 })
    },
  }
  return server
}

/** A streaming standby of it, stopped. */
export async function createStandby(bin: string, primary: SystemPostgres): Promise<SystemPostgres> {
  const standby = await createSystemPostgres(bin)
  const source = ['-h', '127.0.0.1', '-p', `${primary.port}`, '-U', 'postgres']
  primary.run('pg_basebackup', ['-D', standby.data, ...source, '-R', '-X', 'stream', '-c', 'fast', '--no-sync'])
  return standby
}
