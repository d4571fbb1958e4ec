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
import { letYoungGenerationGrow } from '../young-generation.ts'

/**
 * Resolves at the first signal to stop. A second signal exits the process at once, except in a worker: a worker receives
 * one stop twice, from the primary and from the sender that signals the whole process group (systemd, Ctrl-C), and must
 * finish its requests. A terminal that is closed sends SIGHUP; Ctrl-\ and some supervisors send SIGQUIT.
 */
function untilStopSignal(): Promise<string> {
  return new Promise((resolve) => {
    let isStopping = false
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'] as const) {
      process.on(signal, () => {
        if (isStopping && !cluster.isWorker) process.exit(1)
        isStopping = true
        resolve(signal)
      })
    }
  })
}

/** Sends what libraries write to the console to the log, as JSON. */
function redirectConsole(log: Log): void {
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
 * Sets up an empty database. Returns a function that prints the credentials it created, once. The caller prints them even
 * if the start fails later, because they are stored nowhere.
 */
async function setUp(config: Config, { database, encryptionKeys }: Instance): Promise<(issuer: string) => void> {
  const created = await bootstrap(database.knex, encryptionKeys, config.issuer)
  let isPrinted = false
  return (issuer) => {
    if (!isPrinted) process.stdout.write(created ? describeFirstStart(issuer, created) : describeLaterStart(issuer))
    isPrinted = true
  }
}

/** Resolves at a signal to stop; rejects when the server cannot continue. */
async function runUntilStopped(instance: Instance, log: Log, stopping: Promise<string>, failed?: Promise<never>) {
  try {
    const signal = await Promise.race([stopping, instance.lost, ...(failed ? [failed] : [])])
    log.info({ signal }, 'stopping')
  } catch (error) {
    log.error({ detail: (error as Error).message }, 'stopping: the server cannot continue')
    throw error
  }
}

async function serveHere(config: Config, instance: Instance, log: Log): Promise<void> {
  const server = await createServer(config, instance, log)
  try {
    const { url, issuer } = await server.listen()
    const printCredentials = await setUp(config, instance)
    const stopping = untilStopSignal()
    await server.start().finally(() => printCredentials(issuer))
    letYoungGenerationGrow()
    log.info({ url, issuer, node: process.version }, 'listening')
    await runUntilStopped(instance, log, stopping)
  } finally {
    // Also when the start fails: an open listener keeps the process alive.
    await server.stop()
  }
}

async function serveAsWorker(config: Config, instance: Instance, log: Log): Promise<void> {
  const overrides = { exposition: gatherThroughPrimary, untilListenerIsClosed }
  const server = await createServer(config, instance, log, overrides)
  const stopping = untilStopSignal()
  const addresses = await server.start()
  letYoungGenerationGrow()
  log.info({ ...addresses, node: process.version }, 'listening')
  await runUntilStopped(instance, log, stopping).finally(() => server.stop())
}

async function serveByWorkers(config: Config, instance: Instance, log: Log): Promise<void> {
  // The workers listen. Whether the port is free is checked before the database is set up.
  await tryToListen(config)
  const environment = {
    DATABASE_URL: instance.connectionUrl,
    ENCRYPTION_KEY: instance.encryptionKeys.all.map(({ secret }) => secret.toString('base64')).join(','),
    // A worker always has a DATABASE_URL, so its default would differ from the primary's.
    SHUTDOWN_DELAY: `${config.shutdownDelay}`,
    DATABASE_URL_FILE: '',
    SHUTDOWN_DELAY_FILE: '',
    ENCRYPTION_KEY_FILE: '',
  }
  const printCredentials = await setUp(config, instance)
  const printAt = (port: number) => printCredentials(config.issuer ?? originOf(config.host, port))
  cluster.once('listening', (_worker, { port }) => printAt(port))
  const stopping = untilStopSignal()
  const workers = forkWorkers(config.workers, environment, log)
  try {
    await runUntilStopped(instance, log, stopping, workers.failed)
  } finally {
    printAt(config.port)
    await workers.stop()
  }
}

export async function serve(): Promise<void> {
  const config = loadConfig(process.env)
  const log = createLog(config.logLevel, cluster.isWorker ? { worker: cluster.worker!.id } : {})
  redirectConsole(log)
  if (!config.databaseUrl)
    log.warn('DATABASE_URL is not set: using an embedded PostgreSQL, for evaluation and development')
  const instance = await open(config, log)
  try {
    const run = cluster.isWorker ? serveAsWorker : config.workers > 1 ? serveByWorkers : serveHere
    await run(config, instance, log)
  } finally {
    await instance.close()
    log.flush()
    // The channel to the primary would keep an idle worker alive.
    if (cluster.isWorker) process.disconnect()
  }
}

export function addServeCommand(command: Command): void {
  command.action(serve)
}
