import Router from '@koa/router'
import type { Context, Middleware } from 'koa'
import type { Readiness } from '../http/readiness.ts'
import type { Metrics } from '../metrics/metrics.ts'
import { isLoopbackAddress, isLoopbackHost } from '../shared/networks.ts'
import { hashSecret, sameHash } from '../shared/secrets.ts'

export interface OperationsServices {
  readonly readiness: Readiness
  readonly metrics: Metrics
  readonly metricsToken: string | undefined
  readonly issuerUrl: string
  /** The text of /metrics; with several workers, of all of them. */
  readonly exposition: () => Promise<string>
  /** False from the moment the process is told to stop. */
  readonly isOpen: () => boolean
}

/** Whether a request comes from this machine, and no proxy passed it on. */
function isLocal(ctx: Context): boolean {
  const isForwarded = ['x-forwarded-for', 'forwarded', 'via'].some((name) => ctx.get(name) !== '')
  return !isForwarded && isLoopbackAddress(ctx.req.socket.remoteAddress ?? '')
}

/**
 * With a token: whoever sends it. Without one: this machine, while the issuer is on this machine too; a server with a
 * public issuer stands behind a proxy, whose requests all seem to be local.
 */
function mayScrape(ctx: Context, { metricsToken, issuerUrl }: OperationsServices): boolean {
  if (!metricsToken) return isLoopbackHost(new URL(issuerUrl).hostname) && isLocal(ctx)
  return sameHash(hashSecret(ctx.get('authorization')), hashSecret(`Bearer ${metricsToken}`))
}

function refuseScrape(ctx: Context, { metricsToken }: OperationsServices): void {
  ctx.status = metricsToken ? 401 : 403
  if (metricsToken) ctx.set('WWW-Authenticate', 'Bearer realm="metrics"')
  const missing = 'set METRICS_TOKEN, and send it as a bearer token'
  ctx.body = { error: 'access_denied', error_description: metricsToken ? 'the metrics token is wrong' : missing }
}

/** What orchestrators and monitoring ask: alive, ready, metrics. */
export function createOperations(services: OperationsServices): Middleware {
  const router = new Router()

  router.get('/healthz', (ctx) => {
    ctx.body = { status: 'ok' }
  })

  router.get('/readyz', async (ctx) => {
    // At once: a load balancer must not wait for the database to hear that the process stops.
    const failing = services.isOpen() ? await services.readiness.failing() : []
    const stopping = !services.isOpen()
    ctx.status = failing.length === 0 && !stopping ? 200 : 503
    // Names only: the log says why.
    ctx.body = {
      status: ctx.status === 200 ? 'ready' : 'not ready',
      database: !failing.includes('database'),
      failing,
      stopping,
    }
  })

  router.get('/metrics', async (ctx) => {
    if (!mayScrape(ctx, services)) return refuseScrape(ctx, services)
    ctx.type = services.metrics.registry.contentType
    ctx.body = await services.exposition()
  })

  return router.routes() as unknown as Middleware
}
