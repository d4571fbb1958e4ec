import type pg from 'pg'
import type { DatabaseHost, DatabaseUrl } from '../config/database-url.ts'
import { describeFailure, describeTarget, NO_TLS } from './connection-failures.ts'
import { type Encryption, encryptionAttempts } from './encryption.ts'
import { GuardedClient, type ServerCheck } from './guarded-client.ts'
import { createLatestTimeline, type LatestTimeline, type Timeline } from './latest-timeline.ts'
import { createPrimaryCheck } from './primary-check.ts'
import { checkSession, type SessionRules, STARTUP_SETTINGS } from './session-settings.ts'
import { firstSuccess, settledAfterSuccess } from './staggered.ts'
import { DatabaseUnavailableError, endsConnection } from './unavailable.ts'

/** A connection, and what it reached. */
export type Connection = GuardedClient & { serverVersion?: string; timeline?: Timeline | undefined }

export interface ConnectOptions extends SessionRules {
  /** What node-postgres is to do with every connection. */
  readonly client: pg.ClientConfig
  onConnectionError(error: Error): void
  /** Whether another server may become the primary. Not so for the embedded PostgreSQL. */
  readonly hasFailover: boolean
  /** Hears the SQLSTATE of every error that PostgreSQL reports on any connection. */
  onServerError(code: string): void
}

export interface Connector {
  /** Opens a connection to the primary. @throws DatabaseUnavailableError one sentence that names every host's reason */
  connect(): Promise<Connection>
  /** False once a later connection found the primary on another host, or a later timeline. */
  isCurrent(connection: Connection): boolean
}

/** TLS that failed, or a pg_hba.conf that wants it the other way: the modes `allow` and `prefer` then try without, or with. */
const mayDependOnEncryption = ({ code = '', message }: Error & { code?: string }): boolean =>
  code === '28000' || /SSL connection/.test(message) || /^(ERR_SSL|ERR_TLS|ERR_OSSL|EPROTO|ECONNRESET)/.test(code)

function clientOf(
  url: DatabaseUrl,
  { host, port }: DatabaseHost,
  ssl: Encryption,
  options: ConnectOptions,
): Connection {
  return new GuardedClient({
    ...options.client,
    host,
    port,
    user: url.user,
    password: url.password,
    database: url.database,
    options: url.options,
    ssl,
    ...(ssl && url.sslNegotiation && { sslnegotiation: url.sslNegotiation }),
    ...(url.requireChannelBinding && { enableChannelBinding: true }),
    ...(url.applicationName && { application_name: url.applicationName }),
    ...(url.connectTimeoutMs && { connectionTimeoutMillis: url.connectTimeoutMs }),
    keepAlive: url.keepAlive ?? true,
    ...(url.keepAliveIdleMs && { keepAliveInitialDelayMillis: url.keepAliveIdleMs }),
  } as pg.ClientConfig)
}

/** node-postgres knows only some settings of the startup message; PgBouncer takes no others anyway. */
function addStartupSettings(client: Connection): void {
  const starting = client as unknown as { getStartupConf(): object }
  const own = starting.getStartupConf.bind(client)
  starting.getStartupConf = () => ({ ...own(), ...STARTUP_SETTINGS })
}

interface Protocol {
  on(event: string, listener: (message: { code: string; mechanisms?: string[] }) => void): void
}

const protocolOf = (client: Connection): Protocol => (client as unknown as { connection: Protocol }).connection

/** node-postgres uses channel binding where it is offered; somebody in between would not offer it. */
function checkChannelBinding(client: Connection): () => void {
  let isBound = false
  protocolOf(client).on('authenticationSASL', ({ mechanisms }) => {
    isBound = mechanisms?.includes('SCRAM-SHA-256-PLUS') ?? false
  })
  return () => {
    if (!isBound) throw new Error('it offers no channel binding, which channel_binding=require asks for')
  }
}

/** From its first moment on: knex, its pool and transactions of others learn from here that a connection is not to be used. */
function watch(client: Connection, options: ConnectOptions): void {
  client.on('error', (error) => {
    client.__knex__disposed = error
    options.onConnectionError(error)
  })
  client.on('end', () => {
    client.__knex__disposed ??= 'Connection ended unexpectedly'
  })
  protocolOf(client).on('errorMessage', ({ code }) => {
    if (endsConnection(code)) client.__knex__disposed = code
    options.onServerError(code)
  })
}

interface Opening {
  readonly url: DatabaseUrl
  readonly options: ConnectOptions
  /** Hosts that offer no TLS. */
  readonly withoutTls: Set<DatabaseHost>
  readonly latest: LatestTimeline
}

