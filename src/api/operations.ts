import Router from '@koa/router'
import type { Context, Middleware } from 'koa'
import type { Readiness } from '../http/readiness.ts'
import type { Metrics } from '../metrics/metrics.ts'
import { hashSecret, sameHash } from '../shared/secrets.ts'

export interface OperationsServices {
  readonly readiness: Readiness
  readonly metrics: Metrics
  readonly metricsToken: string | undefined
  /** The text of /metrics; with several workers, of all of them. */
  readonly exposition: () => Promise<string>
  /** False from the moment the process is told to stop. */
  readonly isOpen: () => boolean
}

function mayScrape(ctx: Context, token: string | undefined): boolean {
  if (!token) return true
  return sameHash(hashSecret(ctx.get('authorization')), hashSecret(`Bearer ${token}`))
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
    if (!mayScrape(ctx, services.metricsToken)) {
      ctx.status = 401
      ctx.set('WWW-Authenticate', 'Bearer realm="metrics"')
      return
    }
    ctx.type = services.metrics.registry.contentType
    ctx.body = await services.exposition()
  })

  return router.routes() as unknown as Middleware
}
