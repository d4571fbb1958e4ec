import type { Context } from 'koa'
import { etagOf } from './conditions.ts'
import type { StoredResponse } from './idempotency.ts'
import type { ApiRoute, Reply } from './route.ts'

export const statusOf = (route: ApiRoute, reply: Reply): number => reply.status ?? Number(Object.keys(route.answers)[0])

/** Nothing leaves that the answer's schema does not name: a member that a feature gains stays inside until it is declared. */
function bodyOf(route: ApiRoute, reply: Reply): string {
  const schema = route.answers[statusOf(route, reply)]
  return schema ? JSON.stringify(schema.parse(reply.body)) : ''
}

/** Where a list goes on (RFC 8288), beside `next` in the body. */
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

/** What will be sent, in a form that can be kept. */
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
