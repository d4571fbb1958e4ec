import type { Context } from 'koa'
import type { z } from 'zod'
import { readBody } from '../http/request-body.ts'
import { ProblemError, type ProblemPart } from './problems.ts'
import type { ApiRoute } from './route.ts'

/** Far more than any request needs; a logo is at most 256 KiB, and a third more in base64. */
const BODY_LIMIT = 384 * 1024

const NUL = 'no text here holds a NUL character, or half a surrogate pair'

type Where = (path: readonly PropertyKey[]) => string

/** RFC 6901, section 3. */
const pointerTo: Where = (path) =>
  `#${path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')}`

/** Where a schema finds fault; what it does not know is named, one by one. */
function faultsOf({ issues }: z.ZodError, toPart: (path: readonly PropertyKey[], detail: string) => ProblemPart) {
  return issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => toPart([...issue.path, key], 'there is no such member'))
      : [
          toPart(
            issue.path,
            issue.message.replace(/^[A-Z]/, (letter) => letter.toLowerCase()),
          ),
        ],
  )
}

const inBody = (path: readonly PropertyKey[], detail: string): ProblemPart => ({ pointer: pointerTo(path), detail })

const inQuery = (path: readonly PropertyKey[], detail: string): ProblemPart => ({
  parameter: String(path[0] ?? ''),
  detail,
})

/**
 * Whether any text in it, names included, is such as no column or JSON value of PostgreSQL can hold. Without recursion:
 * whoever sends it chooses the depth.
 */
function holdsUnstorable(value: unknown): boolean {
  const rest = [value]
  while (rest.length > 0) {
    const one = rest.pop()
    if (typeof one === 'string' && (one.includes('\0') || !one.isWellFormed())) return true
    if (typeof one === 'object' && one !== null) for (const pair of Object.entries(one)) rest.push(...pair)
  }
  return false
}

/** What PostgreSQL cannot store no part of an address may hold. @throws ProblemError `invalid_input` */
export function refuseNul(ctx: Context): void {
  if (/%00/.test(ctx.url) || ctx.url.includes('\0')) throw new ProblemError('invalid_input', NUL)
}

/** @throws ProblemError `not_found`: one of what cannot be is not there */
export function readParams(route: ApiRoute, given: Record<string, string>): Record<string, unknown> {
  const read = route.params.safeParse(given)
  if (!read.success) throw new ProblemError('not_found', 'there is nothing at this address')
  return read.data
}

/** @throws ProblemError `invalid_input` */
export function readQuery(ctx: Context, route: ApiRoute): Record<string, unknown> {
  const read = route.query.safeParse({ ...ctx.query })
  if (read.success) return read.data
  throw new ProblemError('invalid_input', 'the query is not as it should be', { parts: faultsOf(read.error, inQuery) })
}

async function readJson(ctx: Context): Promise<unknown> {
  const bytes = await readBody(ctx.req, BODY_LIMIT)
  if (bytes.length === 0) return {}
  const type = ctx.get('content-type').split(';')[0]!.trim().toLowerCase()
  if (!/^application\/(json|[\w.-]+\+json)$/.test(type)) {
    throw new ProblemError('unsupported_media_type', 'the body must be application/json')
  }
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    throw new ProblemError('invalid_input', 'the body is no JSON text in UTF-8')
  }
}

/** @throws ProblemError `invalid_input`, `too_large`, `unsupported_media_type` */
export async function readJsonBody(ctx: Context, route: ApiRoute): Promise<unknown> {
  if (!route.body) return undefined
  const json = await readJson(ctx)
  if (holdsUnstorable(json)) throw new ProblemError('invalid_input', NUL)
  const read = route.body.safeParse(json)
  if (read.success) return read.data
  throw new ProblemError('invalid_input', 'the body is not as it should be', { parts: faultsOf(read.error, inBody) })
}

/** RFC draft-ietf-httpapi-idempotency-key-header. @throws ProblemError `invalid_input` */
export function readIdempotencyKey(ctx: Context, route: ApiRoute): string | undefined {
  const key = ctx.get('idempotency-key')
  if (!route.idempotent || key === '') return undefined
  if (!/^[\x21-\x7e]{1,255}$/.test(key)) {
    throw new ProblemError('invalid_input', 'an Idempotency-Key has 1 to 255 visible ASCII characters')
  }
  return key
}