async function openOnce({ url, options, latest }: Opening, host: DatabaseHost, ssl: Encryption) {
  const client = clientOf(url, host, ssl, options)
  const checkBinding = url.requireChannelBinding ? checkChannelBinding(client) : () => {}
  watch(client, options)
  addStartupSettings(client)
  try {
    await client.connect()
    checkBinding()
    const { version, timeline } = await checkSession(client, options)
    latest.accept(timeline)
    client.serverVersion = version
    client.timeline = timeline
    return client
  } catch (error) {
    client.end().catch(() => {})
    throw error
  }
}

const hasNoTls = (error: unknown): boolean => (error as Error).message === NO_TLS

/** Hosts that offer no TLS are remembered, so that under `prefer` each further connection takes one attempt. */
function attemptsFor({ url, withoutTls }: Opening, host: DatabaseHost): Encryption[] {
  const attempts = encryptionAttempts(url, host.host)
  return withoutTls.has(host) ? attempts.reverse() : attempts
}

async function open(opening: Opening, host: DatabaseHost): Promise<Connection> {
  const failures: unknown[] = []
  for (const ssl of attemptsFor(opening, host)) {
    try {
      return await openOnce(opening, host, ssl)
    } catch (error) {
      failures.push(error)
      if (hasNoTls(error)) opening.withoutTls.add(host)
      if (!mayDependOnEncryption(error as Error)) break
    }
  }
  // That a server offers no TLS matters only where TLS is asked for.
  throw failures.find((failure) => !hasNoTls(failure)) ?? failures[0]
}

const close = (connection: Connection): void => void connection.end().catch(() => {})

function shuffled<T>(values: readonly T[]): T[] {
  return values
    .map((value) => ({ value, order: Math.random() }))
    .sort((a, b) => a.order - b.order)
    .map(({ value }) => value)
}

function unavailable(url: DatabaseUrl, hosts: readonly DatabaseHost[], error: unknown): DatabaseUnavailableError {
  const { errors } = error as AggregateError
  const reasons = errors.map((one, n) => describeFailure(hosts[n]!, one)).join('; ')
  return new DatabaseUnavailableError(`${describeTarget(url)} at ${reasons}`, { cause: error })
}

/** Opens a connection to every host for a moment. A later timeline of one of them makes those to a former primary useless. */
async function askEveryHost(opening: Opening): Promise<void> {
  const { hosts } = opening.url
  try {
    await settledAfterSuccess(hosts.map((host) => open(opening, host).then(close)))
  } catch (error) {
    throw unavailable(opening.url, hosts, error)
  }
}

/**
 * Connects as libpq does with several hosts and `target_session_attrs=read-write`: to the first that takes changes. The
 * host where that was last is tried first, so that after a failover each new connection finds the new primary at once.
 */
export function createConnector(url: DatabaseUrl, options: ConnectOptions): Connector {
  let primary: DatabaseHost | undefined
  const latest = createLatestTimeline()
  const opening: Opening = { url, options, latest, withoutTls: new Set() }
  const check = options.hasFailover ? createPrimaryCheck(() => askEveryHost(opening), url.hosts.length > 1) : undefined
  const hostOf = new WeakMap<Connection, DatabaseHost>()

  function inOrder(): DatabaseHost[] {
    const hosts = url.randomOrder ? shuffled(url.hosts) : [...url.hosts]
    return hosts.sort((a, b) => Number(b === primary) - Number(a === primary))
  }

  function refuseFormerPrimary({ timeline }: Connection): void {
    if (!latest.isLatest(timeline)) throw new DatabaseUnavailableError('the connection leads to a former primary')
  }

  function refuseFormerAfter(asked: Promise<void> | undefined, connection: Connection): Promise<void> | undefined {
    if (asked) return asked.then(() => refuseFormerPrimary(connection))
    refuseFormerPrimary(connection)
    return undefined
  }

  const serverCheckOf = (connection: Connection): ServerCheck => ({
    sending: () => refuseFormerAfter(check?.sending(), connection),
    answered: (sentAt) => refuseFormerAfter(check?.answered(sentAt), connection),
  })

  async function openFor(host: DatabaseHost): Promise<Connection> {
    const connection = await open(opening, host)
    connection.serverCheck = serverCheckOf(connection)
    hostOf.set(connection, host)
    check?.opened()
    return connection
  }

  return {
    async connect() {
      const hosts = inOrder()
      try {
        const connection = await firstSuccess(hosts, openFor, close)
        primary = hostOf.get(connection)
        return connection
      } catch (error) {
        throw unavailable(url, hosts, error)
      }
    },
    isCurrent: (connection) =>
      (url.randomOrder === true || hostOf.get(connection) === primary) && latest.isLatest(connection.timeline),
  }
}
