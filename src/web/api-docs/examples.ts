import {
  isSchema,
  listOf,
  type Operation,
  type Parameter,
  type Resolve,
  type Schema,
  schemaIn,
} from './openapi-document.ts'

const DEPTH = 5

const TEXTS: Readonly<Record<string, string>> = {
  'date-time': '2026-01-31T12:00:00Z',
  date: '2026-01-31',
  uuid: '8e03978e-40d5-43dd-bc93-6894a57f9324',
  uri: 'https://app.example.com/callback',
  email: 'ada@example.com',
}

/** What the schema itself gives as an example. */
function given(schema: Schema): unknown {
  if (Array.isArray(schema.examples)) return schema.examples[0]
  if ('default' in schema) return schema.default
  if ('const' in schema) return schema.const
  return Array.isArray(schema.enum) ? schema.enum[0] : undefined
}

function objectOf(schema: Schema, resolve: Resolve, depth: number): Record<string, unknown> {
  const required = Array.isArray(schema.required) ? schema.required : []
  const members = Object.entries(isSchema(schema.properties) ? schema.properties : {})
  // Where nothing must be there, one member shows how it is done.
  const shown = members.filter(([name], n) => required.includes(name) || (required.length === 0 && n === 0))
  return Object.fromEntries(
    shown.flatMap(([name, one]) => (isSchema(one) ? [[name, exampleOf(one, resolve, depth + 1)]] : [])),
  )
}

/** A value that the schema takes, as small as can be. */
export function exampleOf(reference: Schema, resolve: Resolve, depth = 0): unknown {
  const schema = resolve(reference)
  const example = given(schema)
  if (example !== undefined || depth > DEPTH) return example ?? null
  const choice = [...listOf(schema.anyOf), ...listOf(schema.oneOf)].find(({ type }) => type !== 'null')
  if (choice) return exampleOf(choice, resolve, depth + 1)
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type
  if (type === 'object') return objectOf(schema, resolve, depth)
  if (type === 'array') return isSchema(schema.items) ? [exampleOf(schema.items, resolve, depth + 1)] : []
  if (type === 'boolean') return true
  if (type === 'integer' || type === 'number')
    return typeof schema.minimum === 'number' && schema.minimum > 0 ? schema.minimum : 1
  return TEXTS[String(schema.format)] ?? 'text'
}

/** For a POSIX shell. */
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`

/** `client_id` becomes `$CLIENT_ID`, which who tries it sets. */
const pathWith = (path: string): string => path.replace(/\{(\w+)\}/g, (_, name: string) => `$${name.toUpperCase()}`)

/** What only who sends it knows, as the shell finds it. */
const SHELL: Readonly<Record<string, string>> = {
  'Idempotency-Key': '$(openssl rand -hex 16)',
  'If-Match': '$ETAG',
}

const headersOf = (parameters: readonly Parameter[]): string[] =>
  parameters.flatMap(({ name, in: place }) =>
    place === 'header' && SHELL[name] ? [`--header "${name}: ${SHELL[name]}"`] : [],
  )

/** The request as a command, with the token in the shell's `$TOKEN`. */
export function curlOf(issuer: string, method: string, path: string, operation: Operation, resolve: Resolve): string {
  const body = operation.requestBody && schemaIn(operation.requestBody)
  const verb = method.toUpperCase()
  const isPlain = verb === 'GET' || (verb === 'POST' && body)
  const lines = [
    `curl --silent${isPlain ? '' : ` --request ${verb}`} "${issuer}${pathWith(path)}"`,
    `--header "Authorization: Bearer $TOKEN"`,
    ...headersOf(operation.parameters ?? []),
    ...(body ? [`--json ${quoted(JSON.stringify(exampleOf(body.schema, resolve), null, 2))}`] : []),
  ]
  return lines.join(' \\\n  ')
}
