import type { z } from 'zod'
import { MANAGEMENT_API, MANAGEMENT_SCOPES } from '../management/management-scopes.ts'
import { API_ROUTES } from './api-routes.ts'
import { ANSWER_HEADERS, answersOf, describeRefusals } from './openapi-responses.ts'
import { type Components, type Schema, toSchema } from './openapi-schemas.ts'
import { API_ROOT, type ApiRoute, isConditional } from './route.ts'

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
Everything that the consoles do. Callers hold access tokens of Keywright itself, asked for with
\`resource=${MANAGEMENT_API}\`: a key pair acts as its owner, an application for its account, or in the name of a person who
allowed it.

- **Errors** are problem+json (RFC 9457), also those of the schema (400); \`errors\` says where.
- **Lists** come in parts: \`limit\`, \`after\`, and \`next\` in the answer, also as a \`Link\`.
- **Changes** name what they are for: \`If-Match\` with the ETag that was read, or \`*\`; 412 when it was changed meanwhile.
- **Creations** may be sent again under their \`Idempotency-Key\` for 24 hours: they are done once and get the same answer.
- **Rates** are limited for each caller; \`RateLimit\` says what is left.
`.trim()

const ROLES = {
  operator: 'For operators.',
  admin: 'For admins of accounts, and operators.',
  member: 'For everybody with a token.',
}

const IF_MATCH = {
  name: 'If-Match',
  in: 'header',
  required: true,
  description: 'The ETag of what was read, or * for whatever is there',
  schema: { type: 'string' },
  example: '"3"',
}

const IDEMPOTENCY_KEY = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description: 'Chosen by the caller, anew for each creation; the same again gets the same answer',
  schema: { type: 'string', minLength: 1, maxLength: 255 },
  example: '8e03978e-40d5-43dd-bc93-6894a57f9324',
}

function parametersIn(place: 'path' | 'query', shape: z.ZodObject, components: Components): Schema[] {
  const { properties = {}, required = [] } = toSchema(shape, 'input', components)
  return Object.entries(properties as Record<string, Schema>).map(([name, { description, ...schema }]) => ({
    name,
    in: place,
    required: place === 'path' || (required as string[]).includes(name),
    ...(typeof description === 'string' && { description }),
    schema,
  }))
}

function parametersOf(route: ApiRoute, components: Components): Schema[] {
  return [
    ...parametersIn('path', route.params, components),
    ...parametersIn('query', route.query, components),
    ...(isConditional(route) ? [IF_MATCH] : []),
    ...(route.idempotent ? [IDEMPOTENCY_KEY] : []),
  ]
}

function bodyOf({ body }: ApiRoute, components: Components): Schema {
  // A request without a body says what an empty object says.
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
    ...(route.body && { requestBody: bodyOf(route, components) }),
    responses: answersOf(route, components),
  }
}

function securityScheme(issuer: string) {
  const tokenUrl = `${issuer}/oauth2/token`
  const scopes = MANAGEMENT_SCOPES
  return {
    type: 'oauth2',
    description: `Access tokens of Keywright itself, asked for with resource=${MANAGEMENT_API}`,
    flows: {
      clientCredentials: { tokenUrl, scopes },
      authorizationCode: { authorizationUrl: `${issuer}/oauth2/authorize`, tokenUrl, refreshUrl: tokenUrl, scopes },
    },
  }
}

/** The document of the management API, made from its routes. @param issuer where it stands, without a slash at the end */
export function describeApi(issuer: string): OpenApiDocument {
  const components: Components = {}
  const paths: Record<string, Record<string, OpenApiOperation>> = {}
  for (const route of API_ROUTES) {
    const path = API_ROOT + route.path
    paths[path] = { ...paths[path], [route.method]: operationOf(route, components) }
  }
  const responses = describeRefusals(components)
  const schemas = Object.fromEntries(Object.entries(components).sort(([a], [b]) => (a < b ? -1 : 1)))
  return {
    openapi: '3.1.0',
    info: { title: 'Keywright management API', version: '1', description: DESCRIPTION },
    servers: [{ url: issuer }],
    tags: [...new Set(API_ROUTES.map(({ tag }) => tag))].map((name) => ({ name })),
    paths,
    components: { schemas, responses, headers: ANSWER_HEADERS, securitySchemes: { keywright: securityScheme(issuer) } },
  }
}
