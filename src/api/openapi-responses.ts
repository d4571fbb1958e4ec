import { STATUS_CODES } from 'node:http'
import { z } from 'zod'
import { type Components, type Schema, toSchema } from './openapi-schemas.ts'
import { PROBLEMS, type ProblemCode } from './problems.ts'
import { type ApiRoute, isConditional, type ResponseSchemas } from './route.ts'

/** Problem details (RFC 9457). */
export const problemSchema = z
  .object({
    type: z.string().meta({ format: 'uri', examples: ['urn:keywright:error:not_found'] }),
    title: z.string(),
    status: z.number().int(),
    detail: z.string(),
    instance: z.string().meta({ description: 'The id of the request, as in X-Request-Id' }),
    errors: z
      .array(
        z.object({
          pointer: z
            .string()
            .optional()
            .meta({ description: 'The field of the body, as a JSON pointer', examples: ['#/redirect_uris'] }),
          parameter: z
            .string()
            .optional()
            .meta({ description: 'The query or path parameter', examples: ['limit'] }),
          detail: z.string(),
        }),
      )
      .optional(),
  })
  .meta({ id: 'Problem', description: 'Problem details (RFC 9457)' })

/** The problems that a route can respond with. */
function problemsOf(route: ApiRoute): ProblemCode[] {
  const isChange = route.method !== 'get'
  const hasParams = Object.keys(route.params.shape).length > 0
  return [
    'invalid_input',
    'invalid_token',
    ...(route.operation.permission.scope === null ? [] : (['forbidden'] as const)),
    ...(hasParams || route.body ? (['not_found'] as const) : []),
    ...(isChange || route.lines === 'events' ? (['conflict'] as const) : []),
    ...(isConditional(route) ? (['stale', 'precondition_required'] as const) : []),
    ...(route.checksIfMatch ? (['stale'] as const) : []),
    ...(route.body ? (['too_large', 'unsupported_media_type'] as const) : []),
    ...(route.idempotent ? (['key_reused'] as const) : []),
    'rate_limited',
    'server_error',
    'unavailable',
  ]
}

const nameOf = (status: number): string => `Problem${status}`

/** The problem response of each status, by its component name. */
export function describeProblemResponses(components: Components): Readonly<Record<string, Schema>> {
  const content = { 'application/problem+json': { schema: toSchema(problemSchema, 'output', components) } }
  const byStatus = Map.groupBy(Object.entries(PROBLEMS), ([, [status]]) => status)
  const named = [...byStatus].map(([status, all]) => {
    const description = all.map(([code, [, title]]) => `${title} (${code})`).join('; ')
    return [nameOf(status), { description, content }]
  })
  return Object.fromEntries(named)
}

function problemResponsesOf(route: ApiRoute): Record<string, Schema> {
  const statuses = problemsOf(route).map((code) => PROBLEMS[code][0])
  const responses = statuses.map((status) => [status, { $ref: `#/components/responses/${nameOf(status)}` }])
  return Object.fromEntries(responses)
}

const text = (description: string) => ({ description, schema: { type: 'string' } })

/** The headers that responses carry. */
export const RESPONSE_HEADERS = {
  'X-Request-Id': text('The id of this request in the logs and the activity log'),
  RateLimit: text('The remaining requests (draft-ietf-httpapi-ratelimit-headers)'),
  ETag: text('The revision, for If-Match'),
  Link: text('The next page of the list (RFC 8288)'),
  'Idempotency-Replayed': text('true when this is the response of an earlier request with the same Idempotency-Key'),
}

function headersOf(route: ApiRoute): Schema {
  const names: (keyof typeof RESPONSE_HEADERS)[] = ['X-Request-Id', 'RateLimit']
  if (route.etag) names.push('ETag')
  if ('after' in route.query.shape) names.push('Link')
  if (route.idempotent) names.push('Idempotency-Replayed')
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]))
}

function describeCsv(schema: z.ZodType): Schema {
  const columns = Object.keys((schema as z.ZodObject).shape).join(', ')
  return { 'text/csv': { schema: { type: 'string', description: `CSV (RFC 4180) with the columns ${columns}` } } }
}

function describeEvents(schema: z.ZodType): Schema {
  const fields = Object.keys((schema as z.ZodObject).shape).join(' and ')
  const description = `Server-sent events with ${fields}: data is an ActivityEntry in JSON`
  return { 'text/event-stream': { schema: { type: 'string', description } } }
}

function success(route: ApiRoute, status: string, schema: z.ZodType | null, components: Components): Schema {
  const head = { description: STATUS_CODES[status] ?? '', headers: headersOf(route) }
  if (schema && route.lines === 'events') return { ...head, content: describeEvents(schema) }
  if (schema && route.lines === 'csv') return { ...head, content: describeCsv(schema) }
  const type = route.lines ? 'application/x-ndjson' : 'application/json'
  const content = schema && { [type]: { schema: toSchema(schema, 'output', components) } }
  return { ...head, ...(content && { content }) }
}

/** With its dry run, which is answered 200. */
function successSchemas({ responses, dryRun, dryRunResponse }: ApiRoute): ResponseSchemas {
  if (!dryRun) return responses
  return { ...responses, 200: responses[200] ? z.union([responses[200], dryRunResponse]) : dryRunResponse }
}

/** Every response of a route, by status. */
export function responsesOf(route: ApiRoute, components: Components): Readonly<Record<string, Schema>> {
  const successes = Object.entries(successSchemas(route)).map(([status, schema]) => [
    status,
    success(route, status, schema, components),
  ])
  return { ...Object.fromEntries(successes), ...problemResponsesOf(route) }
}
