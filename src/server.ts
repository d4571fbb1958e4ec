import { createServer as createHttpServer, type Server as HttpServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Registry } from 'prom-client'
import { type Application, createApplication } from './application.ts'
import type { Config } from './config/load-config.ts'
import { type GracefulShutdown, prepareGracefulShutdown } from './http/graceful-shutdown.ts'
import { listenOn } from './http/listen.ts'
import { withOriginForm } from './http/origin-form.ts'
import type { Instance } from './instance.ts'
import { createServerServices, type ServerServices } from './server-services.ts'
import type { Log } from './shared/log.ts'

export interface Addresses {
  /** The listening address. */
  readonly url: string
  readonly issuer: string
}

export interface Server {
  /** Takes the port. Until `start`, every request gets 503. @throws KeywrightError `misconfigured` */
  listen(): Promise<Addresses>
  /** Resolves when requests are served. */
  start(): Promise<Addresses>
  /** Finishes the requests in progress, then closes. The instance stays open. */
  stop(): Promise<void>
}

export interface ServerOverrides {
  /** The text of /metrics, where it is gathered from several processes. */
  readonly exposition?: (registry: Registry) => () => Promise<string>
  /** Resolves when the listener that several processes share is closed. */
  readonly untilListenerIsClosed?: () => Promise<void>
}

/** The listening address as the origin of a URL. */
export function originOf(host: string, port: number): string {
  const isWildcard = host === '0.0.0.0' || host === '::'
  return `http://${isWildcard ? 'localhost' : host.includes(':') ? `[${host}]` : host}:${port}`
}

const respondStarting: RequestListener = (_req, res) => {
  res.writeHead(503, { 'retry-after': '1', 'content-type': 'application/json' })
  res.end('{"error":"temporarily_unavailable","error_description":"The server is starting. Try again in a second."}')
}

class NodeServer implements Server {
  readonly #services: ServerServices
  readonly #overrides: ServerOverrides
  readonly #http: HttpServer
  readonly #shutdown: GracefulShutdown
  #addresses: Addresses | undefined
  #application: Application | undefined
  #handle: RequestListener = respondStarting
  #isOpen = false

  constructor(services: ServerServices, overrides: ServerOverrides) {
    this.#services = services
    this.#overrides = overrides
    this.#http = createHttpServer({ keepAliveTimeout: 65_000, requestTimeout: 30_000 })
    this.#shutdown = prepareGracefulShutdown(this.#http, overrides.untilListenerIsClosed)
    this.#http.on('request', (req, res) => {
      if (!this.#isOpen) res.setHeader('Connection', 'close')
      this.#shutdown.admit(() => this.#handle(req, res))
    })
  }

  async listen(): Promise<Addresses> {
    this.#addresses ??= await this.#takePort()
    return this.#addresses
  }

  async #takePort(): Promise<Addresses> {
    const { config } = this.#services
    await listenOn(this.#http, config)
    const url = originOf(config.host, (this.#http.address() as AddressInfo).port)
    return { url, issuer: config.issuer || url }
  }

  async start(): Promise<Addresses> {
    // The first start creates signing keys after the services were created.
    await this.#services.keyRings.follow()
    const { mailDelivery, database } = this.#services
    if (mailDelivery) await (await import('./notices/notice-messages.ts')).beginNotices(database.knex)
    const addresses = await this.listen()
    this.#application = this.#createApplication(addresses)
    this.#handle = withOriginForm(this.#application.koa.callback())
    this.#isOpen = true
    mailDelivery?.setIssuer(addresses.issuer)
    this.#services.jobs.start()
    return addresses
  }

  #createApplication({ url, issuer }: Addresses): Application {
    const { registry } = this.#services.metrics
    return createApplication(this.#services, {
      issuerUrl: issuer,
      ownUrl: url,
      isOpen: () => this.#isOpen,
      exposition: this.#overrides.exposition?.(registry) ?? (() => registry.metrics()),
    })
  }

  async stop(): Promise<void> {
    const { config, statusFollower, jobs, announcement, outgoing, mailDelivery, telemetry } = this.#services
    // Before `start` only the listener exists.
    if (!this.#isOpen) return await this.#shutdown.close(0)
    this.#isOpen = false
    await sleep(config.shutdownDelay * 1000)
    this.#application?.closeFeed()
    await this.#shutdown.close(config.shutdownTimeout * 1000)
    await statusFollower.stop()
    mailDelivery?.close()
    await jobs.stop()
    await announcement.withdraw().catch(() => undefined)
    await outgoing.close()
    await telemetry?.stop()
  }
}

/** Creates a server in steps: its services, then its listener; `start` creates the application for the address. */
export async function createServer(
  config: Config,
  instance: Instance,
  log: Log,
  overrides: ServerOverrides = {},
): Promise<Server> {
  return new NodeServer(await createServerServices(config, instance, log), overrides)
}
