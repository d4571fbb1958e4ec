import type { z } from 'zod'
import type { Role } from '../accounts/user-attributes.ts'
import { MANAGEMENT_API, MANAGEMENT_SCOPES } from '../management/management-scopes.ts'
import { API_ROUTES } from './api-routes.ts'
import { LINES_TYPE } from './body-lines.ts'
import { API_ROOT } from './management-paths.ts'
import { describeProblemResponses, RESPONSE_HEADERS, responsesOf } from './openapi-responses.ts'
import { type Components, type Schema, toSchema } from './openapi-schemas.ts'
import { type ApiRoute, isConditional } from './route.ts'

/** An OpenAPI 3.1 document, as plain JSON. */
export interface OpenApiDocument {
  readonly openapi: '3.1.0'
  readonly info: Readonly<Record<string, unknown>>
  readonly servers: readonly { readonly url: string }[]
  readonly tags: readonly { readonly name: string }[]
  readonly paths: Readonly<Record<string, Readonly<Record<string, OpenApiOperation>>>>
  readonly components: Readonly<Record<string, unknown>>
}

export interface OpenApiOperation {
  readonly operationId: string
  readonly summary: string
  readonly description: string
  readonly tags: readonly string[]
  readonly security: readonly Readonly<Record<string, readonly string[]>>[]
  readonly parameters?: readonly Schema[]
  readonly requestBody?: Schema
  readonly responses: Readonly<Record<string, unknown>>
}

const DESCRIPTION = `
The management API does everything that the console does. Authenticate with an access token that Keywright issued for
\`resource=${MANAGEMENT_API}\`. A key pair acts as its owner. An application acts for its account, or for a user who gave
consent. A token that is bound to a key needs \`Authorization: DPoP\` and a proof for each request (RFC 9449).

- **Errors** are problem details (RFC 9457, \`application/problem+json\`). \`errors\` lists each invalid field or parameter.
- **Pagination**: set the page size with \`limit\`, and send \`next\` of a response as \`after\` to get the next page. The \`Link\` header holds the same cursor.
- **Concurrent changes**: send the ETag of the last read in \`If-Match\`, or \`*\`. The response is 412 when the resource has changed.
- **Idempotent requests**: send an \`Idempotency-Key\` to retry a creation safely. A key is valid for 24 hours; retries get the first response.
- **Rate limits** apply to each caller. The \`RateLimit\` header shows the remaining requests.
`.trim()

const ROLES: Readonly<Record<Role, string>> = {
  operator: 'Requires an operator.',
  admin: 'Requires an admin of the account or an operator.',
  developer: 'Requires a developer or admin of the account, or an operator.',
  viewer: 'Requires a viewer, developer or admin of the account, or an operator.',
  member: 'Available to every caller.',
}

const IF_MATCH = {
  name: 'If-Match',
  in: 'header',
  required: true,
  description: 'The ETag of the last read, or * to change any revision',
  schema: { type: 'string' },
  example: '"3"',
}

const IDEMPOTENCY_KEY = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description:
    'A unique value that the caller generates for each creation; a retry with the same key gets the same response',
  schema: { type: 'string', minLength: 1, maxLength: 255 },
  example: '8e03978e-40d5-43dd-bc93-6894a57f9324',
}

function parametersIn(location: 'path' | 'query' | 'header', shape: z.ZodObject, components: Components): Schema[] {
  const { properties = {}, required = [] } = toSchema(shape, 'input', components)
  return Object.entries(properties as Record<string, Schema>).map(([name, { description, ...schema }]) => ({
    name,
    in: location,
    required: location === 'path' || (required as string[]).includes(name),
    ...(typeof description === 'string' && { description }),
    schema,
  }))
}

function parametersOf(route: ApiRoute, components: Components): Schema[] {
  return [
    ...parametersIn('path', route.params, components),
    ...parametersIn('query', route.query, components),
    ...parametersIn('header', route.headers, components),
    ...(isConditional(route) ? [IF_MATCH] : []),
    ...(route.checksIfMatch ? [{ ...IF_MATCH, required: false }] : []),
    ...(route.idempotent ? [IDEMPOTENCY_KEY] : []),
  ]
}

function bodyOf({ body, lineBody }: ApiRoute, components: Components): Schema {
  if (lineBody)
    return { required: true, content: { [LINES_TYPE]: { schema: toSchema(lineBody, 'input', components) } } }
  // A request without a body means an empty object.
  const required = !body!.safeParse({}).success
  return { required, content: { 'application/json': { schema: toSchema(body!, 'input', components) } } }
}

function operationOf(route: ApiRoute, components: Components): OpenApiOperation {
  const { role, scope } = route.operation.permission
  const parameters = parametersOf(route, components)
  return {
    operationId: route.id,
    summary: route.summary,
    description: [route.description, ROLES[role]].filter(Boolean).join(' '),
    tags: [route.tag],
    security: [{ keywright: scope === null ? [] : [scope] }],
    ...(parameters.length > 0 && { parameters }),
    ...((route.body || route.lineBody) && { requestBody: bodyOf(route, components) }),
    responses: responsesOf(route, components),
  }
}

function securityScheme(issuer: string) {
  const tokenUrl = `${issuer}/oauth2/token`
  const scopes = MANAGEMENT_SCOPES
  return {
    type: 'oauth2',
    description: `An access token that Keywright issued for resource=${MANAGEMENT_API}`,
    flows: {
      clientCredentials: { tokenUrl, scopes },
      authorizationCode: { authorizationUrl: `${issuer}/oauth2/authorize`, tokenUrl, refreshUrl: tokenUrl, scopes },
    },
  }
}

/** The OpenAPI document of the management API, made from its routes. @param issuer without a trailing slash */
export function describeApi(issuer: string): OpenApiDocument {
  const components: Components = {}
  const paths: Record<string, Record<string, OpenApiOperation>> = {}
  for (const route of API_ROUTES) {
    const path = API_ROOT + route.path
    paths[path] = { ...paths[path], [route.method]: operationOf(route, components) }
  }
  const responses = describeProblemResponses(components)
  const schemas = Object.fromEntries(Object.entries(components).sort(([a], [b]) => (a < b ? -1 : 1)))
  return {
    openapi: '3.1.0',
    info: { title: 'Keywright management API', version: '1', description: DESCRIPTION },
    servers: [{ url: issuer }],
    tags: [...new Set(API_ROUTES.map(({ tag }) => tag))].map((name) => ({ name })),
    paths,
    components: {
      schemas,
      responses,
      headers: RESPONSE_HEADERS,
      securitySchemes: { keywright: securityScheme(issuer) },
    },
  }
}
