/** A JSON Schema (2020-12) as OpenAPI 3.1 holds it. */
export type Schema = Readonly<Record<string, unknown>>

interface Content {
  readonly content?: Readonly<Record<string, { readonly schema?: Schema }>>
}

export interface Answer extends Content {
  readonly description?: string
}

export interface Parameter {
  readonly name: string
  readonly in: string
  readonly required?: boolean
  readonly description?: string
  readonly schema?: Schema
  readonly example?: unknown
}

export interface Operation {
  readonly operationId: string
  readonly summary: string
  readonly description?: string
  readonly tags: readonly string[]
  readonly security?: readonly Readonly<Record<string, readonly string[]>>[]
  readonly parameters?: readonly Parameter[]
  readonly requestBody?: Content
  readonly responses: Readonly<Record<string, Answer>>
}

/** What is drawn of an OpenAPI 3.1 document. */
export interface ApiDocument {
  readonly servers: readonly { readonly url: string }[]
  readonly tags: readonly { readonly name: string }[]
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: {
    readonly schemas?: Readonly<Record<string, Schema>>
    readonly securitySchemes?: Readonly<Record<string, Schema>>
  }
}

export const isSchema = (value: unknown): value is Schema =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const NAMED = '#/components/schemas/'

/** The name that a schema refers to. */
export const nameOf = ({ $ref }: Schema): string | undefined =>
  typeof $ref === 'string' && $ref.startsWith(NAMED) ? $ref.slice(NAMED.length) : undefined

export const listOf = (value: unknown): Schema[] => (Array.isArray(value) ? value.filter(isSchema) : [])

/** What follows references. */
export type Resolve = (schema: Schema) => Schema

export const resolverOf =
  ({ components }: ApiDocument): Resolve =>
  (schema) => {
    const name = nameOf(schema)
    return (name !== undefined && components.schemas?.[name]) || schema
  }

/** The one schema of a body, whatever its type is. */
export function schemaIn({ content }: Content): { readonly type: string; readonly schema: Schema } | undefined {
  const [type, one] = Object.entries(content ?? {})[0] ?? []
  return type !== undefined && one?.schema ? { type, schema: one.schema } : undefined
}
