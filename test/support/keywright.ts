import { bootstrap, type FirstStart } from '../../src/bootstrap.ts'
import type { ClientSettings } from '../../src/clients/client-settings.ts'
import { loadConfig } from '../../src/config/load-config.ts'
import { type Instance, openInstance } from '../../src/instance.ts'
import { createServer } from '../../src/server.ts'
import { newEncryptionKey } from './encryption-key.ts'
import type { Environment } from './environment.ts'
import { createCommonFactory } from './factory.ts'
import { createMemoryLog } from './memory-log.ts'
import { createSetUpDatabase } from './postgres.ts'
import { endpointsOf } from './requests.ts'

/** A server in this process, on a database of its own. */
export type Keywright = Awaited<ReturnType<typeof startKeywright>>

/** `firstStart`: absent on a database that had its own already, whose accounts must then be named. */
function createServerMaker({ database, encryptionKeys }: Instance, firstStart: FirstStart | undefined) {
  const maker = createCommonFactory(database.knex, encryptionKeys, async () => firstStart!.accountId)
  return {
    ...maker,
    client: (settings: Partial<ClientSettings> = {}, apis: string[] = [], scopes: string[] | null = null) =>
      maker.register({ settings, apis, scopes }),
    user: (role: 'admin' | 'member' = 'admin', account?: string) => maker.user(account, role),
  }
}

/** Starts a server as `npm start` does, set up as at its first start. `databaseUrl`: one that is there already. */
export async function startKeywright(options: { env?: Environment; databaseUrl?: string } = {}) {
  const created = options.databaseUrl ? undefined : await createSetUpDatabase()
  const env: Environment = {
    DATABASE_URL: options.databaseUrl ?? created!.url,
    ENCRYPTION_KEY: created?.encryptionKey ?? newEncryptionKey(),
    PORT: '0',
    LOG_LEVEL: 'trace',
    SHUTDOWN_DELAY: '0',
    ...options.env,
  }
  const config = loadConfig(env)
  const { lines, log } = createMemoryLog(config.logLevel)
  const instance = await openInstance(config, { role: 'server' })
  const bootstrapped = await bootstrap(instance.database.knex, instance.encryptionKeys, config.issuer)
  const firstStart = (bootstrapped ?? created?.firstStart)!
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
    make: createServerMaker(instance, firstStart),
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
