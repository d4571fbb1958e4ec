/** JSON: what `JSON.parse` gives. */
type Json = null | boolean | number | string | Json[] | { [name: string]: Json }

interface Bounds {
  /** In UTF-16 code units, of texts and of fields' names. */
  readonly text: number
  /** Of lists. */
  readonly items: number
}

/** The widest of them under which the whole is small enough decides. */
const BOUNDS: readonly Bounds[] = [
  { text: 300, items: 20 },
  { text: 100, items: 10 },
  { text: 40, items: 3 },
]

const MAX_FIELDS = 50
const MAX_DEPTH = 8

/** Of the whole, in UTF-8; PostgreSQL adds a space between one thing and the next. */
const MAX_BYTES = 7500

const sizeOf = (value: Json): number => Buffer.byteLength(JSON.stringify(value))

/** PostgreSQL takes no half of a surrogate pair. */
const beginningOf = (text: string, length: number): string => text.slice(0, length).replace(/[\uD800-\uDBFF]$/, '')

const shortenText = (text: string, limit: number): string =>
  text.length <= limit ? text : `${beginningOf(text, limit)}… (${text.length} characters)`

function shortenList(list: readonly Json[], bounds: Bounds, depth: number): Json[] {
  const kept = list.slice(0, bounds.items).map((item) => shorten(item, bounds, depth))
  return kept.length < list.length ? [...kept, `… (${list.length} in all)`] : kept
}

function shortenFields(fields: { [name: string]: Json }, bounds: Bounds, depth: number): { [name: string]: Json } {
  const all = Object.entries(fields)
  const kept = all.slice(0, MAX_FIELDS)
  const short = kept.map(([name, value]) => [shortenText(name, bounds.text), shorten(value, bounds, depth)])
  const more = kept.length < all.length ? { '…': `(${all.length} in all)` } : {}
  return { ...Object.fromEntries(short), ...more }
}

function shorten(value: Json, bounds: Bounds, depth: number): Json {
  if (typeof value === 'string') return shortenText(value, bounds.text)
  if (typeof value !== 'object' || value === null) return value
  if (depth === MAX_DEPTH) return '…'
  return Array.isArray(value) ? shortenList(value, bounds, depth + 1) : shortenFields(value, bounds, depth + 1)
}

/** The fields that are small enough beside those before them. */
function fieldsThatFit(fields: { [name: string]: Json }): { [name: string]: Json } {
  let left = MAX_BYTES
  const kept = Object.entries(fields).filter(([name, value]) => {
    const size = sizeOf({ [name]: value })
    if (size > left) return false
    left -= size
    return true
  })
  return Object.fromEntries(kept)
}

function shortenWhole(detail: { [name: string]: Json }): { [name: string]: Json } {
  for (const bounds of BOUNDS) {
    const short = shortenFields(detail, bounds, 0)
    if (sizeOf(short) <= MAX_BYTES) return short
  }
  return fieldsThatFit(shortenFields(detail, BOUNDS.at(-1)!, 0))
}

/**
 * An entry's detail as JSON of at most 8 KB, so that no page of the log is large, whatever somebody sets. What was cut
 * says so where it was, with how long it was; and the whole in `cut_from_bytes`, its size before.
 */
export function boundDetail(detail: Record<string, unknown>): string {
  const whole = JSON.stringify(detail)
  const short = shortenWhole(JSON.parse(whole))
  if (JSON.stringify(short) === whole) return whole
  return JSON.stringify({ ...short, cut_from_bytes: Buffer.byteLength(whole) })
}
