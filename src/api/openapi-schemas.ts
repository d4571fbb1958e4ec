import { z } from 'zod'

/** A JSON Schema (2020-12), or another object of the document. */
export type Schema = Readonly<Record<string, unknown>>

/** Schemas that have a name, shown once. */
export type Components = Record<string, Schema>

const isObject = (value: unknown): value is Schema =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** References of zod's own, as OpenAPI places them. */
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
  readonly zodSchema: unknown
  readonly jsonSchema: Record<string, unknown>
}

/** A reader reads `uuid`, not the expression for it; and what is answered may gain members, which readers pass over. */
function simplify(io: 'input' | 'output', { jsonSchema }: Emitted): void {
  if (jsonSchema.format !== undefined) delete jsonSchema.pattern
  if (io === 'output' && jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties
}

/** As JSON Schema; those with an `id` become components. */
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
