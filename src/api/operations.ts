import Router from '@koa/router'
import type { Context, Middleware } from 'koa'
import type { Database } from '../database/open.ts'
import type { Metrics } from '../metrics/metrics.ts'
import { hashSecret, sameHash } from '../shared/secrets.ts'

export interface OperationsServices {
  readonly database: Database
  readonly metrics: Metrics
  readonly metricsToken: string | undefined
  /** The text of /metrics; with several workers, of all of them. */
  readonly exposition: () => Promise<string>
  /** False from the moment the process is told to stop. */
  readonly isOpen: () => boolean
}

const PING = { name: 'readyz', text: 'SELECT 1', values: [] }

async function isReachable(database: Database): Promise<boolean> {
  return await database.query(PING).then(
    () => true,
    () => false,
  )
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
    const open = services.isOpen()
    const database = await isReachable(services.database)
    ctx.status = open && database ? 200 : 503
    ctx.body = { status: ctx.status === 200 ? 'ready' : 'not ready', database, stopping: !open }
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
