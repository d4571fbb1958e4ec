import { z } from 'zod'
import type { Management, RequiredPermission } from '../management/operation.ts'
import type { Principal } from '../management/principal.ts'

/** Every path of the management API begins so. */
export const API_ROOT = '/api/v1'

/** What a route takes of its caller; `scope` null: any token for the management API will do. */
export interface RoutePermission extends Pick<RequiredPermission, 'role'> {
  readonly scope: RequiredPermission['scope'] | null
}

/** A request that was judged: its caller may ask this, and all of it is as the declaration has it. */
export interface Call<Params = unknown, Query = unknown, Body = unknown> {
  readonly who: Principal
  /** With an `Idempotency-Key`, its `knex` is the transaction that keeps the answer too. */
  readonly management: Management
  readonly params: Params
  readonly query: Query
  readonly body: Body
  /** The revision that the caller changes; undefined: whatever it is by now. */
  readonly ifMatch: number | undefined
  readonly requestId: string
}

export interface Reply<Body = unknown> {
  /** Absent: the first that is declared. */
  readonly status?: number
  /** What its schema does not name is left out. */
  readonly body?: Body
  /** Of the one thing that is shown or was changed; it becomes the ETag. */
  readonly revision?: number
  readonly headers?: Readonly<Record<string, string>>
  /** JSON lines (application/x-ndjson) in place of a body, each as the answer's schema has it. */
  readonly lines?: AsyncIterable<Body>
}

/** Success by status; null: without a body. Refusals are documented by themselves. */
export type Answers = Readonly<Record<number, z.ZodType | null>>

type BodyOf<A extends Answers> = { [S in keyof A]: A[S] extends z.ZodType ? z.input<A[S]> : undefined }[keyof A]

interface Described {
  readonly method: 'get' | 'post' | 'patch' | 'put' | 'delete'
  /** Below `API_ROOT`, with parameters in braces: `/users/{user_id}`. */
  readonly path: string
  /** The operation behind it, or what takes its place: says who may. */
  readonly operation: { readonly permission: RoutePermission }
  /** Its name in the document and in clients made from it: `listApplications`. */
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
  A extends Answers,
> extends Described {
  /** One of what cannot be is not found. */
  readonly params?: Params
  readonly query?: Query
  readonly body?: Body
  readonly answers: A
  /** A creation that may be sent again under its `Idempotency-Key` without being done again. */
  readonly idempotent?: boolean
  /** Answers carry an ETag, for changes and not for caches, as it says nothing of use; changes must name the one they are for (RFC 9110, section 13.1.1; RFC 6585, section 3). */
  readonly etag?: boolean
  /** The answer is JSON lines. */
  readonly lines?: boolean
  handle(call: Call<z.output<Params>, z.output<Query>, z.output<Body>>): Promise<Reply<BodyOf<A>>>
}

/** A declared route, whatever it takes and answers. */
export interface ApiRoute extends Described {
  readonly params: z.ZodObject
  readonly query: z.ZodObject
  readonly body: z.ZodType | undefined
  readonly answers: Answers
  readonly idempotent: boolean
  readonly etag: boolean
  readonly lines: boolean
  handle(call: Call): Promise<Reply>
}

/** One declaration guards a route, types its handler and documents it. */
export function route<
  A extends Answers,
  Params extends z.ZodObject = typeof NOTHING,
  Query extends z.ZodObject = typeof NOTHING,
  Body extends z.ZodType = z.ZodUndefined,
>(declaration: Declaration<Params, Query, Body, A>): ApiRoute {
  const { params = NOTHING, query = NOTHING, body, idempotent = false, etag = false, lines = false } = declaration
  const handle = declaration.handle as ApiRoute['handle']
  return { ...declaration, params, query, body, idempotent, etag, lines, handle }
}

/** Whether it changes one thing, whose present revision its caller must have seen. */
export const isConditional = ({ etag, method }: ApiRoute): boolean => etag && (method === 'patch' || method === 'put')
