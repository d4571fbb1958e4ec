import { z } from 'zod'

/** A JSON Schema (2020-12), or another object of the OpenAPI document. */
export type Schema = Readonly<Record<string, unknown>>

/** The named schemas of the document. */
export type Components = Record<string, Schema>

const isObject = (value: unknown): value is Schema =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Converts the `$defs` references of zod into references to OpenAPI components. */
function relocate(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(relocate)
  if (!isObject(value)) return value
  const entries = Object.entries(value).map(([name, one]) => [
    name,
    name === '$ref' ? String(one).replace('#/$defs/', '#/components/schemas/') : relocate(one),
  ])
  return Object.fromEntries(entries)
}

interface Emitted {
  readonly zodSchema: z.ZodType
  readonly jsonSchema: Record<string, unknown>
}

/**
 * Drops the pattern of a known format. Responses may gain fields, so that their schemas allow additional properties. Zod leaves
 * out the examples of a request that has a member which it transforms, such as a time; ours are as callers send them.
 */
function simplify(io: 'input' | 'output', { zodSchema, jsonSchema }: Emitted): void {
  const { examples } = z.globalRegistry.get(zodSchema) ?? {}
  if (examples) jsonSchema.examples = examples
  if (jsonSchema.format !== undefined) delete jsonSchema.pattern
  if (io === 'output' && jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties
}

/** The JSON Schema of a zod schema; schemas with an `id` become components. */
export function toSchema(schema: z.ZodType, io: 'input' | 'output', components: Components): Schema {
  const override = (emitted: unknown) => simplify(io, emitted as Emitted)
  const { $schema: _, $defs = {}, id, ...own } = z.toJSONSchema(schema, { io, unrepresentable: 'any', override })
  for (const [name, one] of Object.entries($defs)) components[name] = withoutId(relocate(one) as Schema)
  const relocated = relocate(own) as Schema
  if (typeof id !== 'string') return relocated
  components[id] = relocated
  return { $ref: `#/components/schemas/${id}` }
}

const withoutId = ({ id: _, ...schema }: Schema): Schema => schema
