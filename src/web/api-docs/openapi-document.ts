/** A JSON Schema (2020-12), with the keywords that the management API's document uses. */
export interface Schema {
  readonly $ref?: string
  readonly type?: string | readonly string[]
  readonly format?: string
  readonly description?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly items?: Schema
  readonly additionalProperties?: Schema | boolean
  readonly anyOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly default?: unknown
  readonly examples?: readonly unknown[]
  readonly pattern?: string
  readonly minLength?: number
  readonly maxLength?: number
  readonly minimum?: number
  readonly maximum?: number
  readonly minItems?: number
  readonly maxItems?: number
}

interface Body {
  readonly content?: Readonly<Record<string, { readonly schema?: Schema }>>
}

export interface Parameter {
  readonly name: string
  readonly in: string
  readonly required?: boolean
  readonly description?: string
  readonly schema?: Schema
}

export interface Operation {
  readonly operationId: string
  readonly summary: string
  readonly description?: string
  readonly tags: readonly string[]
  readonly security?: readonly Readonly<Record<string, readonly string[]>>[]
  readonly parameters?: readonly Parameter[]
  readonly requestBody?: Body
  readonly responses: Readonly<Record<string, Body & { readonly description?: string }>>
}

interface SecurityScheme {
  readonly flows?: { readonly clientCredentials?: { readonly scopes: Readonly<Record<string, string>> } }
}

/** The parts of an OpenAPI 3.1 document that the reference shows. */
export interface ApiDocument {
  readonly servers: readonly { readonly url: string }[]
  readonly tags: readonly { readonly name: string }[]
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: {
    readonly schemas?: Readonly<Record<string, Schema>>
    readonly securitySchemes?: Readonly<Record<string, SecurityScheme>>
  }
}

/** The name of the schema that a reference points to. */
export const nameOf = ({ $ref }: Schema): string | undefined => $ref?.replace('#/components/schemas/', '')

/** The alternatives of a schema (`anyOf`, `oneOf`) without `null`. */
export const choicesOf = ({ anyOf = [], oneOf = [] }: Schema): Schema[] =>
  [...anyOf, ...oneOf].filter(({ type }) => type !== 'null')

/** Follows a reference. */
export type Resolve = (schema: Schema) => Schema

export const resolverOf =
  ({ components }: ApiDocument): Resolve =>
  (schema) =>
    components.schemas?.[nameOf(schema) ?? ''] ?? schema

/** The media type and the schema of a body. Each body of the document has one of each. */
export function schemaIn(body: Body | undefined): { readonly type: string; readonly schema: Schema } | undefined {
  const [type, media] = Object.entries(body?.content ?? {})[0] ?? []
  return type !== undefined && media?.schema ? { type, schema: media.schema } : undefined
}
