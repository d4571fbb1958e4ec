import { choicesOf, nameOf, type Schema } from './openapi-document.ts'

/** The type of a value in words; `name` refers to a schema that the page shows elsewhere. */
export interface TypeWords {
  readonly words: string
  readonly name?: string
}

/** One member of a body, by its whole path: `items[].client_id`. */
export interface Row {
  readonly path: string
  readonly type: TypeWords
  readonly isRequired: boolean
  readonly description: string
  /** `1 to 200 characters`, `by default 50`. */
  readonly constraints: readonly string[]
}

const DEPTH = 6

const TYPES: Readonly<Record<string, string>> = {
  'date-time': 'moment (ISO 8601)',
  date: 'day (ISO 8601)',
  uuid: 'UUID',
  uri: 'URI',
  email: 'email address',
  string: 'text',
  integer: 'whole number',
  number: 'number',
  boolean: 'true or false',
  object: 'object',
  null: 'null',
}

const joined = (parts: readonly TypeWords[]): TypeWords => ({
  words: [...new Set(parts.map(({ words }) => words))].join(' or '),
  name: parts.find(({ name }) => name !== undefined)?.name,
})

const listed = (values: readonly unknown[]): string => values.map((one) => JSON.stringify(one)).join(', ')

const wrapped = (before: string, schema: Schema, after = ''): TypeWords => {
  const { words, name } = typeOf(schema)
  return { words: before + words + after, name }
}

export function typeOf(schema: Schema): TypeWords {
  const { type, format, items, additionalProperties, anyOf, oneOf } = schema
  const name = nameOf(schema)
  if (name !== undefined) return { words: name, name }
  if ('const' in schema) return { words: listed([schema.const]) }
  if (schema.enum) return { words: `one of ${listed(schema.enum)}` }
  if (anyOf || oneOf) return joined([...(anyOf ?? []), ...(oneOf ?? [])].map(typeOf))
  if (type === undefined) return { words: 'anything' }
  if (typeof type !== 'string') return joined(type.map((one) => typeOf({ ...schema, type: one })))
  if (type === 'array') return wrapped('list of ', items ?? {})
  if (typeof additionalProperties === 'object') return wrapped('object of ', additionalProperties, ' by name')
  return { words: (type === 'string' && TYPES[format ?? '']) || (TYPES[type] ?? 'anything') }
}

const isBound = (value: number | undefined): value is number =>
  value !== undefined && Math.abs(value) < Number.MAX_SAFE_INTEGER

function range(least: number | undefined, most: number | undefined, unit = ''): string[] {
  if (isBound(least) && isBound(most)) return [least === most ? `${least}${unit}` : `${least} to ${most}${unit}`]
  if (isBound(least) && least > 0) return [`at least ${least}${unit}`]
  return isBound(most) ? [`at most ${most}${unit}`] : []
}

/** The schema of a value that may also be null. */
function withoutNull(schema: Schema): Schema {
  const [choice, ...others] = choicesOf(schema)
  return choice && others.length === 0 ? { ...choice, ...schema } : schema
}

export function constraintsOf(schema: Schema): string[] {
  const { minLength, maxLength, minimum, maximum, minItems, maxItems, pattern, examples, ...rest } = withoutNull(schema)
  return [
    ...range(minLength, maxLength, ' characters'),
    ...range(minimum, maximum),
    ...range(minItems, maxItems, ' items'),
    ...(pattern ? [`matches ${pattern}`] : []),
    ...('default' in rest ? [`by default ${JSON.stringify(rest.default)}`] : []),
    ...(examples ? [`such as ${JSON.stringify(examples[0])}`] : []),
  ]
}

/** The members inside a value, unless its schema has a name and is shown under that. */
function within(schema: Schema, path: string, depth: number): Row[] {
  const inner = withoutNull(schema)
  if (nameOf(inner) !== undefined || depth > DEPTH) return []
  return inner.items ? within(inner.items, `${path}[]`, depth + 1) : membersOf(inner, `${path}.`, depth + 1)
}

const membersOf = ({ properties = {}, required = [] }: Schema, before = '', depth = 0): Row[] =>
  Object.entries(properties).flatMap(([name, member]) => {
    const path = before + name
    const row = {
      path,
      type: typeOf(member),
      isRequired: required.includes(name),
      description: withoutNull(member).description ?? '',
      constraints: constraintsOf(member),
    }
    return [row, ...within(member, path, depth)]
  })

/** The members of an object, of the items of a list, or of every choice. */
export function rowsOf(schema: Schema): Row[] {
  if (nameOf(schema) !== undefined) return []
  if (schema.items) return within(schema.items, 'items[]', 0)
  return [schema, ...choicesOf(schema)].flatMap((part) => membersOf(part))
}
