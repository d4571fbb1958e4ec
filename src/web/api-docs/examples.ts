import { choicesOf, type Operation, type Parameter, type Resolve, type Schema, schemaIn } from './openapi-document.ts'

const DEPTH = 5

const TEXTS: Readonly<Record<string, string>> = {
  'date-time': '2026-01-31T12:00:00Z',
  date: '2026-01-31',
  uuid: '8e03978e-40d5-43dd-bc93-6894a57f9324',
  uri: 'https://app.example.com/callback',
  email: 'ada@example.com',
}

/** The required members of an object; its first member if none is required. */
function objectOf({ properties = {}, required = [] }: Schema, resolve: Resolve, depth: number) {
  const names = required.length > 0 ? required : Object.keys(properties).slice(0, 1)
  const members = Object.entries(properties).filter(([name]) => names.includes(name))
  return Object.fromEntries(members.map(([name, schema]) => [name, exampleOf(schema, resolve, depth + 1)]))
}

/** A small value that the schema accepts. */
export function exampleOf(reference: Schema, resolve: Resolve, depth = 0): unknown {
  const schema = resolve(reference)
  const given = schema.examples?.[0] ?? schema.default ?? schema.const ?? schema.enum?.[0]
  if (given !== undefined || depth > DEPTH) return given ?? null
  const [choice] = choicesOf(schema)
  if (choice) return exampleOf(choice, resolve, depth + 1)
  switch (typeof schema.type === 'string' ? schema.type : schema.type?.[0]) {
    case 'object':
      return objectOf(schema, resolve, depth)
    case 'array':
      return schema.items ? [exampleOf(schema.items, resolve, depth + 1)] : []
    case 'boolean':
      return true
    case 'integer':
    case 'number':
      return Math.max(1, schema.minimum ?? 1)
    default:
      return TEXTS[schema.format ?? ''] ?? 'text'
  }
}

/** For a POSIX shell. */
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`

/** `{client_id}` becomes `$CLIENT_ID`, a variable that the reader sets. */
const pathWith = (path: string): string => path.replace(/\{(\w+)\}/g, (_, name: string) => `$${name.toUpperCase()}`)

/** The headers whose values only the caller knows, as shell expressions. */
const SHELL: Readonly<Record<string, string>> = {
  'Idempotency-Key': '$(openssl rand -hex 16)',
  'If-Match': '$ETAG',
  'Keywright-Inspect': '$TEXT',
}

const headersOf = (parameters: readonly Parameter[]): string[] =>
  parameters.flatMap(({ name, in: location }) =>
    location === 'header' && SHELL[name] ? [`--header "${name}: ${SHELL[name]}"`] : [],
  )

function dataOf({ type, schema }: { readonly type: string; readonly schema: Schema }, resolve: Resolve): string[] {
  const example = exampleOf(schema, resolve)
  if (type === 'application/json') return [`--json ${quoted(JSON.stringify(example, null, 2))}`]
  return [`--header "Content-Type: ${type}"`, `--data-binary ${quoted(JSON.stringify(example))}`]
}

/** The request as a command, with the token in the shell's `$TOKEN`. */
export function curlOf(issuer: string, method: string, path: string, operation: Operation, resolve: Resolve): string {
  const body = schemaIn(operation.requestBody)
  const isImplied = method === 'get' || (method === 'post' && body)
  const lines = [
    `curl --silent${isImplied ? '' : ` --request ${method.toUpperCase()}`} "${issuer}${pathWith(path)}"`,
    `--header "Authorization: Bearer $TOKEN"`,
    ...headersOf(operation.parameters ?? []),
    ...(body ? dataOf(body, resolve) : []),
  ]
  return lines.join(' \\\n  ')
}
