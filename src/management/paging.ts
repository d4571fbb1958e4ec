import type { Knex } from 'knex'
import { invalidInput } from '../shared/errors.ts'
import type { Bounded } from './bounded-counts.ts'
import { type Order, opposite, orderSql, startAfter } from './list-order.ts'

/** A page of a list. */
export interface PageOf<Item> {
  readonly items: readonly Item[]
  /** Cursor of the next page, for `after`; null: this is the last page. */
  readonly next: string | null
  /** Cursor of the previous page, for `before`; null: this is the first page. */
  readonly previous: string | null
  /** Number of the first item in the list, from 1. Exact unless the list changed since the previous page. */
  readonly first: number | null
  /** Number of items of the list; null: not counted. */
  readonly total: Bounded | null
}

export interface PageRequest {
  /** `next` of the previous page. */
  readonly after?: string | undefined
  /** `previous` of the next page. */
  readonly before?: string | undefined
  /** 1 to 200. */
  readonly limit?: number | undefined
  /** Whether to count the items of the list. */
  readonly counted?: boolean | undefined
}

export const DEFAULT_LIMIT = 50
export const MAX_LIMIT = 200

/** At most so many items of a list are read to count it. */
export const MAX_COUNTED = 10_000

/** The values of an item's sort keys, and after them its number in the list. */
type CursorValues = readonly (string | number)[]

/** Encodes the position of an item as an opaque cursor. */
const toCursor = (values: CursorValues): string => Buffer.from(JSON.stringify(values)).toString('base64url')

const isText = (part: unknown): part is string | number =>
  (typeof part === 'string' && !part.includes('\0')) || Number.isSafeInteger(part)

function parse(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString())
  } catch {
    return undefined
  }
}

export interface Cursor {
  /** The page ends before the item. */
  readonly isBackward: boolean
  readonly values: readonly string[]
  /** Number of the item in the list; cursors of earlier versions have none. */
  readonly number: number | undefined
}

const isNumber = (text: string): boolean => /^\d{1,9}$/.test(text)

/**
 * Decodes the cursor of a request; undefined at the start of the list.
 * @param validators one for each sort key, which tests its value
 * @throws KeywrightError `invalid_input`
 */
export function cursorIn(
  { after, before }: PageRequest,
  validators: readonly ((text: string) => boolean)[],
): Cursor | undefined {
  const given = after ?? before
  if (given === undefined) return undefined
  const parts = parse(given)
  const texts = Array.isArray(parts) && parts.every(isText) ? parts.map(String) : []
  const expected = texts.length > validators.length ? [...validators, isNumber] : validators
  const isValid = texts.length === expected.length && expected.every((isValue, n) => isValue(texts[n]!))
  if (!isValid || (after !== undefined && before !== undefined)) {
    throw invalidInput(
      'this cursor is not valid for this list; start without it',
      after === undefined ? 'before' : 'after',
    )
  }
  const number = texts.length > validators.length ? Number(texts.at(-1)) : undefined
  return { isBackward: after === undefined, values: texts.slice(0, validators.length), number }
}

/** Decodes the cursor of a request for a list in this order. */
export const cursorOf = ({ keys }: Order, request: PageRequest): Cursor | undefined =>
  cursorIn(
    request,
    keys.map(({ isValue }) => isValue),
  )

/** A list without its order. */
export interface List {
  /** The rows, restricted only by conditions that indexes serve. */
  readonly base: Knex.QueryBuilder
  /** Conditions that no index serves. They are evaluated for each row. */
  readonly filters?: readonly Knex.Raw[]
}

const conjunction = (knex: Knex, conditions: readonly Knex.Raw[]): Knex.Raw =>
  knex.raw(conditions.map(() => '?').join(' AND ') || 'true', [...conditions])

