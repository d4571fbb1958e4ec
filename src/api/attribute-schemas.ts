import { z } from 'zod'
import {
  type Attribute,
  type Attributes,
  entriesOf,
  MAX_URIS,
  MAX_WORDS,
  type ValueOf,
  type ValuesOf,
} from '../shared/attributes.ts'
import { CLAIM_SOURCES, MAX_CLAIMS } from '../shared/declared-claims.ts'
import { type ImageSummary, imageOf, type StoredImage, summaryOfImage } from '../shared/images.ts'
import { type Metadata, metadataError } from '../shared/object-metadata.ts'
import { formatRateLimit, parseRateLimit, type RateLimit } from '../shared/rate-limit-format.ts'
import { toSnake } from '../shared/snake-case.ts'
import type { Snake } from '../shared/wire-names.ts'
import { id } from './fields.ts'

// Derives the fields of the API from the attributes of a resource. A rate limit is text: `600/min`. An image is sent in base64;
// responses have its type and size.

type WireValue<Value> = Value extends RateLimit
  ? string
  : Value extends StoredImage
    ? ImageSummary
    : Value extends readonly (infer Item)[]
      ? Item[]
      : Value

type SentValue<Value> = Value extends StoredImage ? { base64: string } : WireValue<Value>

type FieldsOf<All extends Attributes> = {
  [Name in keyof All as Name extends string ? Snake<Name> : never]: z.ZodType<SentValue<ValueOf<All[Name]>>>
}

type WireValues<All extends Attributes> = {
  [Name in keyof All as Name extends string ? Snake<Name> : never]: WireValue<ValueOf<All[Name]>>
}

const sentImage = z.strictObject({
  base64: z.base64().max(360_000).meta({ description: 'PNG, JPEG, WebP or SVG, at most 256 KiB' }),
})

/** An image in a response. */
export const imageSummary = z.object({
  type: z.string().meta({ description: 'The media type', examples: ['image/png'] }),
  size: z.number().int().meta({ description: 'In bytes' }),
})

const metadataSchema = z
  .record(z.string(), z.unknown())
  .refine((value) => metadataError(value) === undefined, { error: ({ input }) => metadataError(input as Metadata) })

const claimsSchema = z
  .array(
    z.strictObject({
      name: z.string().max(1000).meta({ description: 'The name of the claim' }),
      from: z.enum(CLAIM_SOURCES).meta({ description: 'Whose metadata' }),
      key: z.string().max(1000).meta({ description: 'The name of the member of metadata, at the first level' }),
    }),
  )
  .max(MAX_CLAIMS)

// The bounds on lengths limit the work of a request. The features check what the values mean.
function baseSchema({ type }: Attribute): z.ZodType {
  if (type.kind === 'text') return z.string().max(type.maxLength)
  if (type.kind === 'email') return z.string().max(1000)
  if (type.kind === 'id') return id
  if (type.kind === 'uri') return z.string().max(type.maxLength ?? 10_000)
  if (type.kind === 'uris') return z.array(z.string().max(10_000)).max(MAX_URIS)
  if (type.kind === 'boolean') return z.boolean()
  if (type.kind === 'choice') return z.enum(type.choices.map(({ value }) => value))
  if (type.kind === 'choices') return z.array(z.string().max(200)).max(20)
  if (type.kind === 'duration' || type.kind === 'count') return z.number().int()
  if (type.kind === 'metadata') return metadataSchema
  if (type.kind === 'claims') return claimsSchema
  if (type.kind === 'colour') return z.string().max(100)
  if (type.kind === 'image') return sentImage
  return type.kind === 'rate' ? z.string().max(40) : z.array(z.string().max(1000)).max(MAX_WORDS)
}

function descriptionOf({ type, description, operatorOnly }: Attribute): string {
  const values = type.kind === 'choices' ? `: ${type.choices.map(({ value }) => value).join(', ')}` : ''
  return `${description}${values}${operatorOnly ? '; visible to operators only' : ''}`
}

function toWireValue({ type }: Attribute, value: unknown): unknown {
  if (value === null) return null
  if (type.kind === 'rate') return formatRateLimit(value as RateLimit)
  return type.kind === 'image' ? summaryOfImage(value as StoredImage) : value
}

function fromWireValue(name: string, { type }: Attribute, value: unknown): unknown {
  if (value === null) return null
  if (type.kind === 'rate') return parseRateLimit(value as string, name)
  return type.kind === 'image' ? imageOf(Buffer.from((value as { base64: string }).base64, 'base64')) : value
}

function schemaOf(attribute: Attribute): z.ZodType {
  const { type, example } = attribute
  const base = baseSchema(attribute)
  const schema = type.nullLabel === undefined ? base : base.nullable()
  const examples = example === undefined ? {} : { examples: [toWireValue(attribute, example)] }
  const described = schema.meta({ description: descriptionOf(attribute), ...examples })
  return attribute.operatorOnly ? described.optional() : described
}

/** The schemas of the attributes by their names in JSON. Those that only operators see are optional. */
export const attributeSchemas = <All extends Attributes>(attributes: All): FieldsOf<All> =>
  Object.fromEntries(
    entriesOf(attributes).map(([name, attribute]) => [toSnake(name), schemaOf(attribute)]),
  ) as FieldsOf<All>

/** The schemas of a request that creates a resource: attributes with an initial value may be absent. */
export const creationSchemas = <All extends Attributes>(attributes: All): FieldsOf<All> =>
  Object.fromEntries(
    entriesOf(attributes).map(([name, attribute]) => [
      toSnake(name),
      attribute.initial === undefined
        ? schemaOf(attribute)
        : schemaOf(attribute).default(toWireValue(attribute, attribute.initial)),
    ]),
  ) as FieldsOf<All>

/** The values as JSON, without those that only operators see unless an operator asks. */
export const toWireValues = <All extends Attributes>(
  attributes: All,
  values: ValuesOf<All>,
  { role }: { readonly role: string },
): WireValues<All> =>
  Object.fromEntries(
    entriesOf(attributes)
      .filter(([, { operatorOnly }]) => !operatorOnly || role === 'operator')
      .map(([name, attribute]) => [toSnake(name), toWireValue(attribute, values[name])]),
  ) as WireValues<All>

/** The resource without the values that only operators see, unless an operator asks. */
export const visibleValues = <Resource extends object>(
  attributes: Attributes,
  resource: Resource,
  { role }: { readonly role: string },
): Resource =>
  role === 'operator'
    ? resource
    : (Object.fromEntries(
        Object.entries(resource).filter(
          ([name]) => !(Object.hasOwn(attributes, name) && attributes[name]!.operatorOnly),
        ),
      ) as Resource)

/** The values in a request body; other members are ignored. @throws KeywrightError `invalid_input` */
export const fromWireValues = <All extends Attributes>(attributes: All, body: object): Partial<ValuesOf<All>> => {
  const given = body as Readonly<Record<string, unknown>>
  const values = entriesOf(attributes).flatMap(([name, attribute]) => {
    const value = given[toSnake(name)]
    return value === undefined ? [] : [[name, fromWireValue(name, attribute, value)]]
  })
  return Object.fromEntries(values) as Partial<ValuesOf<All>>
}
