import { invalidInput } from '../shared/errors.ts'

/** A part of a list. */
export interface PageOf<Item> {
  readonly items: readonly Item[]
  /** Where the next part begins, for `after`; null: this was the last. */
  readonly next: string | null
}

export interface PageRequest {
  /** `next` of the part before. */
  readonly after?: string | undefined
  /** 1 to 200. */
  readonly limit?: number | undefined
}

export const DEFAULT_LIMIT = 50
export const MAX_LIMIT = 200

/** The last item's place in the list's order, in a form that tells callers nothing to build on. */
export const toCursor = (place: readonly (string | number)[]): string =>
  Buffer.from(JSON.stringify(place)).toString('base64url')

const isText = (part: unknown): part is string | number =>
  (typeof part === 'string' && !part.includes('\0')) || Number.isSafeInteger(part)

const noPlace = () => invalidInput('this is no place in this list; begin without it', 'after')

function parse(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString())
  } catch {
    throw noPlace()
  }
}

/**
 * What `toCursor` was given, when each part is what its judge says.
 * @throws KeywrightError `invalid_input`
 */
export function fromCursor(cursor: string, ...judges: ((part: string) => boolean)[]): string[] {
  const place = parse(cursor)
  if (!Array.isArray(place) || place.length !== judges.length || !place.every(isText)) throw noPlace()
  const texts = place.map(String)
  if (!judges.every((judge, n) => judge(texts[n]!))) throw noPlace()
  return texts
}

export const isAnyText = (): boolean => true

/** Of a list that is ordered by one number. @throws KeywrightError `invalid_input` */
export const numberFromCursor = (cursor: string): number =>
  Number(fromCursor(cursor, (part) => /^\d{1,15}$/.test(part))[0])

/** The part of a list whose statement asked for one item more than the limit. */
export function pageOf<Row, Item>(
  rows: readonly Row[],
  limit: number,
  toItem: (row: Row) => Item,
  placeOf: (row: Row) => readonly (string | number)[],
): PageOf<Item> {
  const shown = rows.slice(0, limit)
  return { items: shown.map(toItem), next: rows.length > limit ? toCursor(placeOf(shown.at(-1)!)) : null }
}
