import cluster from 'node:cluster'
import type { Command } from 'commander'
import { bootstrap, describeFirstStart, describeLaterStart } from '../../bootstrap.ts'
import { type Config, loadConfig } from '../../config/load-config.ts'
import { tryToListen } from '../../http/listen.ts'
import { type Instance, openInstance } from '../../instance.ts'
import { createServer, originOf } from '../../server.ts'
import { createLog, type Log } from '../../shared/log.ts'
import { untilListenerIsClosed } from '../shared-listener.ts'
import { forkWorkers, gatherThroughPrimary } from '../workers.ts'

/**
 * Resolves at the first signal to stop; a second one ends the process where it stands. Not so a worker: it hears of one stop
 * twice, from the primary and from whoever signals the whole group (systemd, Ctrl-C), and must finish. A terminal that is
 * closed sends SIGHUP; Ctrl-\ and some supervisors send SIGQUIT.
 */
function untilToldToStop(): Promise<string> {
  return new Promise((resolve) => {
    let told = false
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'] as const) {
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

/**
 * Sets an empty database up; answers how to tell what that made, once. It is told also where the start fails after it,
 * because it is kept nowhere.
 */
async function setUp(config: Config, { database, encryptionKeys }: Instance): Promise<(issuer: string) => void> {
  const made = await bootstrap(database.knex, encryptionKeys, config.issuer)
  let isTold = false
  return (issuer) => {
    if (!isTold) process.stdout.write(made ? describeFirstStart(issuer, made) : describeLaterStart(issuer))
    isTold = true
  }
}

/** Runs until a signal; then, or when it cannot go on, finishes what was begun. */
async function runUntilStopped(instance: Instance, log: Log, stopping: Promise<string>, failed?: Promise<never>) {
  try {
    const signal = await Promise.race([stopping, instance.lost, ...(failed ? [failed] : [])])
    log.info({ signal }, 'stopping')
  } catch (error) {
    log.error({ detail: (error as Error).message }, 'stopping: this server cannot go on')
    throw error
  }
}

async function serveHere(config: Config, instance: Instance, log: Log): Promise<void> {
  const server = await createServer(config, instance, log)
  try {
    const { url, issuer } = await server.listen()
    const tell = await setUp(config, instance)
    const stopping = untilToldToStop()
    await server.start().finally(() => tell(issuer))
    log.info({ url, issuer, node: process.version }, 'listening')
    await runUntilStopped(instance, log, stopping)
  } finally {
    // Also where the start fails: a listener that stays open keeps the process alive.
    await server.stop()
  }
}

async function serveAsWorker(config: Config, instance: Instance, log: Log): Promise<void> {
  const overrides = { exposition: gatherThroughPrimary, untilListenerIsClosed }
  const server = await createServer(config, instance, log, overrides)
  const stopping = untilToldToStop()
  const addresses = await server.start()
  log.info({ ...addresses, node: process.version }, 'listening')
  await runUntilStopped(instance, log, stopping).finally(() => server.stop())
}

async function serveByWorkers(config: Config, instance: Instance, log: Log): Promise<void> {
  // The workers listen; that they can is tried before anything is set up.
  await tryToListen(config)
  const environment = {
    DATABASE_URL: instance.connectionUrl,
    ENCRYPTION_KEY: instance.encryptionKeys.all.map(({ secret }) => secret.toString('base64')).join(','),
    // A worker always has a DATABASE_URL; its default would be another one.
    SHUTDOWN_DELAY: `${config.shutdownDelay}`,
    DATABASE_URL_FILE: '',
    SHUTDOWN_DELAY_FILE: '',
    ENCRYPTION_KEY_FILE: '',
  }
  const tell = await setUp(config, instance)
  const tellAt = (port: number) => tell(config.issuer ?? originOf(config.host, port))
  cluster.once('listening', (_worker, { port }) => tellAt(port))
  const stopping = untilToldToStop()
  const workers = forkWorkers(config.workers, environment, log)
  try {
    await runUntilStopped(instance, log, stopping, workers.failed)
  } finally {
    tellAt(config.port)
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
    const run = cluster.isWorker ? serveAsWorker : config.workers > 1 ? serveByWorkers : serveHere
    await run(config, instance, log)
  } finally {
    await instance.close()
    log.flush()
    // The line to the primary would keep a worker alive that has nothing left to do.
    if (cluster.isWorker) process.disconnect()
  }
}

export function addServeCommand(command: Command): void {
  command.action(serve)
}