/** SQL: the number of items among the first `MAX_COUNTED` rows, and whether there are more rows. */
function countOf(knex: Knex, { base, filters = [] }: List): Knex.QueryBuilder {
  const items = base.clone().limit(MAX_COUNTED + 1)
  items.select(knex.raw('(?) AS fits', [conjunction(knex, filters)]))
  const counts = 'count(*) FILTER (WHERE counted.fits), count(*) > ?'
  return knex.from(items.as('counted')).select(knex.raw(`json_build_array(${counts})`, [MAX_COUNTED]))
}

/** The columns that every row of a page has. */
export interface PagedRow {
  cursor_values: CursorValues
  /** Present if the list is counted. */
  total?: [count: number, isMore: boolean]
}

/** The order in which the rows of a page are read, starting at the cursor. */
export const readingOrder = (order: Order, cursor: Cursor | undefined): Order =>
  cursor?.isBackward ? opposite(order) : order

/** A query that reads a page and one more row. The caller selects the columns. */
export function selectPage(
  knex: Knex,
  list: List,
  order: Order,
  cursor: Cursor | undefined,
  { limit = DEFAULT_LIMIT, counted }: PageRequest,
): Knex.QueryBuilder {
  const query = list.base.clone()
  for (const condition of list.filters ?? []) query.where(condition)
  const reading = readingOrder(order, cursor)
  if (cursor) startAfter(query, reading, cursor.values)
  query.orderByRaw(orderSql(reading)).limit(limit + 1)
  query.select(
    knex.raw(`json_build_array(${order.keys.map(({ cursorValue }) => cursorValue).join(', ')}) AS cursor_values`),
  )
  if (counted) query.select(countOf(knex, list).as('total'))
  return query
}

const toTotal = ([count, isMore]: [number, boolean]): Bounded => ({ count: Math.min(count, MAX_COUNTED), isMore })

/** Number of the first item of a page. A page without a previous page starts the list; one without a next page ends it. */
function firstOf(
  count: number,
  neighbours: { previous: boolean; next: boolean },
  cursor: Cursor | undefined,
  total: Bounded | null,
) {
  if (!neighbours.previous) return 1
  if (!neighbours.next && total && !total.isMore) return Math.max(total.count - count + 1, 1)
  if (cursor?.number === undefined) return null
  return Math.max(cursor.isBackward ? cursor.number - count : cursor.number + 1, 1)
}

/**
 * The page that starts at the cursor.
 * @param rows the rows in reading order; one more than the limit if the list continues
 */
export function pageOf<Row extends PagedRow, Item>(
  rows: readonly Row[],
  { limit = DEFAULT_LIMIT }: PageRequest,
  cursor: Cursor | undefined,
  toItem: (row: Row) => Item,
): PageOf<Item> {
  const [isBackward, isMore] = [cursor?.isBackward ?? false, rows.length > limit]
  const shown = isBackward ? rows.slice(0, limit).toReversed() : rows.slice(0, limit)
  const [start, end] = [shown[0], shown.at(-1)]
  const total = rows[0]?.total ? toTotal(rows[0].total) : null
  if (!start || !end) return { items: [], next: null, previous: null, first: null, total }
  const neighbours = { previous: isBackward ? isMore : cursor !== undefined, next: isBackward || isMore }
  const first = firstOf(shown.length, neighbours, cursor, total)
  const cursorAt = ({ cursor_values: values }: Row, n: number) =>
    toCursor(first === null ? values : [...values, first + n])
  return {
    items: shown.map(toItem),
    next: neighbours.next ? cursorAt(end, shown.length - 1) : null,
    previous: neighbours.previous ? cursorAt(start, 0) : null,
    first,
    total,
  }
}

/** Reads a page in one statement. @throws KeywrightError `invalid_input` for a cursor of another order */
export async function readPage<Row extends PagedRow, Item>(
  knex: Knex,
  { order, ...list }: List & { readonly order: Order },
  request: PageRequest,
  select: (query: Knex.QueryBuilder) => Knex.QueryBuilder,
  toItem: (row: Row) => Item,
): Promise<PageOf<Item>> {
  const cursor = cursorOf(order, request)
  const rows: Row[] = await select(selectPage(knex, list, order, cursor, request))
  return pageOf(rows, request, cursor, toItem)
}
