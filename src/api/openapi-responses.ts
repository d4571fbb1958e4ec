import { STATUS_CODES } from 'node:http'
import { z } from 'zod'
import { type Components, type Schema, toSchema } from './openapi-schemas.ts'
import { PROBLEMS, type ProblemCode } from './problems.ts'
import { type ApiRoute, isConditional } from './route.ts'

const problem = z
  .object({
    type: z.string().meta({ format: 'uri', examples: ['urn:keywright:error:not_found'] }),
    title: z.string(),
    status: z.number().int(),
    detail: z.string(),
    instance: z.string().meta({ description: 'The id of the request' }),
    errors: z
      .array(
        z.object({
          pointer: z
            .string()
            .optional()
            .meta({ description: 'A place in the body', examples: ['#/redirect_uris'] }),
          parameter: z
            .string()
            .optional()
            .meta({ description: 'A parameter of the query or path', examples: ['limit'] }),
          detail: z.string(),
        }),
      )
      .optional(),
  })
  .meta({ id: 'Problem', description: 'RFC 9457' })

/** What may be refused here, beyond the success that is declared. */
function problemsOf(route: ApiRoute): ProblemCode[] {
  const isChange = route.method !== 'get'
  const hasParams = Object.keys(route.params.shape).length > 0
  return [
    'invalid_input',
    'invalid_token',
    ...(route.operation.permission.scope === null ? [] : (['forbidden'] as const)),
    ...(hasParams || route.body ? (['not_found'] as const) : []),
    ...(isChange ? (['conflict'] as const) : []),
    ...(isConditional(route) ? (['stale', 'precondition_required'] as const) : []),
    ...(route.body ? (['too_large', 'unsupported_media_type'] as const) : []),
    ...(route.idempotent ? (['key_reused'] as const) : []),
    'rate_limited',
    'server_error',
    'unavailable',
  ]
}

const nameOf = (status: number): string => `Problem${status}`

/** Every refusal by its name, which says its status. */
export function describeRefusals(components: Components): Readonly<Record<string, Schema>> {
  const content = { 'application/problem+json': { schema: toSchema(problem, 'output', components) } }
  const byStatus = Map.groupBy(Object.entries(PROBLEMS), ([, [status]]) => status)
  const named = [...byStatus].map(([status, all]) => {
    const description = all.map(([code, [, title]]) => `${title} (${code})`).join('; ')
    return [nameOf(status), { description, content }]
  })
  return Object.fromEntries(named)
}

function refusalsOf(route: ApiRoute): Record<string, Schema> {
  const statuses = problemsOf(route).map((code) => PROBLEMS[code][0])
  const answers = statuses.map((status) => [status, { $ref: `#/components/responses/${nameOf(status)}` }])
  return Object.fromEntries(answers)
}

const text = (description: string) => ({ description, schema: { type: 'string' } })

/** What comes beside a body. */
export const ANSWER_HEADERS = {
  'X-Request-Id': text('What the log and the audit log know this request by'),
  RateLimit: text('What is left, as draft-ietf-httpapi-ratelimit-headers has it'),
  ETag: text('For If-Match'),
  Link: text('Where the list goes on (RFC 8288)'),
  'Idempotency-Replayed': text('There when this was done before'),
}

function headersOf(route: ApiRoute): Schema {
  const names: (keyof typeof ANSWER_HEADERS)[] = ['X-Request-Id', 'RateLimit']
  if (route.etag) names.push('ETag')
  if ('after' in route.query.shape) names.push('Link')
  if (route.idempotent) names.push('Idempotency-Replayed')
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]))
}

function success(route: ApiRoute, status: string, schema: z.ZodType | null, components: Components): Schema {
  const type = route.lines ? 'application/x-ndjson' : 'application/json'
  const content = schema && { [type]: { schema: toSchema(schema, 'output', components) } }
  return { description: STATUS_CODES[status] ?? '', headers: headersOf(route), ...(content && { content }) }
}

/** Every answer of a route, by status. */
export function answersOf(route: ApiRoute, components: Components): Readonly<Record<string, Schema>> {
  const successes = Object.entries(route.answers).map(([status, schema]) => [
    status,
    success(route, status, schema, components),
  ])
  return { ...Object.fromEntries(successes), ...refusalsOf(route) }
}
