import { z } from 'zod'
import type { Management, RequiredPermission } from '../management/operation.ts'
import type { Principal } from '../management/principal.ts'
import { dryRunParameter, dryRunSchema } from './dry-run-schemas.ts'

/** The permission that a route requires; `scope` null: any token for the management API. */
export interface RoutePermission extends Pick<RequiredPermission, 'role'> {
  readonly scope: RequiredPermission['scope'] | null
}

/** A line of a request body, which is not parsed yet. */
export interface BodyLine {
  /** The first line is 1. */
  readonly line: number
  readonly text: string
}

/** An authorized request whose parameters and body match the schemas of the route. */
export interface Call<Params = unknown, Query = unknown, Body = unknown, Headers = unknown> {
  readonly who: Principal
  /** With an `Idempotency-Key`, its `knex` is the transaction that also stores the response. */
  readonly management: Management
  readonly params: Params
  readonly query: Query
  /** Only those that the route declares. */
  readonly headers: Headers
  readonly body: Body
  /** The lines of the body, of a route with `lineBody`. */
  readonly bodyLines?: readonly BodyLine[] | undefined
  /** The revision that the caller expects; undefined: any. */
  readonly ifMatch: number | undefined
  readonly requestId: string
}

export interface Reply<Body = unknown> {
  /** Absent: the first declared status. */
  readonly status?: number
  /** Fields that the schema does not declare are removed. */
  readonly body?: Body
  /** The revision of the resource; it becomes the ETag. */
  readonly revision?: number
  readonly headers?: Readonly<Record<string, string>>
  /** Lines or server-sent events instead of a body; each matches the response schema. */
  readonly lines?: AsyncIterable<Body>
}

/** The success responses by status; null: without a body. Problem responses are derived from the route. */
export type ResponseSchemas = Readonly<Record<number, z.ZodType | null>>

type BodyOf<A extends ResponseSchemas> = { [S in keyof A]: A[S] extends z.ZodType ? z.input<A[S]> : undefined }[keyof A]

interface Described {
  readonly method: 'get' | 'post' | 'patch' | 'put' | 'delete'
  /** Below `API_ROOT`, with parameters in braces: `/users/{user_id}`. */
  readonly path: string
  /** The operation of the route, or a permission alone. */
  readonly operation: { readonly permission: RoutePermission }
  /** The operation id in the document and in generated clients: `listApplications`. */
  readonly id: string
  readonly tag: string
  readonly summary: string
  readonly description?: string
}

const NOTHING = z.strictObject({})

export interface Declaration<
  Params extends z.ZodObject,
  Query extends z.ZodObject,
  Body extends z.ZodType,
  A extends ResponseSchemas,
  Headers extends z.ZodObject = typeof NOTHING,
> extends Described {
  /** An invalid parameter is 404. */
  readonly params?: Params
  readonly query?: Query
  /** Request headers of this route alone, by their names. */
  readonly headers?: Headers
  readonly body?: Body
  /** The body is in JSON lines, and this is the schema of a line; the handler parses the lines (`runLines`). */
  readonly lineBody?: z.ZodType
  readonly responses: A
  /** Accepts an `Idempotency-Key`, so that a creation can be retried safely. */
  readonly idempotent?: boolean
  /**
   * Responses carry an ETag, and changes require `If-Match` (RFC 9110, section 13.1.1; RFC 6585, section 3). The ETag is
   * not for caches: it does not cover the use of a resource.
   */
  readonly etag?: boolean
  /** A POST of a route with ETags that checks `If-Match` where the request has it. */
  readonly checksIfMatch?: boolean
  /** The response is a stream: lines of JSON (true), CSV, or server-sent events, whose items have `id` and `event`. */
  readonly lines?: boolean | 'csv' | 'events'
  handle(call: Call<z.output<Params>, z.output<Query>, z.output<Body>, z.output<Headers>>): Promise<Reply<BodyOf<A>>>
  /** Describes what the request would affect, and changes nothing. The route then accepts the parameter `dry_run`. */
  dryRun?(call: Call<z.output<Params>, z.output<Query>, z.output<Body>, z.output<Headers>>): Promise<object>
  /** The response of a dry run; absent: `dryRunSchema`. */
  readonly dryRunResponse?: z.ZodType
}

/** A declared route without its type parameters. */
export interface ApiRoute extends Described {
  readonly params: z.ZodObject
  readonly query: z.ZodObject
  readonly headers: z.ZodObject
  readonly body: z.ZodType | undefined
  readonly lineBody: z.ZodType | undefined
  readonly responses: ResponseSchemas
  readonly idempotent: boolean
  readonly etag: boolean
  readonly checksIfMatch: boolean
  readonly lines: boolean | 'csv' | 'events'
  handle(call: Call): Promise<Reply>
  readonly dryRun: ((call: Call) => Promise<object>) | undefined
  readonly dryRunResponse: z.ZodType
}

/** Declares a route: one declaration validates requests, types the handler and documents the route. */
export function route<
  A extends ResponseSchemas,
  Params extends z.ZodObject = typeof NOTHING,
  Query extends z.ZodObject = typeof NOTHING,
  Body extends z.ZodType = z.ZodUndefined,
  Headers extends z.ZodObject = typeof NOTHING,
>(declaration: Declaration<Params, Query, Body, A, Headers>): ApiRoute {
  const { params = NOTHING, query = NOTHING, headers = NOTHING, body, lineBody } = declaration
  const { idempotent = false, etag = false, lines = false } = declaration
  const { checksIfMatch = false } = declaration
  const handle = declaration.handle as ApiRoute['handle']
  const dryRun = declaration.dryRun as ApiRoute['dryRun']
  const allQuery = dryRun ? query.extend({ dry_run: dryRunParameter }) : query
  const dryRuns = { query: allQuery, dryRun, dryRunResponse: declaration.dryRunResponse ?? dryRunSchema }
  return { ...declaration, params, headers, body, lineBody, idempotent, etag, checksIfMatch, lines, handle, ...dryRuns }
}

/** Whether the route requires `If-Match`. */
export const isConditional = ({ etag, method }: ApiRoute): boolean => etag && (method === 'patch' || method === 'put')
