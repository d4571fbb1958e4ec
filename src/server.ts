import { createServer as createHttpServer, type Server as HttpServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import Koa from 'koa'
import type { Registry } from 'prom-client'
import { createSignIn } from './accounts/sign-in.ts'
import { deleteExpiredIdempotencyKeys } from './api/idempotency.ts'
import { createManagementApi } from './api/management-api.ts'
import { describeApi } from './api/openapi.ts'
import { createOperations } from './api/operations.ts'
import { createAuthenticator } from './clients/client-authentication.ts'
import { createLegacyOptionUses } from './clients/legacy-option-uses.ts'
import { createRegistrations } from './clients/registrations.ts'
import { createSecretUses } from './clients/secret-uses.ts'
import type { Config } from './config/load-config.ts'
import { checkClock } from './database/clock-check.ts'
import { createRecordingCheck } from './database/recording-check.ts'
import { announceNode } from './database/server-nodes.ts'
import { createServerWatch } from './database/server-watch.ts'
import { takeClientAddress } from './http/client-address.ts'
import { compressPages } from './http/compress-pages.ts'
import { prepareGracefulShutdown } from './http/graceful-shutdown.ts'
import { listenOn } from './http/listen.ts'
import { redirectToOneLoopbackName } from './http/loopback-redirect.ts'
import { observeRequests } from './http/observe.ts'
import { withOriginForm } from './http/origin-form.ts'
import { createReadiness } from './http/readiness.ts'
import { createSsrfSafeFetch } from './http/ssrf-safe-fetch.ts'
import type { Instance } from './instance.ts'
import { createJobs } from './jobs/jobs.ts'
import { scheduleOf } from './jobs/schedule.ts'
import { openKeyRings } from './keys/key-ring.ts'
import { createMetrics } from './metrics/metrics.ts'
import { createUsage } from './metrics/usage.ts'
import { deleteExpiredEngineModels } from './oidc/adapter.ts'
import { createOidcInterface } from './oidc/oidc-interface.ts'
import { CodeTokens } from './refresh/code-tokens.ts'
import { RefreshTokens } from './refresh/refresh-tokens.ts'
import type { Log } from './shared/log.ts'
import { StatusFollower } from './status/status-follower.ts'
import { StatusIndexes } from './status/status-indexes.ts'
import { StatusPublication } from './status/status-publication.ts'
import { createAccessTokenStore } from './tokens/access-token-store.ts'
import { Issuer } from './tokens/issuance.ts'
import { checkPartitions } from './tokens/partitions.ts'
import { createDirectory } from './web/sign-in-directory.ts'
import type { SignInFlow } from './web/sign-in-flow.ts'
import { createWeb } from './web/web.ts'

export interface Addresses {
  /** Where it listens. */
  readonly url: string
  readonly issuer: string
}

export interface Server {
  /** Takes the port; until `start` every request is told to come again. @throws KeywrightError `misconfigured` */
  listen(): Promise<Addresses>
  /** Resolves when requests are served. */
  start(): Promise<Addresses>
  /** Finishes what was begun, then closes. The instance stays open. */
  stop(): Promise<void>
}

export interface ServerOverrides {
  /** The text of /metrics, where it is gathered from several processes. */
  readonly exposition?: (registry: Registry) => () => Promise<string>
  /** Resolves when the listener that several processes share is closed. */
  readonly untilListenerIsClosed?: () => Promise<void>
}

/** How the address that is listened on is written in a URL. */
export function originOf(host: string, port: number): string {
  const anywhere = host === '0.0.0.0' || host === '::'
  return `http://${anywhere ? 'localhost' : host.includes(':') ? `[${host}]` : host}:${port}`
}

const listening: RequestListener = (_req, res) => {
  res.writeHead(503, { 'retry-after': '1', 'content-type': 'application/json' })
  res.end('{"error":"temporarily_unavailable","error_description":"the server is starting"}')
}

async function listen(http: HttpServer, config: Config): Promise<string> {
  await listenOn(http, config)
  return originOf(config.host, (http.address() as AddressInfo).port)
}

/** Wires everything and decides nothing. */
export async function createServer(
  config: Config,
  instance: Instance,
  log: Log,
  overrides: ServerOverrides = {},
): Promise<Server> {
  const { database, encryptionKeys } = instance
  const management = { knex: database.knex, reports: database.reports, encryptionKeys }
  let handler: RequestListener = listening
  let open = false
  let issuerUrl = config.issuer ?? ''
  const http = createHttpServer({ keepAliveTimeout: 65_000, requestTimeout: 30_000 }, (req, res) => {
    if (!open) res.setHeader('Connection', 'close')
    closing.admit(() => handler(req, res))
  })
  const closing = prepareGracefulShutdown(http, overrides.untilListenerIsClosed)

  const metrics = createMetrics()
  const announcement = await announceNode(database.knex, encryptionKeys)
  const keyRings = await openKeyRings(database, encryptionKeys)
  metrics.watchClock(() => database.clock.skew())
  metrics.watchPool(() => database.poolState())
  metrics.watchSigningKeys(() =>
    keyRings.ring.keys.map(({ alg, state, createdAt }) => ({
      alg,
      state,
      age: (database.clock.now() - createdAt.getTime()) / 1000,
    })),
  )
  const server = createServerWatch()
  const registrations = createRegistrations(database, config.clientCacheSize)
  server.onChange(() => registrations.forget())
  server.onChange(() => keyRings.forget())
  const accessTokenStore = createAccessTokenStore(database, server)
  const statusIndexes = new StatusIndexes(database, server)
  const statusFollower = new StatusFollower(database)
  const { statusListTtl, statusFeedMax } = config
  let closeFeed = () => {}
  const legacyOptionUses = createLegacyOptionUses()
  const secretUses = createSecretUses(database.clock)
  const outgoing = createSsrfSafeFetch({ allow: config.outgoingAllow })
  const deletions = [deleteExpiredEngineModels, deleteExpiredIdempotencyKeys].map(
    (some) => (limit: number) => some(database.knex, limit),
  )
  const usage = createUsage(metrics, database.clock)
  const jobServices = {
    config,
    encryptionKeys,
    database,
    keyRings,
    announcement,
    secretUses,
    legacyOptionUses,
    usage,
    log,
    deletions,
  }
  const jobWatch = {
    succeeded: (job: string) => metrics.jobSuccesses.set({ job }, database.clock.now() / 1000),
    failed: (job: string) => metrics.jobFailures.inc({ job }),
  }
  const readiness = createReadiness(
    {
      database: createRecordingCheck(database),
      partitions: () => checkPartitions(database.reader),
      clock: () => checkClock(database),
      keys: () => keyRings.check(),
    },
    log,
  )
  // The log says so at once, also where nobody asks.
  keyRings.onChange(() => void readiness.failing())
  const jobs = createJobs(database.reader, log, jobWatch, scheduleOf(jobServices))

  function createApp(ownUrl: string): Koa {
    const issuer = new Issuer({ accessTokenStore, keyRings, statusIndexes, server, issuerUrl, clock: database.clock })
    // Pages and protocol need each other: the flow is filled in when the protocol is there.
    const flow = {} as SignInFlow
    const web = createWeb({
      flow,
      signIn: createSignIn(database.knex, encryptionKeys, database.clock, (outcome) =>
        metrics.signIns.inc({ outcome }),
      ),
      directory: createDirectory(database),
      management,
      issuerUrl: () => issuerUrl,
      ownUrl: () => ownUrl,
      apiDocument: () => describeApi(issuerUrl),
    })
    const app = new Koa({ proxy: config.trustProxy })
    const exposition = overrides.exposition?.(metrics.registry) ?? (() => metrics.registry.metrics())
    const operations = {
      readiness,
      metrics,
      metricsToken: config.metricsToken,
      issuerUrl,
      exposition,
      isOpen: () => open,
    }
    const oidc = createOidcInterface({
      database,
      encryptionKeys,
      registrations,
      authenticator: createAuthenticator(registrations, database.clock),
      keyRings,
      issuer,
      accessTokenStore,
      refreshTokens: new RefreshTokens(database.knex, issuer),
      codeTokens: new CodeTokens(database.knex, issuer),
      statusPublication: new StatusPublication(database, statusFollower, keyRings, {
        issuer: issuerUrl,
        ttl: statusListTtl,
      }),
      statusFollower,
      statusListTtl,
      statusFeedMax,
      sessionLifetimes: { idle: config.sessionIdleLifetime * 60, absolute: config.sessionLifetime * 60 },
      metrics,
      legacyOptionUses,
      secretUses,
      outgoing,
      pages: web.pages,
      issuerUrl: () => issuerUrl,
    })
    Object.assign(flow, oidc.signInFlow)
    closeFeed = oidc.closeFeed
    app.on('error', (error: Error) => log.warn({ detail: error.message }, 'response failed'))
    app.use(takeClientAddress({ trustProxy: config.trustProxy, log }))
    app.use(observeRequests(log, metrics, database.clock))
    app.use(compressPages())
    app.use(redirectToOneLoopbackName(() => issuerUrl))
    app.use(oidc.middleware)
    app.use(createOperations(operations))
    app.use(createManagementApi({ database, accessTokenStore, keyRings, management, issuerUrl: () => issuerUrl }))
    app.use(web.middleware)
    return app
  }

  let url: string | undefined
  async function listenOnce(): Promise<Addresses> {
    url ??= await listen(http, config)
    issuerUrl ||= url
    return { url, issuer: issuerUrl }
  }

  return {
    listen: listenOnce,
    async start() {
      // What the set-up made since this server was created.
      await keyRings.follow()
      const addresses = await listenOnce()
      handler = withOriginForm(createApp(addresses.url).callback())
      open = true
      jobs.start()
      return addresses
    },
    async stop() {
      // Before `start` there is nothing but the listener.
      if (!open) return await closing.close(0)
      open = false
      await new Promise((resolve) => setTimeout(resolve, config.shutdownDelay * 1000))
      closeFeed()
      await closing.close(config.shutdownTimeout * 1000)
      await statusFollower.stop()
      await jobs.stop()
      await announcement.withdraw().catch(() => undefined)
      await outgoing.close()
    },
  }
}
