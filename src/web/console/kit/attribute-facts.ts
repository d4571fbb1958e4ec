import { isDeepStrictEqual } from 'node:util'
import type { ConsoleText } from '../../../languages/console/console-text.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import { type Attribute, type AttributeChange, type Attributes, entriesOf } from '../../../shared/attributes.ts'
import { claimWords, type DeclaredClaim } from '../../../shared/declared-claims.ts'
import type { ImageSummary } from '../../../shared/images.ts'
import type { Metadata } from '../../../shared/object-metadata.ts'
import type { RateLimit } from '../../../shared/rate-limit-format.ts'
import { type Cell, type Fact, fact, idCell, linesCell, quietCell, textCell } from './cells.ts'
import { labelInSentence } from './label-in-sentence.ts'

// Derives the rows of detail pages, and the changes in the activity log, from the attributes of a resource.

const PERIODS: Readonly<Record<number, ConsoleText>> = {
  1: '{count, number} per second',
  60: '{count, number} per minute',
  3600: '{count, number} per hour',
}

function rateInWords(t: ConsoleTranslate, { count, period }: RateLimit): string {
  const message = PERIODS[period]
  return message ? t(message, { count }) : t('{count, number} in {period}', { count, period: t.duration(period) })
}

const imageInWords = (t: ConsoleTranslate, { type, size }: ImageSummary): string =>
  `${type}, ${t.number(Math.ceil(size / 1024))} KiB`

function labelsOf(t: ConsoleTranslate, { type }: Attribute, values: readonly string[]): readonly string[] {
  if (type.kind !== 'choice' && type.kind !== 'choices') return values
  return values.map((value) => {
    const choice = type.choices.find((one) => one.value === value)
    return choice ? t.declared(choice.label) : value
  })
}

const metadataLines = (metadata: Metadata): readonly string[] =>
  Object.entries(metadata).map(
    ([name, value]) => `${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`,
  )

/** The value in words, one line for each item of a list. */
function linesOf(t: ConsoleTranslate, attribute: Attribute, value: unknown): readonly string[] {
  const { type } = attribute
  if (type.kind === 'claims') return claimWords(value as DeclaredClaim[])
  if (Array.isArray(value)) return labelsOf(t, attribute, value)
  if (type.kind === 'metadata') return metadataLines(value as Metadata)
  if (type.kind === 'boolean') return [t.declared((value ? type.yes?.label : type.no?.label) ?? (value ? 'Yes' : 'No'))]
  if (type.kind === 'duration') return [t.duration(value as number)]
  if (type.kind === 'count') return [t.number(value as number)]
  if (type.kind === 'rate') return [rateInWords(t, value as RateLimit)]
  if (type.kind === 'image') return [imageInWords(t, value as ImageSummary)]
  return labelsOf(t, attribute, [typeof value === 'object' ? JSON.stringify(value) : String(value)])
}

const isNone = (value: unknown): boolean =>
  value === null ||
  value === undefined ||
  value === '' ||
  (typeof value === 'object' && !(value instanceof Date) && Object.keys(value).length === 0)

const LISTS: ReadonlySet<Attribute['type']['kind']> = new Set([
  'uris',
  'words',
  'choices',
  'metadata',
  'claims',
] as const)

const noneText = (t: ConsoleTranslate, { type }: Attribute): string =>
  t.declared(type.nullLabel ?? (LISTS.has(type.kind) ? 'none' : 'not set'))

function cellOf(t: ConsoleTranslate, attribute: Attribute, value: unknown): Cell {
  if (isNone(value)) return quietCell(noneText(t, attribute))
  const { type } = attribute
  if (type.kind === 'email' || (type.kind === 'text' && type.isIdentifier))
    return idCell(String(value), labelInSentence(t, attribute.label))
  const lines = linesOf(t, attribute, value)
  return Array.isArray(value) || type.kind === 'metadata' ? linesCell(lines) : textCell(lines[0]!)
}

const valueIn = (values: object, name: string): unknown => (values as Readonly<Record<string, unknown>>)[name]

/** One row for each attribute, with its value. */
export const attributeFacts = (t: ConsoleTranslate, attributes: Attributes, values: object): Fact[] =>
  entriesOf(attributes).map(([name, attribute]) =>
    fact(t.declared(attribute.label), cellOf(t, attribute, valueIn(values, name))),
  )

/** The labels of the attributes that do not have their initial value. */
export const labelsOfNonInitial = (t: ConsoleTranslate, attributes: Attributes, values: object): string[] =>
  entriesOf(attributes)
    .filter(([name, { initial }]) => !isDeepStrictEqual(valueIn(values, name), initial))
    .map(([, { label, opposite }]) => t.declared(opposite?.label ?? label))

/** The value in words. */
export const valueText = (t: ConsoleTranslate, attribute: Attribute, value: unknown): string =>
  isNone(value) ? noneText(t, attribute) : linesOf(t, attribute, value).join(', ')

/** Stands for the attribute of a change that no longer exists. */
export const unknownAttribute = (label: string): Attribute => ({
  type: { kind: 'text', maxLength: 0 },
  label,
  section: '',
  description: label,
})

/** A change as *old → new*, or the value of a new resource. */
export function changeFact(t: ConsoleTranslate, attribute: Attribute, { from, to }: AttributeChange): Fact {
  const before = from === undefined ? '' : `${valueText(t, attribute, from)} → `
  return fact(t.declared(attribute.label), textCell(`${before}${valueText(t, attribute, to)}`))
}
