import type { Context } from 'koa'
import type { z } from 'zod'
import { readBody } from '../http/request-body.ts'
import { KeywrightError } from '../shared/errors.ts'
import { parseJson } from '../shared/json-text.ts'
import { ProblemError, type ProblemPart } from './problems.ts'
import type { ApiRoute } from './route.ts'

/** In bytes. A logo of 256 KiB takes a third more in base64. */
const BODY_LIMIT = 384 * 1024

/** In bytes, of a body in JSON lines. */
export const LINES_BODY_LIMIT = 4 * 1024 * 1024

const UNSTORABLE_TEXT = 'text must not contain a NUL character or an unpaired surrogate'

type PathFormat = (path: readonly PropertyKey[]) => string

/** A JSON pointer as a URI fragment (RFC 6901, sections 3 and 6). */
const pointerTo: PathFormat = (path) =>
  `#${path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')}`

/** The errors of a schema, each at its field. Each unknown member is an error of its own. */
function fieldErrorsOf({ issues }: z.ZodError, toPart: (path: readonly PropertyKey[], detail: string) => ProblemPart) {
  return issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => toPart([...issue.path, key], 'unknown field'))
      : [
          toPart(
            issue.path,
            issue.message.replace(/^[A-Z]/, (letter) => letter.toLowerCase()),
          ),
        ],
  )
}

const inBody = (path: readonly PropertyKey[], detail: string): ProblemPart => ({ pointer: pointerTo(path), detail })

/** Also a header: problem details call both a parameter, as OpenAPI does. */
const inParameter = (path: readonly PropertyKey[], detail: string): ProblemPart => ({
  parameter: String(path[0] ?? ''),
  detail,
})

/**
 * Rejects text, member names included, that no text or JSON column of PostgreSQL can store. Iterative, because the sender
 * chooses the depth.
 * @throws ProblemError `invalid_input`
 */
function checkText(value: unknown): void {
  const rest = [value]
  while (rest.length > 0) {
    const one = rest.pop()
    if (typeof one === 'string' && (one.includes('\0') || !one.isWellFormed()))
      throw new ProblemError('invalid_input', UNSTORABLE_TEXT)
    if (typeof one !== 'object' || one === null) continue
    for (const pair of Object.entries(one)) rest.push(...pair)
  }
}

/** @throws ProblemError `not_found`: no resource has an id of another form */
export function readParams(route: ApiRoute, params: Record<string, string>): Record<string, unknown> {
  const read = route.params.safeParse(params)
  if (!read.success) throw new ProblemError('not_found', 'the requested resource does not exist')
  return read.data
}

/** @throws ProblemError `invalid_input` */
export function readQuery(ctx: Context, route: ApiRoute): Record<string, unknown> {
  const read = route.query.safeParse({ ...ctx.query })
  if (read.success) return read.data
  throw new ProblemError('invalid_input', 'one or more query parameters are invalid', {
    parts: fieldErrorsOf(read.error, inParameter),
  })
}

/** Header values are bytes (RFC 9110, section 5.5), which Node reads as Latin-1. @throws ProblemError `invalid_input` */
function textOf(value: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(value, 'latin1'))
  } catch {
    throw new ProblemError('invalid_input', 'a header is not valid UTF-8')
  }
}

/** The headers that the route declares. @throws ProblemError `invalid_input` */
export function readHeaders(ctx: Context, route: ApiRoute): Record<string, unknown> {
  const given = Object.keys(route.headers.shape).filter((name) => ctx.get(name) !== '')
  const read = route.headers.safeParse(Object.fromEntries(given.map((name) => [name, textOf(ctx.get(name))])))
  if (read.success) return read.data
  throw new ProblemError('invalid_input', 'one or more headers are invalid', {
    parts: fieldErrorsOf(read.error, inParameter),
  })
}

/**
 * Waits for the body, up to a limit, without parsing it: the token may be revoked meanwhile, and that error comes
 * first.
 * @returns a function that returns the bytes or throws: BodyTooLargeError, KeywrightError `invalid_input`
 */
export async function receiveBody(ctx: Context, route: ApiRoute): Promise<() => Buffer> {
  if (!route.body && !route.lineBody) return () => Buffer.alloc(0)
  return await readBody(ctx.req, route.lineBody ? LINES_BODY_LIMIT : BODY_LIMIT).then(
    (bytes) => () => bytes,
    (error) => () => {
      throw error
    },
  )
}

function parse(text: string): unknown {
  // The schemas limit the levels, and name the member.
  const json = parseJson(text, Infinity)
  checkText(json)
  return json
}

function readJson(ctx: Context, bytes: Buffer): unknown {
  if (bytes.length === 0) return {}
  const type = ctx.get('content-type').split(';')[0]!.trim().toLowerCase()
  if (!/^application\/(json|[\w.-]+\+json)$/.test(type)) {
    throw new ProblemError('unsupported_media_type', 'send the body as application/json')
  }
  try {
    return parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (error) {
    if (error instanceof ProblemError || error instanceof KeywrightError) throw error
    throw new ProblemError('invalid_input', 'the body is not in UTF-8')
  }
}

/** @throws ProblemError `invalid_input`, `unsupported_media_type` */
export const readJsonBody = (ctx: Context, { body }: ApiRoute, bytes: Buffer): unknown =>
  body && parseJsonBody(ctx, body, bytes)

/** @throws ProblemError `invalid_input`, `unsupported_media_type` */
export const parseJsonBody = <Schema extends z.ZodType>(ctx: Context, schema: Schema, bytes: Buffer) =>
  validated(schema, readJson(ctx, bytes))

/** @throws ProblemError `invalid_input` */
export const parseText = <Schema extends z.ZodType>(schema: Schema, text: string) => validated(schema, parse(text))

/** @throws ProblemError `invalid_input` */
function validated<Schema extends z.ZodType>(schema: Schema, json: unknown): z.output<Schema> {
  const read = schema.safeParse(json)
  if (read.success) return read.data
  throw new ProblemError('invalid_input', 'one or more fields are invalid', {
    parts: fieldErrorsOf(read.error, inBody),
  })
}

/** draft-ietf-httpapi-idempotency-key-header. @throws ProblemError `invalid_input` */
export function readIdempotencyKey(ctx: Context, route: ApiRoute): string | undefined {
  const key = ctx.get('idempotency-key')
  if (!route.idempotent || key === '') return undefined
  if (!/^[\x21-\x7e]{1,255}$/.test(key)) {
    throw new ProblemError('invalid_input', 'an Idempotency-Key must have 1 to 255 visible ASCII characters')
  }
  return key
}
