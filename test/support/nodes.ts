import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createAccount } from '../../src/accounts/accounts.ts'
import type { ClientSettings } from '../../src/clients/client-settings.ts'
import { type Database, openDatabase } from '../../src/database/open-database.ts'
import { createEncryptionKeys, type EncryptionKeys } from '../../src/shared/encryption-keys.ts'
import { type Environment, spawnKeywright } from './cli.ts'
import { endWithTests } from './end-with-tests.ts'
import { createCommonFactory } from './factory.ts'
import { createTestDatabase } from './postgres.ts'
import { endpointsOf, METRICS_TOKEN } from './requests.ts'

export { ACTOR } from './factory.ts'

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

/** The same for nodes: clients are of some account of their own. */
export function createMaker({ knex }: Database, encryptionKeys: EncryptionKeys) {
  const maker = createCommonFactory(knex, encryptionKeys, async (name) => (await createAccount(knex, name)).id)
  return {
    ...maker,
    client: (apis: string[], settings: Partial<ClientSettings> = {}, account?: string) =>
      maker.register({ apis, settings, account }),
  }
}

export type Nodes = Awaited<ReturnType<typeof startNodes>>

/** As a node reads `ENCRYPTION_KEY`. */
export const keysOf = (list: string) => createEncryptionKeys(list.split(',').map((key) => Buffer.from(key, 'base64')))

export const newEncryptionKey = () => randomBytes(32).toString('base64')

/** Starts server processes on one PostgreSQL. `databaseUrl`: a migrated one that is there already. */
export async function startNodes(count: number, options: { env?: Environment; databaseUrl?: string } = {}) {
  const created = options.databaseUrl ? undefined : await createTestDatabase()
  const databaseUrl = options.databaseUrl ?? created!.url
  const env: Environment = {
    DATABASE_URL: databaseUrl,
    ENCRYPTION_KEY: newEncryptionKey(),
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
  // Not by the way that the nodes may have been told to take.
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
    async stop() {
      await Promise.all(nodes.map((node) => node.stop()))
      await database.close()
      await created?.drop()
    },
  }
}
