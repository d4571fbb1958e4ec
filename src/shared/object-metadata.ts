import { invalidInput } from './errors.ts'
import { parseJson } from './json-text.ts'

/** What a company keeps with an object for its own use: a JSON object. */
export type Metadata = Readonly<Record<string, unknown>>

/** Bytes of the JSON in UTF-8. */
export const MAX_METADATA_BYTES = 4096

/** Characters of the name of a member. */
export const MAX_METADATA_NAME = 64

/** Of all members at every level, and items of lists. */
const MAX_VALUES = 200

/** The object itself is level 1. */
const MAX_DEPTH = 4

function numberError(value: number): string | undefined {
  if (!Number.isFinite(value)) return 'has a number that is too large'
  // JSON.parse has already changed it.
  return Number.isInteger(value) && !Number.isSafeInteger(value)
    ? 'has a whole number beyond 2^53, which programs read differently; send it as text'
    : undefined
}

/** No JSON column of PostgreSQL can store such text, and JSON can write it with an escape sequence. */
function textError(text: string): string | undefined {
  if (text.includes('\0')) return 'has text with a NUL character'
  return text.isWellFormed() ? undefined : 'has text with an unpaired surrogate'
}

function errorOf(value: unknown): string | undefined {
  if (typeof value === 'string') return textError(value)
  if (typeof value === 'number') return numberError(value)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const names = Object.keys(value)
  const wrongText = names.map(textError).find((error) => error !== undefined)
  if (wrongText !== undefined) return wrongText
  const isTooLong = names.some((name) => name === '' || [...name].length > MAX_METADATA_NAME)
  return isTooLong ? `has a name that is empty or longer than ${MAX_METADATA_NAME} characters` : undefined
}

/** Undefined: within the bounds. Iterative, because the sender chooses the depth. */
function structureError(metadata: Metadata): string | undefined {
  const rest: [value: unknown, depth: number][] = [[metadata, 1]]
  let values = -1
  for (let next = rest.pop(); next; next = rest.pop()) {
    const [value, depth] = next
    if (++values > MAX_VALUES) return `has more than ${MAX_VALUES} values`
    const error = errorOf(value)
    if (error) return error
    if (typeof value !== 'object' || value === null) continue
    if (depth > MAX_DEPTH) return `is nested deeper than ${MAX_DEPTH} levels`
    for (const one of Object.values(value)) rest.push([one, depth + 1])
  }
  return undefined
}

/** What is wrong with metadata. Undefined: nothing. */
export function metadataError(metadata: Metadata): string | undefined {
  const error = structureError(metadata)
  if (error) return `the metadata ${error}`
  const bytes = Buffer.byteLength(JSON.stringify(metadata))
  return bytes > MAX_METADATA_BYTES ? `the metadata has more than ${MAX_METADATA_BYTES} bytes of JSON` : undefined
}

/** Metadata that somebody typed; nothing typed is no metadata. @throws KeywrightError `invalid_input` */
export function parseMetadata(text: string): Metadata {
  if (text.trim() === '') return {}
  const value = parseJson(text)
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalidInput('metadata is a JSON object, such as {"plan": "gold"}')
  const error = metadataError(value as Metadata)
  if (error) throw invalidInput(error)
  return value as Metadata
}

/** The names at the first level whose values differ, sorted: the activity log does not hold values of metadata. */
export const changedNames = (before: Metadata, after: Metadata): string[] =>
  [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]))
    .sort()
