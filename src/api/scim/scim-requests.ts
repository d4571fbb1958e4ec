import type { Context } from 'koa'
import { z } from 'zod'
import { readBody } from '../../http/request-body.ts'
import { KeywrightError } from '../../shared/errors.ts'
import { ProblemError } from '../problems.ts'
import { parseJsonBody } from '../requests.ts'
import { invalidSyntax, invalidValue, SCIM_TYPE, ScimError } from './scim-error.ts'

/** In bytes. */
const BODY_LIMIT = 64 * 1024

const anyObject = z.record(z.string(), z.unknown())

/**
 * A body in `application/scim+json` or `application/json`.
 * @throws ScimError `invalidSyntax`, ProblemError, BodyTooLargeError
 */
export async function readScimBody(ctx: Context): Promise<Record<string, unknown>> {
  const bytes = await readBody(ctx.req, BODY_LIMIT)
  if (bytes.length === 0) throw new ProblemError('invalid_input', 'the request has no body')
  try {
    return parseJsonBody(ctx, anyObject, bytes)
  } catch (error) {
    throw error instanceof KeywrightError ? invalidSyntax(error.message) : error
  }
}

/** The revision in `If-Match`. Undefined: any. @throws ScimError 412 for the ETag of something else */
export function revisionIn(ctx: Context): number | undefined {
  const header = ctx.get('if-match').trim()
  if (header === '' || header === '*') return undefined
  const [, revision] = /^(?:W\/)?"(\d{1,9})"$/.exec(header) ?? []
  if (revision === undefined) throw new ScimError(412, 'If-Match is not the version of a user')
  return Number(revision)
}

const one = (ctx: Context, name: string): string | undefined => {
  const value = ctx.query[name]
  if (Array.isArray(value)) throw invalidValue(`${name} is given twice`)
  return value === '' ? undefined : value
}

function integerIn(ctx: Context, name: string, otherwise: number, most: number): number {
  const text = one(ctx, name)
  if (text === undefined) return otherwise
  if (!/^-?\d{1,9}$/.test(text)) throw invalidValue(`${name} must be a whole number`)
  return Math.min(Number(text), most)
}

/** What a list request asks for (RFC 7644, section 3.4.2). Values out of range are the nearest possible ones. */
export const pageIn = (ctx: Context, maxResults: number) => ({
  filter: one(ctx, 'filter'),
  startIndex: Math.max(1, integerIn(ctx, 'startIndex', 1, 1_000_000)),
  count: Math.max(0, integerIn(ctx, 'count', 100, maxResults)),
})

const namesIn = (ctx: Context, name: string): Set<string> | undefined => {
  const names = one(ctx, name)?.split(',', 50)
  return names && new Set(names.map((each) => each.trim().toLowerCase().split('.')[0]!))
}

/** Always returned (RFC 7643, section 7: `returned`). */
const ALWAYS = ['schemas', 'id', 'meta']

/** The attributes of a resource that `attributes` and `excludedAttributes` ask for. */
export function projectionIn(ctx: Context): (resource: object) => object {
  const [wanted, unwanted] = [namesIn(ctx, 'attributes'), namesIn(ctx, 'excludedAttributes')]
  const isShown = (name: string): boolean =>
    ALWAYS.includes(name) || (wanted ? wanted.has(name.toLowerCase()) : !unwanted?.has(name.toLowerCase()))
  return (resource) => Object.fromEntries(Object.entries(resource).filter(([name]) => isShown(name)))
}

export function sendScim(ctx: Context, status: number, body: object): void {
  ctx.status = status
  ctx.body = JSON.stringify(body)
  ctx.type = SCIM_TYPE
}
