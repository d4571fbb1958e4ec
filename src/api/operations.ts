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
  /** The text of /metrics, over all workers of the process. */
  readonly exposition: () => Promise<string>
  /** False once the process has been asked to stop. */
  readonly isOpen: () => boolean
}

/** Whether a request comes from this machine and not through a proxy. */
function isLocal(ctx: Context): boolean {
  const isForwarded = ['x-forwarded-for', 'forwarded', 'via'].some((name) => ctx.get(name) !== '')
  return !isForwarded && isLoopbackAddress(ctx.req.socket.remoteAddress ?? '')
}

/**
 * With METRICS_TOKEN: requests that carry it. Without: requests from this machine, and only while the issuer is a
 * loopback address; a server with a public issuer runs behind a proxy, whose requests all appear to be local.
 */
function mayReadMetrics(ctx: Context, { metricsToken, issuerUrl }: OperationsServices): boolean {
  if (!metricsToken) return isLoopbackHost(new URL(issuerUrl).hostname) && isLocal(ctx)
  return sameHash(hashSecret(ctx.get('authorization')), hashSecret(`Bearer ${metricsToken}`))
}

function rejectMetricsRequest(ctx: Context, { metricsToken }: OperationsServices): void {
  ctx.status = metricsToken ? 401 : 403
  if (metricsToken) ctx.set('WWW-Authenticate', 'Bearer realm="metrics"')
  const missing = 'set METRICS_TOKEN and send it as a bearer token'
  ctx.body = {
    error: 'access_denied',
    error_description: metricsToken ? 'the metrics token is missing or invalid' : missing,
  }
}

/** /healthz, /readyz and /metrics, for orchestrators and monitoring. */
export function createOperations(services: OperationsServices): Middleware {
  const router = new Router()

  router.get('/healthz', (ctx) => {
    ctx.body = { status: 'ok' }
  })

  router.get('/readyz', async (ctx) => {
    // Responds without the database while the process stops, so that a load balancer learns of it at once.
    const failing = services.isOpen() ? await services.readiness.failing() : []
    const stopping = !services.isOpen()
    ctx.status = failing.length === 0 && !stopping ? 200 : 503
    // Names only; the log holds the reasons.
    ctx.body = {
      status: ctx.status === 200 ? 'ready' : 'not ready',
      database: !failing.includes('database'),
      failing,
      stopping,
    }
  })

  router.get('/metrics', async (ctx) => {
    if (!mayReadMetrics(ctx, services)) return rejectMetricsRequest(ctx, services)
    ctx.type = services.metrics.registry.contentType
    ctx.body = await services.exposition()
  })

  return router.routes() as unknown as Middleware
}
