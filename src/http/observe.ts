import type { Context, Middleware, Next } from 'koa'
import type { Metrics } from '../metrics/metrics.ts'
import type { Clock } from '../shared/clock.ts'
import { newId } from '../shared/ids.ts'
import type { Log } from '../shared/log.ts'
import { withoutSecrets } from '../shared/secrets.ts'
import { type TracedRequest, tracing } from '../shared/tracing.ts'

const REQUEST_ID = /^[\w.-]{1,64}$/

/** The caller's own id of its request: only logged, because anybody can send the id of another one. */
function callerRequestId(ctx: Context): string | undefined {
  const given = ctx.get('x-request-id')
  return REQUEST_ID.test(given) ? given : undefined
}

/** The endpoint labels of the metrics. A label that callers can choose would let them use memory. */
const ENDPOINTS = new Set([
  '/oauth2/token',
  '/oauth2/introspect',
  '/oauth2/revoke',
  '/oauth2/jwks',
  '/oauth2/status',
  '/oauth2/status/feed',
  '/oauth2/authorize',
  '/oauth2/par',
  '/oauth2/userinfo',
  '/oauth2/device',
  '/oauth2/logout',
  '/oauth2/backchannel-logout',
  '/oauth2/global-token-revocation',
  '/.well-known/openid-configuration',
  '/.well-known/oauth-authorization-server',
  '/healthz',
  '/readyz',
  '/metrics',
])

/** All below each of them is one: the addresses hold ids. */
const WITH_IDS = ['/api/v1', '/scim/v2']

/** Addresses that end in the id of a sign-in under way, which is a secret of its browser. */
const WITH_SECRET = /^(\/interaction|\/oauth2\/authorize|\/device)\/[^/]+/

/** Characters of a logged path. */
const LONGEST_PATH = 200

const loggedPath = (path: string): string => withoutSecrets(path.replace(WITH_SECRET, '$1/…'), LONGEST_PATH)

const endpointOf = (path: string): string => {
  if (ENDPOINTS.has(path)) return path
  const root = WITH_IDS.find((one) => path.startsWith(`${one}/`))
  if (root) return root
  const bare = (path.endsWith('/') ? path.slice(0, -1) : path).replace(
    /^(\/oauth2\/(?:authorize|logout|backchannel-logout|status(?!\/feed$)))\/.*/,
    '$1',
  )
  return ENDPOINTS.has(bare) ? bare : 'other'
}

/** Asked often, by machines, and with nothing to tell: their lines are for debugging. */
const QUIET = /^\/(oauth2\/(jwks|status(\/[0-9a-f-]+)?)|healthz|readyz|metrics)\/?$/

interface Failure extends Error {
  error_detail?: string
}

/** The private part of an error, which only the log records; the response holds the public part. */
function privateDetail(failure: Failure | undefined): Record<string, unknown> | undefined {
  if (!failure) return undefined
  const cause = failure.cause instanceof Error ? failure.cause : undefined
  const detail = withoutSecrets(failure.error_detail ?? (cause ?? failure).message)
  if ('expose' in failure && failure.expose && !cause) return { detail }
  return { detail, stack: withoutSecrets((cause ?? failure).stack ?? '') }
}

const errorOf = (ctx: Context): string | undefined =>
  ctx.state.errorCode ?? (ctx.body as { error?: string } | undefined)?.error

const header = (ctx: Context, name: string): string | undefined => ctx.get(name).slice(0, 600) || undefined

const tracedRequest = (ctx: Context): TracedRequest => ({
  method: ctx.method,
  route: endpointOf(ctx.path),
  path: loggedPath(ctx.path),
  traceparent: header(ctx, 'traceparent'),
  tracestate: header(ctx, 'tracestate'),
  outcome: () => ({ status: ctx.status, requestId: ctx.state.requestId, error: errorOf(ctx) }),
})

/** Gives every request an id, in the answer and in its one line of log, and counts it. Queries are never logged. */
export function observeRequests(log: Log, metrics: Metrics, clock: Clock): Middleware {
  function finish(ctx: Context, path: string, startedAt: number): void {
    const seconds = (performance.now() - startedAt) / 1000
    const endpoint = endpointOf(path)
    const error = errorOf(ctx)
    metrics.latency.labels(endpoint, String(ctx.status)).observe(seconds)
    if (error && ctx.status >= 400) metrics.refused.labels(endpoint, error).inc()
    const isQuiet = ctx.status < 500 && QUIET.test(path)
    if (isQuiet && !log.isLevelEnabled('debug')) return
    const line = {
      request_id: ctx.state.requestId,
      caller_request_id: callerRequestId(ctx),
      method: ctx.method,
      path: loggedPath(path),
      status: ctx.status,
      ms: Math.round(seconds * 100_000) / 100,
      ip: ctx.ip,
      client_id: ctx.state.clientId ?? ctx.state.client?.registration.clientId,
      error,
    }
    if (ctx.status >= 500) log.error({ ...line, ...privateDetail(ctx.state.failure) }, 'request failed')
    else if (isQuiet) log.debug(line, 'request')
    else if (ctx.state.failure) log.info({ ...line, detail: privateDetail(ctx.state.failure)?.detail }, 'request')
    else log.info(line, 'request')
  }

  async function serve(ctx: Context, next: Next): Promise<void> {
    const startedAt = performance.now()
    const { path } = ctx
    ctx.state.arrivedAt = clock.now()
    ctx.state.requestId = newId()
    ctx.set('X-Request-Id', ctx.state.requestId)
    ctx.set('X-Content-Type-Options', 'nosniff')
    try {
      await next()
    } catch (error) {
      ctx.state.failure = error
      ctx.status = 500
      ctx.body = { error: 'server_error', error_description: 'something went wrong; the request id tells us where' }
    }
    finish(ctx, path, startedAt)
  }

  return (ctx: Context, next: Next) => {
    const traced = tracing()
    return traced ? traced.request(tracedRequest(ctx), () => serve(ctx, next)) : serve(ctx, next)
  }
}
