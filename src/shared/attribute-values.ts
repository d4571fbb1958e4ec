import { isDeepStrictEqual } from 'node:util'
import { attributeError } from './attribute-errors.ts'
import { type Attribute, type Attributes, entriesOf, type ValuesOf } from './attributes.ts'
import { normalizedEmail } from './email-addresses.ts'
import { invalidFields, invalidInput } from './errors.ts'

// The values that somebody gives to attributes, as they are stored.

function normalized({ type }: Attribute, value: unknown): unknown {
  if (type.kind === 'words' && value !== null) return [...new Set(value as readonly string[])]
  if (typeof value !== 'string') return value
  if (type.kind === 'colour') return value.toLowerCase()
  if (type.kind === 'email') return normalizedEmail(value) ?? value
  if (type.kind !== 'text') return value
  const trimmed = value.trim()
  return trimmed === '' && type.nullLabel !== undefined ? null : trimmed
}

/**
 * The given values as they are stored: texts without the spaces around them, null for an empty text that may be null, colours
 * in lower case, and each word once. Values that are undefined are left out.
 */
export function normalizedValues<All extends Attributes>(
  attributes: All,
  values: Partial<ValuesOf<All>>,
): Partial<ValuesOf<All>> {
  const given = entriesOf(attributes).filter(([name]) => values[name] !== undefined)
  return Object.fromEntries(given.map(([name, attribute]) => [name, normalized(attribute, values[name])])) as Partial<
    ValuesOf<All>
  >
}

/** The given values that differ from the present ones. */
export const differingValues = <All extends Attributes>(
  attributes: All,
  present: ValuesOf<All>,
  values: Partial<ValuesOf<All>>,
): Partial<ValuesOf<All>> =>
  Object.fromEntries(
    Object.entries(normalizedValues(attributes, values)).filter(
      ([name, value]) => !isDeepStrictEqual(present[name], value),
    ),
  ) as Partial<ValuesOf<All>>

/** @throws KeywrightError `invalid_input` with the error of each value at its attribute */
export function checkValues<All extends Attributes>(attributes: All, values: Partial<ValuesOf<All>>): void {
  const fieldErrors = entriesOf(attributes).flatMap(([field, attribute]) => {
    const message = values[field] === undefined ? undefined : attributeError(attribute, values[field])
    return message === undefined ? [] : [{ field, message }]
  })
  if (fieldErrors.length > 0) throw invalidFields(fieldErrors)
}

/** @throws KeywrightError `invalid_input` if a change has no values */
export function checkSomeGiven(values: object): void {
  if (Object.values(values).every((value) => value === undefined)) throw invalidInput('nothing was named to change')
}
