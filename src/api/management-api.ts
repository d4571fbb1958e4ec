import Router, { type Layer } from '@koa/router'
import type { Context, Middleware, Next } from 'koa'
import compose from 'koa-compose'
import { checkRequest } from '../http/request-check.ts'
import type { GithubKeys } from '../leaks/github-keys.ts'
import { type Management, requirePermission } from '../management/operation.ts'
import { limitRate } from './api-rate-limit.ts'
import { API_ROUTES } from './api-routes.ts'
import { insufficientScope } from './bearer-errors.ts'
import { readBodyLines } from './body-lines.ts'
import { type ApiCaller, type CallerServices, checkTokenIsActive, createCallerReader } from './callers.ts'
import { readIfMatch } from './conditions.ts'
import { describeEffect, isDryRun } from './dry-run-responses.ts'
import { githubLeakReports } from './github-leak-reports.ts'
import { idempotentRequest, runOnce } from './idempotency.ts'
import { sendStored, toStored } from './json-responses.ts'
import { createLineStreams, type LineStreams } from './line-streams.ts'
import { API_ROOT } from './management-paths.ts'
import { describeApi } from './openapi.ts'
import { handleProblems, ProblemError } from './problems.ts'
import { readHeaders, readIdempotencyKey, readJsonBody, readParams, readQuery, receiveBody } from './requests.ts'
import type { ApiRoute, Call } from './route.ts'

export interface ManagementApiServices extends CallerServices {
  /** Absent: GitHub cannot report leaks. */
  readonly githubKeys: GithubKeys | undefined
  readonly management: Management
  /** False once the process has been asked to stop. */
  readonly isOpen: () => boolean
}

/** @throws ProblemError, KeywrightError `forbidden` */
function checkPermission({ who }: ApiCaller, { operation: { permission } }: ApiRoute): void {
  if (permission.scope === null) return
  if (who.scopes && !who.scopes.has(permission.scope)) throw insufficientScope(permission.scope)
  requirePermission(who, { role: permission.role, scope: permission.scope })
}

/** @param body returns the bytes, or throws the error that receiving them had */
function readCall(ctx: Context, route: ApiRoute, body: () => Buffer): Omit<Call, 'who' | 'management'> {
  const given = {
    params: readParams(route, ctx.params),
    query: readQuery(ctx, route),
    headers: readHeaders(ctx, route),
    ifMatch: readIfMatch(ctx, route),
    requestId: ctx.state.requestId,
  }
  return route.lineBody
    ? { ...given, body: undefined, bodyLines: readBodyLines(ctx, body()) }
    : { ...given, body: readJsonBody(ctx, route, body()) }
}

/** Runs the handler once per idempotency key, and replays its response to retries on any node. */
async function handleOnce(ctx: Context, route: ApiRoute, caller: ApiCaller, call: Call, key: string): Promise<void> {
  const request = idempotentRequest(caller, key, [route.method, ctx.path, call.query, call.body ?? null])
  const { response, isReplayed } = await runOnce(
    call.management,
    request,
    (trx) => checkTokenIsActive(trx, caller),
    async (management) => toStored(ctx, route, await route.handle({ ...call, management })),
  )
  sendStored(ctx, response)
  if (isReplayed) ctx.set('Idempotency-Replayed', 'true')
}

function serve(
  services: ManagementApiServices,
  streams: LineStreams,
  route: ApiRoute,
): (ctx: Context) => Promise<void> {
  const { management } = services
  const readCaller = createCallerReader(services)
  async function authorize(ctx: Context): Promise<ApiCaller> {
    const caller = await readCaller(ctx)
    checkPermission(caller, route)
    return caller
  }
  const parameters = new Set([...Object.keys(route.params.shape), ...Object.keys(route.query.shape)])
  return async (ctx) => {
    ctx.state.parameters = parameters
    const first = await readCaller(ctx)
    ctx.state.clientId = first.clientId
    await limitRate(ctx, services.database.reader, first)
    checkPermission(first, route)
    const body = await receiveBody(ctx, route)
    // The token may be revoked while the body arrives.
    const caller = route.method === 'get' ? first : await authorize(ctx)
    const call = { ...readCall(ctx, route, body), who: caller.who, management }
    const key = readIdempotencyKey(ctx, route)
    if (isDryRun(call)) sendStored(ctx, await describeEffect(route, call))
    else if (route.lines) await streams.send(ctx, route, caller, call, () => authorize(ctx))
    else if (key === undefined) sendStored(ctx, toStored(ctx, route, await route.handle(call)))
    else await handleOnce(ctx, route, caller, call, key)
  }
}

const methodsOf = (ctx: Context): string[] => [
  ...new Set(((ctx.matched ?? []) as Layer[]).flatMap(({ methods }) => methods)),
]

/** Responds to requests that no route matches: 404, 405 with `Allow`, or the answer to OPTIONS. */
function handleUnmatched(ctx: Context): void {
  const methods = methodsOf(ctx)
  if (methods.length === 0) throw new ProblemError('not_found', 'the requested resource does not exist')
  if (ctx.method !== 'OPTIONS') {
    const options = { headers: { Allow: methods.join(', ') } }
    throw new ProblemError('method_not_allowed', 'the Allow header lists the supported methods', options)
  }
  ctx.set('Allow', methods.join(', '))
  ctx.status = 204
}

function routesOf(services: ManagementApiServices): Middleware {
  const router = new Router({ prefix: API_ROOT, sensitive: true })
  let document: object | undefined
  const streams = createLineStreams(undefined, services.isOpen)
  router.get('/openapi.json', (ctx) => {
    document ??= describeApi(services.issuerUrl())
    ctx.body = document
  })
  for (const route of API_ROUTES) {
    const path = route.path.replace(/\{(\w+)\}/g, ':$1')
    router[route.method](path, serve(services, streams, route) as never)
  }
  return router.routes() as unknown as Middleware
}

function prepare(ctx: Context, next: Next): Promise<void> {
  ctx.set('Cache-Control', 'no-store')
  checkRequest(ctx)
  return next()
}

/** Responds to every request for a path of the management API. */
export function createManagementApi(services: ManagementApiServices): Middleware {
  return compose([
    handleProblems,
    prepare,
    githubLeakReports(services.management, services.githubKeys),
    routesOf(services),
    handleUnmatched,
  ] as Middleware[])
}
