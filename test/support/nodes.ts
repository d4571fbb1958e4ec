import { once } from 'node:events'
import { openDatabase } from '../../src/database/open-database.ts'
import { spawnKeywright } from './cli.ts'
import { keysOf, newEncryptionKey } from './encryption-key.ts'
import { endWithTests } from './end-with-tests.ts'
import type { Environment } from './environment.ts'
import { createMaker } from './factory.ts'
import { until } from './load.ts'
import { createSetUpDatabase, createTestDatabase } from './postgres.ts'
import { endpointsOf, METRICS_TOKEN } from './requests.ts'

/** All nodes speak for one issuer, as behind a load balancer. */
export const ISSUER = 'https://keywright.test'

export interface Ending {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface Launched {
  readonly pid: number
  stdout(): string
  stderr(): string
  readonly ended: Promise<Ending>
  /** Resolves when `pattern` was written to standard error; fails when the process ends without that. */
  says(pattern: RegExp, times?: number): Promise<void>
  /** Resolves with the match when `pattern` was written to standard output, which may come after the line *listening*. */
  prints(pattern: RegExp): Promise<RegExpExecArray>
  signal(name: NodeJS.Signals): void
}

/** Starts `keywright serve`, ready or not. */
export function launchServer(env: Environment): Launched {
  const child = spawnKeywright(['serve'], env)
  endWithTests(child, 'SIGKILL')
  const written = { out: '', err: '' }
  child.stdout.setEncoding('utf8').on('data', (text) => {
    written.out += text
  })
  child.stderr.setEncoding('utf8').on('data', (text) => {
    written.err += text
  })
  const ended = once(child, 'close').then(([code, signal]): Ending => ({ code, signal }))
  return {
    pid: child.pid!,
    stdout: () => written.out,
    stderr: () => written.err,
    ended,
    async says(pattern, times = 1) {
      const all = new RegExp(pattern, 'g')
      const isSaid = () => (written.err.match(all)?.length ?? 0) >= times
      let over = false
      const end = ended.then(() => {
        over = true
      })
      while (!isSaid()) {
        if (over) throw new Error(`the server ended without saying ${pattern}:\n${written.err}`)
        await Promise.race([once(child.stderr, 'data'), end])
      }
    },
    async prints(pattern) {
      await until(() => pattern.test(written.out))
      return pattern.exec(written.out)!
    },
    signal: (name) => {
      child.kill(name)
    },
  }
}

/** A server process that serves. */
export type ServerNode = Awaited<ReturnType<typeof startNode>>

export async function startNode(env: Environment) {
  const process = launchServer(env)
  await process.says(/"msg":"listening"/, Number(env.WORKERS ?? 1))
  const url = /"url":"([^"]+)"/.exec(process.stderr())![1]!
  return {
    ...process,
    url,
    ...endpointsOf(url),
    /** SIGTERM, and its end. */
    stop() {
      process.signal('SIGTERM')
      return process.ended
    },
    /** `kill -9`. */
    kill() {
      process.signal('SIGKILL')
      return process.ended
    },
  }
}

export type Nodes = Awaited<ReturnType<typeof startNodes>>

/** Starts server processes on one PostgreSQL. `databaseUrl`: a migrated one that is there already. */
export async function startNodes(count: number, options: { env?: Environment; databaseUrl?: string } = {}) {
  // A key of the test's own could not open what the set-up database holds.
  const isOwnKey = options.env?.ENCRYPTION_KEY !== undefined
  const setUp = options.databaseUrl || isOwnKey ? undefined : await createSetUpDatabase()
  const created = options.databaseUrl ? undefined : (setUp ?? (await createTestDatabase()))
  const databaseUrl = options.databaseUrl ?? created!.url
  const env: Environment = {
    DATABASE_URL: databaseUrl,
    ENCRYPTION_KEY: setUp?.encryptionKey ?? newEncryptionKey(),
    ISSUER,
    PORT: '0',
    LOG_LEVEL: 'info',
    METRICS_TOKEN,
    ...options.env,
  }
  const starting = await Promise.allSettled(Array.from({ length: count }, () => startNode(env)))
  const nodes: ServerNode[] = starting.filter((start) => start.status === 'fulfilled').map((start) => start.value)
  const failed = starting.find((start) => start.status === 'rejected')
  if (failed) await Promise.all(nodes.map((node) => node.kill()))
  if (failed) throw failed.reason
  // Not through the proxy that the nodes may use.
  const database = openDatabase(databaseUrl, { poolMax: 4 })
  return {
    nodes,
    env,
    database,
    knex: database.knex,
    make: createMaker(database, keysOf(env.ENCRYPTION_KEY!)),
    /** Puts a new process in the place of one that was killed or stopped. */
    async restart(index: number) {
      nodes[index] = await startNode(env)
    },
    /** Waits for the statements of killed nodes: PostgreSQL completes what it has received, such as the claim of a message. */
    async statementsEnded() {
      const running = () =>
        database
          .knex('pg_stat_activity')
          .where({ datname: database.knex.raw('current_database()'), state: 'active' })
          .whereRaw('pid <> pg_backend_pid()')
      await until(async () => (await running()).length === 0)
    },
    async stop() {
      await Promise.all(nodes.map((node) => node.stop()))
      await database.close()
      await created?.drop()
    },
  }
}

/** Nodes that other tests use too: a test may neither stop, freeze nor reconfigure them. */
export type SharedNodes = Omit<Nodes, 'stop' | 'restart'>

let shared: Promise<SharedNodes> | undefined

/**
 * Two nodes on one PostgreSQL for all files that run in this process, which end with it: a start takes a second of the
 * processor, and the first requests another one. Each file makes its own accounts, APIs and clients.
 */
export function shareNodes(): Promise<SharedNodes> {
  shared ??= startNodes(2)
  return shared
}
