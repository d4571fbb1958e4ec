import { isSchema, listOf, nameOf, type Schema } from './openapi-document.ts'

/** What a value is, in words; `name` is of a schema that is shown elsewhere. */
export interface TypeWords {
  readonly words: string
  readonly name?: string
}

/** One member of what is sent or answered, by its whole path: `items[].client_id`. */
export interface Row {
  readonly path: string
  readonly type: TypeWords
  readonly isRequired: boolean
  readonly description: string
  /** `1 to 200 characters`, `by default 50`. */
  readonly constraints: readonly string[]
}

const DEPTH = 6

const FORMATS: Readonly<Record<string, string>> = {
  'date-time': 'moment (ISO 8601)',
  date: 'day (ISO 8601)',
  uuid: 'UUID',
  uri: 'URI',
  email: 'email address',
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'text',
  integer: 'whole number',
  number: 'number',
  boolean: 'true or false',
  object: 'object',
  null: 'null',
}

const joined = (parts: readonly TypeWords[], between: string): TypeWords => ({
  words: [...new Set(parts.map(({ words }) => words))].join(between),
  name: parts.find(({ name }) => name !== undefined)?.name,
})

const listed = (values: readonly unknown[]): string => values.map((one) => JSON.stringify(one)).join(', ')

function plainType({ type, format, items, additionalProperties }: Schema): TypeWords {
  if (type === 'array') {
    const { words, name } = isSchema(items) ? typeOf(items) : { words: 'anything', name: undefined }
    return { words: `list of ${words}`, name }
  }
  if (type === 'object' && isSchema(additionalProperties)) {
    const { words, name } = typeOf(additionalProperties)
    return { words: `object of ${words} by name`, name }
  }
  if (typeof format === 'string' && FORMATS[format]) return { words: FORMATS[format] }
  return { words: TYPES[String(type)] ?? 'anything' }
}

export function typeOf(schema: Schema): TypeWords {
  const name = nameOf(schema)
  if (name !== undefined) return { words: name, name }
  if ('const' in schema) return { words: listed([schema.const]) }
  if (Array.isArray(schema.enum)) return { words: `one of ${listed(schema.enum)}` }
  const choices = [...listOf(schema.anyOf), ...listOf(schema.oneOf)]
  if (choices.length > 0) return joined(choices.map(typeOf), ' or ')
  if (Array.isArray(schema.type))
    return joined(
      schema.type.map((type) => plainType({ ...schema, type })),
      ' or ',
    )
  return plainType(schema)
}

const isBound = (value: unknown): value is number =>
  typeof value === 'number' && Math.abs(value) < Number.MAX_SAFE_INTEGER

function range(least: unknown, most: unknown, unit: string): string[] {
  const [from, to] = [isBound(least) ? least : undefined, isBound(most) ? most : undefined]
  if (from !== undefined && to !== undefined) return [from === to ? `${from}${unit}` : `${from} to ${to}${unit}`]
  if (from !== undefined && from > 0) return [`at least ${from}${unit}`]
  return to === undefined ? [] : [`at most ${to}${unit}`]
}

/** Of what may be null, what holds for the rest. */
function bare(schema: Schema): Schema {
  const others = [...listOf(schema.anyOf), ...listOf(schema.oneOf)].filter(({ type }) => type !== 'null')
  return others.length === 1 ? { ...others[0], ...schema } : schema
}

export function constraintsOf(whole: Schema): string[] {
  const schema = bare(whole)
  return [
    ...range(schema.minLength, schema.maxLength, ' characters'),
    ...range(schema.minimum, schema.maximum, ''),
    ...range(schema.minItems, schema.maxItems, ' items'),
    ...(typeof schema.pattern === 'string' ? [`matches ${schema.pattern}`] : []),
    ...('default' in schema ? [`by default ${JSON.stringify(schema.default)}`] : []),
    ...(Array.isArray(schema.examples) ? [`such as ${JSON.stringify(schema.examples[0])}`] : []),
  ]
}

/** What is within a value and has no name to be shown under. */
function within(schema: Schema, path: string, depth: number): Row[] {
  const inner = bare(schema)
  if (nameOf(inner) !== undefined || depth > DEPTH) return []
  if (isSchema(inner.items)) return within(inner.items, `${path}[]`, depth + 1)
  return membersOf(inner, `${path}.`, depth + 1)
}

const describes = (schema: Schema): string => {
  const { description } = bare(schema)
  return typeof description === 'string' ? description : ''
}

function membersOf(schema: Schema, before: string, depth: number): Row[] {
  const required = Array.isArray(schema.required) ? schema.required : []
  const properties = isSchema(schema.properties) ? schema.properties : {}
  return Object.entries(properties).flatMap(([name, one]) => {
    if (!isSchema(one)) return []
    const path = before + name
    const row = {
      path,
      type: typeOf(one),
      isRequired: required.includes(name),
      description: describes(one),
      constraints: constraintsOf(one),
    }
    return [row, ...within(one, path, depth)]
  })
}

/** The members of an object, of the items of a list, or of all that it can be. */
export function rowsOf(schema: Schema): Row[] {
  if (nameOf(schema) !== undefined) return []
  if (isSchema(schema.items)) return within(schema.items, 'items[]', 0)
  const parts = [...listOf(schema.allOf), ...listOf(schema.anyOf), ...listOf(schema.oneOf)]
  return [...membersOf(schema, '', 0), ...parts.flatMap((part) => membersOf(part, '', 0))]
}
