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
function fieldErrorsOf({ issues }: z.ZodError, toPart: (path: readonly PropertyKey[], detail: string) => ProblemPart) {
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
 * How many members its objects have together. Without recursion: whoever sends it chooses the depth.
 * @throws ProblemError `invalid_input` for text, names included, that no column or JSON value of PostgreSQL can hold
 */
function countMembers(value: unknown): number {
  const rest = [value]
  let count = 0
  while (rest.length > 0) {
    const one = rest.pop()
    if (typeof one === 'string' && (one.includes('\0') || !one.isWellFormed()))
      throw new ProblemError('invalid_input', NUL)
    if (typeof one !== 'object' || one === null) continue
    const pairs = Object.entries(one)
    if (!Array.isArray(one)) count += pairs.length
    for (const pair of pairs) rest.push(...pair)
  }
  return count
}

/** The same of a JSON text, where each has a colon outside of strings: those that are there twice are counted twice. */
function countWritten(json: string): number {
  let count = 0
  let isInString = false
  for (const [token] of json.matchAll(/\\.|[":]/g)) {
    if (token === '"') isInString = !isInString
    else if (token === ':' && !isInString) count++
  }
  return count
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
  throw new ProblemError('invalid_input', 'the query is not as it should be', {
    parts: fieldErrorsOf(read.error, inQuery),
  })
}

/**
 * Waits for the body, bounded, and judges nothing of it: who sends it may have lost their token meanwhile, and is told
 * so first.
 * @returns the bytes, or throws why there are none: BodyTooLargeError, KeywrightError `invalid_input`
 */
export async function receiveBody(ctx: Context, route: ApiRoute): Promise<() => Buffer> {
  if (!route.body) return () => Buffer.alloc(0)
  return await readBody(ctx.req, BODY_LIMIT).then(
    (bytes) => () => bytes,
    (fieldError) => () => {
      throw fieldError
    },
  )
}

/** RFC 8259, section 4, leaves open which of two members with one name counts: none does. */
function parse(text: string): unknown {
  const json = JSON.parse(text)
  if (countMembers(json) !== countWritten(text)) throw new ProblemError('invalid_input', 'a member is there twice')
  return json
}

function readJson(ctx: Context, bytes: Buffer): unknown {
  if (bytes.length === 0) return {}
  const type = ctx.get('content-type').split(';')[0]!.trim().toLowerCase()
  if (!/^application\/(json|[\w.-]+\+json)$/.test(type)) {
    throw new ProblemError('unsupported_media_type', 'the body must be application/json')
  }
  try {
    return parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (error) {
    if (error instanceof ProblemError) throw error
    throw new ProblemError('invalid_input', 'the body is no JSON text in UTF-8')
  }
}

/** @throws ProblemError `invalid_input`, `unsupported_media_type` */
export function readJsonBody(ctx: Context, route: ApiRoute, bytes: Buffer): unknown {
  if (!route.body) return undefined
  const read = route.body.safeParse(readJson(ctx, bytes))
  if (read.success) return read.data
  throw new ProblemError('invalid_input', 'the body is not as it should be', {
    parts: fieldErrorsOf(read.error, inBody),
  })
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
