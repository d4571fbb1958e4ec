import cluster from 'node:cluster'
import type { Command } from 'commander'
import { bootstrap, describeFirstStart, type FirstStart } from '../../bootstrap.ts'
import { type Config, loadConfig } from '../../config/load.ts'
import { type Instance, openInstance } from '../../instance.ts'
import { createServer, originOf } from '../../server.ts'
import { createLog, type Log } from '../../shared/log.ts'
import { forkWorkers, gatherThroughPrimary } from '../workers.ts'

/**
 * Resolves at the first SIGTERM or SIGINT; a second one ends the process where it stands. Not so a worker: it hears of
 * one stop twice, from the primary and from whoever signals the whole group (systemd, Ctrl-C), and must finish.
 */
function untilToldToStop(): Promise<string> {
  return new Promise((resolve) => {
    let told = false
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.on(signal, () => {
        if (told && !cluster.isWorker) process.exit(1)
        told = true
        resolve(signal)
      })
    }
  })
}

/** What libraries say through the console belongs in the log, as JSON like everything else. */
function catchConsole(log: Log): void {
  const capture = (message: unknown) => log.debug({ detail: String(message) }, 'library notice')
  Object.assign(console, { log: capture, info: capture, warn: capture, error: capture })
}

async function open(config: Config, log: Log): Promise<Instance> {
  return await openInstance(config, {
    role: 'server',
    onNotice: (message) => log.info(message),
    onPoolError: (error) => log.warn({ detail: error.message }, 'a database connection was lost'),
  })
}

async function serveHere(
  config: Config,
  instance: Instance,
  log: Log,
  firstStart: FirstStart | undefined,
): Promise<void> {
  const stopping = untilToldToStop()
  const overrides = cluster.isWorker ? { exposition: gatherThroughPrimary } : {}
  const server = await createServer(config, instance, log, overrides)
  const { url, issuer } = await server.start()
  log.info({ url, issuer, node: process.version }, 'listening')
  if (firstStart) process.stdout.write(describeFirstStart(issuer, firstStart))
  const signal = await stopping
  log.info({ signal }, 'stopping')
  await server.stop()
}

async function serveByWorkers(config: Config, instance: Instance, log: Log, firstStart: FirstStart | undefined) {
  const environment = {
    DATABASE_URL: instance.connectionUrl,
    ENCRYPTION_KEY: instance.encryptionKeys.all.map(({ secret }) => secret.toString('base64')).join(','),
    // A worker always has a DATABASE_URL; its default would be another one.
    SHUTDOWN_DELAY: `${config.shutdownDelay}`,
    DATABASE_URL_FILE: '',
    SHUTDOWN_DELAY_FILE: '',
    ENCRYPTION_KEY_FILE: '',
  }
  const stopping = untilToldToStop()
  if (firstStart) {
    cluster.once('listening', (_worker, { port }) => {
      process.stdout.write(describeFirstStart(config.issuer ?? originOf(config.host, port), firstStart))
    })
  }
  const workers = forkWorkers(config.workers, environment, log)
  try {
    const signal = await Promise.race([stopping, workers.failed])
    log.info({ signal }, 'stopping')
  } finally {
    await workers.stop()
  }
}

export async function serve(): Promise<void> {
  const config = loadConfig(process.env)
  const log = createLog(config.logLevel, cluster.isWorker ? { worker: cluster.worker!.id } : {})
  catchConsole(log)
  if (!config.databaseUrl)
    log.warn('no DATABASE_URL: an embedded PostgreSQL serves, for trying, developing and testing')
  const instance = await open(config, log)
  try {
    if (cluster.isWorker) return await serveHere(config, instance, log, undefined)
    const firstStart = await bootstrap(instance.database.knex, instance.encryptionKeys, config.issuer)
    await (config.workers > 1 ? serveByWorkers : serveHere)(config, instance, log, firstStart)
  } finally {
    await instance.close()
    log.flush()
    // The line to the primary would keep a worker alive that has nothing left to do.
    if (cluster.isWorker) process.disconnect()
  }
}

export function addServeCommand(program: Command): void {
  program
    .command('serve')
    .description('run the server (what npm start does); settings come from the environment, see docs/configuration.md')
    .action(serve)
}
