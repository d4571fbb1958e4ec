import { invalidFilter, ScimError } from './scim-error.ts'

export type FilterValue = string | number | boolean | null

/** One comparison with `eq`. */
export interface Condition {
  /** The attribute as it was written, for example `userName` or `emails[type eq "work"].value`. */
  readonly attribute: string
  readonly value: FilterValue
}

/** Characters, and comparisons, of a filter. */
const LONGEST = 1000
const MOST = 5

/** The position after the attribute that begins at `start`: the next space outside brackets and strings. */
function endOfAttribute(text: string, start: number): number {
  let depth = 0
  let quoted = false
  for (let at = start; at < text.length; at++) {
    const character = text[at]!
    if (quoted) {
      if (character === '\\') at++
      else if (character === '"') quoted = false
    } else if (character === '"') quoted = true
    else if (character === '[') depth++
    else if (character === ']') depth--
    else if (character === ' ' && depth === 0) return at
  }
  return text.length
}

const LITERALS: Readonly<Record<string, FilterValue>> = { true: true, false: false, null: null }

/** A JSON value at the beginning of the text, and its length. @throws ScimError `invalidFilter` */
function valueAt(text: string): { value: FilterValue; length: number } {
  const [string] = /^"(?:[^"\\]|\\.)*"/.exec(text) ?? []
  if (string !== undefined) {
    try {
      return { value: JSON.parse(string), length: string.length }
    } catch {
      throw invalidFilter('a string of the filter is not valid JSON')
    }
  }
  const [word = ''] = /^[\w.+-]{1,40}/.exec(text) ?? []
  if (Object.hasOwn(LITERALS, word.toLowerCase())) return { value: LITERALS[word.toLowerCase()]!, length: word.length }
  if (/^-?\d{1,15}$/.test(word)) return { value: Number(word), length: word.length }
  throw invalidFilter('a comparison needs a value in JSON, for example "ada@example.com"')
}

/**
 * Reads a filter (RFC 7644, section 3.4.2.2) of comparisons with `eq`, joined by `and`: what identity providers send.
 * @throws ScimError `invalidFilter`
 */
export function parseFilter(filter: string): Condition[] {
  let rest = filter.trim()
  if (rest === '' || rest.length > LONGEST) throw invalidFilter(`a filter has 1 to ${LONGEST} characters`)
  const conditions: Condition[] = []
  for (;;) {
    const end = endOfAttribute(rest, 0)
    const attribute = rest.slice(0, end)
    const [operator = ''] = /^ +\S+ +/.exec(rest.slice(end)) ?? []
    if (operator.trim().toLowerCase() !== 'eq')
      throw invalidFilter('this server filters with eq, and joins comparisons with and')
    rest = rest.slice(end + operator.length)
    const { value, length } = valueAt(rest)
    conditions.push({ attribute, value })
    rest = rest.slice(length)
    if (rest === '') return conditions
    const [joined] = /^ +and +/i.exec(rest) ?? []
    if (joined === undefined) throw invalidFilter('comparisons are joined with and')
    if (conditions.length === MOST) throw new ScimError(400, `a filter has at most ${MOST} comparisons`, 'tooMany')
    rest = rest.slice(joined.length)
  }
}
