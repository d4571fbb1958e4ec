import { isDeepStrictEqual } from 'node:util'
import { type Attribute, type AttributeChange, type Attributes, entriesOf } from '../../../shared/attributes.ts'
import type { ImageSummary } from '../../../shared/images.ts'
import type { RateLimit } from '../../../shared/rate-limit-format.ts'
import { type Cell, type Fact, fact, idCell, linesCell, quietCell, textCell } from './cells.ts'
import { durationInWords } from './duration-text.ts'

// Derives the rows of detail pages, and the changes in the activity log, from the attributes of a resource.

const NUMBER = new Intl.NumberFormat('en')

const PERIODS: Readonly<Record<number, string>> = { 1: 'second', 60: 'minute', 3600: 'hour' }

const rateInWords = ({ count, period }: RateLimit): string =>
  `${NUMBER.format(count)} ${PERIODS[period] ? `per ${PERIODS[period]}` : `in ${durationInWords(period)}`}`

const imageInWords = ({ type, size }: ImageSummary): string => `${type}, ${NUMBER.format(Math.ceil(size / 1024))} KiB`

function labelsOf({ type }: Attribute, values: readonly string[]): readonly string[] {
  if (type.kind !== 'choice' && type.kind !== 'choices') return values
  return values.map((value) => type.choices.find((choice) => choice.value === value)?.label ?? value)
}

/** The value in words, one line for each item of a list. */
function linesOf(attribute: Attribute, value: unknown): readonly string[] {
  const { type } = attribute
  if (Array.isArray(value)) return labelsOf(attribute, value)
  if (type.kind === 'boolean') return [value ? (type.yes?.label ?? 'Yes') : (type.no?.label ?? 'No')]
  if (type.kind === 'duration') return [durationInWords(value as number)]
  if (type.kind === 'count') return [NUMBER.format(value as number)]
  if (type.kind === 'rate') return [rateInWords(value as RateLimit)]
  if (type.kind === 'image') return [imageInWords(value as ImageSummary)]
  return labelsOf(attribute, [typeof value === 'object' ? JSON.stringify(value) : String(value)])
}

const isNone = (value: unknown): boolean =>
  value === null || value === undefined || value === '' || (Array.isArray(value) && value.length === 0)

const noneText = ({ type }: Attribute): string => type.nullLabel ?? 'none'

function cellOf(attribute: Attribute, value: unknown): Cell {
  if (isNone(value)) return quietCell(noneText(attribute))
  if (attribute.type.kind === 'email') return idCell(String(value), attribute.label.toLowerCase())
  const lines = linesOf(attribute, value)
  return Array.isArray(value) ? linesCell(lines) : textCell(lines[0]!)
}

const valueIn = (values: object, name: string): unknown => (values as Readonly<Record<string, unknown>>)[name]

/** One row for each attribute, with its value. */
export const attributeFacts = (attributes: Attributes, values: object): Fact[] =>
  entriesOf(attributes).map(([name, attribute]) => fact(attribute.label, cellOf(attribute, valueIn(values, name))))

/** The labels of the attributes that do not have their initial value. */
export const labelsOfNonInitial = (attributes: Attributes, values: object): string[] =>
  entriesOf(attributes)
    .filter(([name, { initial }]) => !isDeepStrictEqual(valueIn(values, name), initial))
    .map(([, { label, opposite }]) => opposite?.label ?? label)

/** The value in words. */
export const valueText = (attribute: Attribute, value: unknown): string =>
  isNone(value) ? noneText(attribute) : linesOf(attribute, value).join(', ')

/** Stands for the attribute of a change that no longer exists. */
export const unknownAttribute = (label: string): Attribute => ({
  type: { kind: 'text', maxLength: 0 },
  label,
  section: '',
  description: label,
})

/** A change as *old → new*, or the value of a new resource. */
export function changeFact(attribute: Attribute, { from, to }: AttributeChange): Fact {
  const before = from === undefined ? '' : `${valueText(attribute, from)} → `
  return fact(attribute.label, textCell(`${before}${valueText(attribute, to)}`))
}
