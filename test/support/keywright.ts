import { randomBytes } from 'node:crypto'
import { Writable } from 'node:stream'
import { pino } from 'pino'
import { createUser } from '../../src/accounts/users.ts'
import type { Actor } from '../../src/audit/audit-log.ts'
import { bootstrap, type FirstStart } from '../../src/bootstrap.ts'
import type { NewApi } from '../../src/clients/apis.ts'
import { type ClientSettings, DEFAULT_SETTINGS } from '../../src/clients/clients.ts'
import { loadConfig } from '../../src/config/load.ts'
import { type Instance, openInstance } from '../../src/instance.ts'
import { ensureSigningKeys } from '../../src/keys/signing-keys.ts'
import { createServer } from '../../src/server.ts'
import { createApi, createClient, generateKeyPair } from '../../src/tokens/client-changes.ts'
import type { Environment } from './cli.ts'
import { createTestDatabase } from './postgres.ts'
import { endpointsOf } from './requests.ts'

const ACTOR: Actor = { type: 'system', id: 'tests' }

/** A server in this process, on a database of its own. */
export type Keywright = Awaited<ReturnType<typeof startKeywright>>

/** Keeps what the server logs, one parsed line each. */
function createMemoryLog(level: string) {
  const lines: Record<string, unknown>[] = []
  const stream = new Writable({
    write(chunk, _encoding, done) {
      for (const line of String(chunk).trim().split('\n')) lines.push(JSON.parse(line))
      done()
    },
  })
  return { lines, log: pino({ level }, stream) }
}

/** Makes what tests need by the features themselves, without a process for each. */
function createMaker({ database, encryptionKeys }: Instance, firstStart: FirstStart) {
  const { knex } = database
  let made = 0
  const nextName = (what: string) => `${what}-${++made}`
  return {
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
    /** A confidential client of the first account for client_credentials, unless the settings say otherwise. */
    async client(settings: Partial<ClientSettings> = {}, apis: string[] = [], scopes: string[] | null = null) {
      const all = { ...DEFAULT_SETTINGS, name: nextName('client'), grants: ['client_credentials'], ...settings }
      const request = { accountId: firstStart.accountId, settings: all, apis, scopes }
      const { client, clientSecret, apiKey } = await createClient(knex, request, ACTOR)
      return { clientId: client.clientId, clientSecret: clientSecret!, apiKey: apiKey! }
    },
    async user(role: 'admin' | 'member' = 'admin') {
      const person = { email: `${nextName('user')}@example.com`, role, accountId: firstStart.accountId }
      return (await createUser(knex, person)).user
    },
    async keyPair(user: string, apis: string[] = []) {
      const { client, clientSecret, revoked } = await generateKeyPair(knex, { user, apis }, ACTOR)
      return { clientId: client.clientId, clientSecret: clientSecret!, revoked }
    },
  }
}

/** Starts a server as `npm start` does, set up as at its first start. `databaseUrl`: one that is there already. */
export async function startKeywright(options: { env?: Environment; databaseUrl?: string } = {}) {
  const created = options.databaseUrl ? undefined : await createTestDatabase()
  const env: Environment = {
    DATABASE_URL: options.databaseUrl ?? created!.url,
    ENCRYPTION_KEY: randomBytes(32).toString('base64'),
    PORT: '0',
    LOG_LEVEL: 'trace',
    ...options.env,
  }
  const config = loadConfig(env)
  const { lines, log } = createMemoryLog(config.logLevel)
  const instance = await openInstance(config, { role: 'server' })
  const firstStart = (await bootstrap(instance.database.knex, instance.encryptionKeys))!
  const server = await createServer(config, instance, log)
  const { url, issuer } = await server.start()
  let stopped: Promise<void> | undefined
  const stopServing = () => {
    stopped ??= server.stop()
    return stopped
  }
  return {
    url,
    issuer,
    firstStart,
    instance,
    knex: instance.database.knex,
    /** For processes that are to work on the same database. */
    env,
    make: createMaker(instance, firstStart),
    ...endpointsOf(url),
    logLines: () => lines,
    /** Ends the server; the database stays, for a look at what it wrote last. */
    stopServing,
    async stop() {
      await stopServing()
      await instance.close()
      await created?.drop()
    },
  }
}
