import type { ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createAccount } from '../../src/accounts/accounts.ts'
import { createUser } from '../../src/accounts/users.ts'
import type { Actor } from '../../src/audit/audit-log.ts'
import type { NewApi } from '../../src/clients/apis.ts'
import { type ClientSettings, DEFAULT_SETTINGS } from '../../src/clients/client-settings.ts'
import { type Database, openDatabase } from '../../src/database/open.ts'
import { ensureSigningKeys } from '../../src/keys/signing-keys.ts'
import { createApi, createClient, generateKeyPair } from '../../src/tokens/client-changes.ts'
import { type Environment, spawnKeywright } from './cli.ts'
import { createTestDatabase } from './postgres.ts'
import { endpointsOf } from './requests.ts'

export const ACTOR: Actor = { type: 'system', id: 'tests' }

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

const running = new Set<ChildProcess>()

// A test that fails leaves its servers behind; they must not outlive the tests, however those end.
function killAll(): void {
  for (const child of running) child.kill('SIGKILL')
}
process.once('exit', killAll)
process.once('SIGTERM', () => process.exit())
process.once('disconnect', killAll)

/** Starts `keywright serve`, ready or not. */
export function launchServer(env: Environment): Launched {
  const child = spawnKeywright(['serve'], env)
  running.add(child.once('exit', () => running.delete(child)))
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

/** Makes what tests need by the features themselves, on the nodes' database. */
export function createMaker({ knex }: Database, encryptionKeys: readonly Buffer[]) {
  let made = 0
  const nextName = (what: string) => `${what}-${++made}`
  const first = createAccount(knex, nextName('account'))
  const accountOf = async (id?: string) => id ?? (await first).id
  return {
    account: async () => (await createAccount(knex, nextName('account'))).id,
    accountId: () => accountOf(),
    async api(settings: Partial<NewApi> = {}) {
      const api: NewApi = {
        identifier: `https://${nextName('api')}.example.com`,
        scopes: ['read', 'write'],
        tokenTtl: 3600,
        policy: 'none',
        signingAlg: 'ES256',
        isDefault: false,
        ...settings,
      }
      await ensureSigningKeys(knex, api.signingAlg, encryptionKeys)
      const { client, clientSecret } = await createApi(knex, api, ACTOR)
      return { identifier: api.identifier, clientId: client.clientId, clientSecret: clientSecret! }
    },
    /** A confidential client for client_credentials, unless the settings say otherwise. */
    async client(apis: string[], settings: Partial<ClientSettings> = {}, account?: string) {
      const all = { ...DEFAULT_SETTINGS, name: nextName('client'), grants: ['client_credentials'], ...settings }
      const request = { accountId: await accountOf(account), settings: all, apis, scopes: null }
      const { client, clientSecret } = await createClient(knex, request, ACTOR)
      return { key: client.key, clientId: client.clientId, clientSecret: clientSecret! }
    },
    async user(account?: string) {
      const email = `${nextName('user')}@example.com`
      return (await createUser(knex, { email, role: 'admin', accountId: await accountOf(account) })).user
    },
    async keyPair(user: string, apis: string[] = []) {
      const { client, clientSecret, revoked } = await generateKeyPair(knex, { user, apis }, ACTOR)
      return { key: client.key, clientId: client.clientId, clientSecret: clientSecret!, revoked }
    },
  }
}

export type Nodes = Awaited<ReturnType<typeof startNodes>>

export const newEncryptionKey = () => randomBytes(32).toString('base64')

/** Starts server processes on one PostgreSQL. `databaseUrl`: a migrated one that is there already. */
export async function startNodes(count: number, options: { env?: Environment; databaseUrl?: string } = {}) {
  const created = options.databaseUrl ? undefined : await createTestDatabase()
  const env: Environment = {
    DATABASE_URL: options.databaseUrl ?? created!.url,
    ENCRYPTION_KEY: newEncryptionKey(),
    ISSUER,
    PORT: '0',
    LOG_LEVEL: 'info',
    ...options.env,
  }
  const starting = await Promise.allSettled(Array.from({ length: count }, () => startNode(env)))
  const nodes: ServerNode[] = starting.filter((start) => start.status === 'fulfilled').map((start) => start.value)
  const failed = starting.find((start) => start.status === 'rejected')
  if (failed) await Promise.all(nodes.map((node) => node.kill()))
  if (failed) throw failed.reason
  const database = openDatabase(env.DATABASE_URL!, { poolMax: 4 })
  return {
    nodes,
    env,
    database,
    knex: database.knex,
    make: createMaker(database, [Buffer.from(env.ENCRYPTION_KEY!, 'base64')]),
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
