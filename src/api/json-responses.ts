import type { Context } from 'koa'
import { etagOf } from './conditions.ts'
import type { StoredResponse } from './idempotency.ts'
import type { ApiRoute, Reply } from './route.ts'

export const statusOf = (route: ApiRoute, reply: Reply): number =>
  reply.status ?? Number(Object.keys(route.responses)[0])

/** Only the fields that the response schema declares are sent: a new field of a feature stays internal until it is declared. */
function bodyOf(route: ApiRoute, reply: Reply): string {
  const schema = route.responses[statusOf(route, reply)]
  return schema ? JSON.stringify(schema.parse(reply.body)) : ''
}

/** The `Link` header to the next page (RFC 8288), the same cursor as `next` in the body. */
function linkOf(ctx: Context, { body }: Reply): Record<string, string> {
  const { next } = (body ?? {}) as { next?: string | null }
  if (typeof next !== 'string') return {}
  const query = new URLSearchParams({ ...(ctx.query as Record<string, string>), after: next })
  return { Link: `<${ctx.path}?${query}>; rel="next"` }
}

function headersOf(ctx: Context, route: ApiRoute, reply: Reply): Record<string, string> {
  return {
    ...reply.headers,
    ...(route.etag && reply.revision !== undefined && { ETag: etagOf(reply.revision) }),
    ...linkOf(ctx, reply),
  }
}

/** The response in a form that can be stored. */
export const toStored = (ctx: Context, route: ApiRoute, reply: Reply): StoredResponse => ({
  status: statusOf(route, reply),
  headers: headersOf(ctx, route, reply),
  body: bodyOf(route, reply),
})

export function sendStored(ctx: Context, { status, headers, body }: StoredResponse): void {
  ctx.status = status
  ctx.set(headers)
  if (body === '') return
  ctx.body = body
  ctx.type = 'application/json'
}
