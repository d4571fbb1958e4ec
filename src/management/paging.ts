import type { Knex } from 'knex'
import { invalidInput } from '../shared/errors.ts'
import { beginAfter, type Order, opposite, orderSql } from './list-order.ts'
import type { Bounded } from './live-tokens.ts'

/** A part of a list. */
export interface PageOf<Item> {
  readonly items: readonly Item[]
  /** Where the next part begins, for `after`; null: this was the last. */
  readonly next: string | null
  /** Where the part before ends, for `before`; null: this was the first. */
  readonly previous: string | null
  /** The number of the first item in the list, from 1, as far as the list has not changed between two parts. */
  readonly first: number | null
  /** How many items the list has; null: they were not counted. */
  readonly total: Bounded | null
}

export interface PageRequest {
  /** `next` of the part before. */
  readonly after?: string | undefined
  /** `previous` of the part after. */
  readonly before?: string | undefined
  /** 1 to 200. */
  readonly limit?: number | undefined
  /** Whether the items of the list are counted too. */
  readonly counted?: boolean | undefined
}

export const DEFAULT_LIMIT = 50
export const MAX_LIMIT = 200

/** So many items of a list are looked at to count it. */
export const MOST_COUNTED = 10_000

type ClusterLocation = readonly (string | number)[]

/** An item's place in the list's order, in a form that tells callers nothing to build on. */
const toCursor = (place: ClusterLocation): string => Buffer.from(JSON.stringify(place)).toString('base64url')

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
  /** The part ends before it. */
  readonly isBackward: boolean
  readonly place: readonly string[]
  /** The number of its item in the list; cursors of earlier versions have none. */
  readonly number: number | undefined
}

const isNumber = (text: string): boolean => /^\d{1,9}$/.test(text)

/**
 * Where the part that is asked for begins: what `toCursor` was given; undefined: at the list's start.
 * @param judges of the values of a place
 * @throws KeywrightError `invalid_input`
 */
export function cursorIn(
  { after, before }: PageRequest,
  judges: readonly ((text: string) => boolean)[],
): Cursor | undefined {
  const given = after ?? before
  if (given === undefined) return undefined
  const parts = parse(given)
  const texts = Array.isArray(parts) && parts.every(isText) ? parts.map(String) : []
  const known = texts.length > judges.length ? [...judges, isNumber] : judges
  const isPlace = texts.length === known.length && known.every((judge, n) => judge(texts[n]!))
  if (!isPlace || (after !== undefined && before !== undefined)) {
    throw invalidInput('this is no place in this list; begin without it', after === undefined ? 'before' : 'after')
  }
  const number = texts.length > judges.length ? Number(texts.at(-1)) : undefined
  return { isBackward: after === undefined, place: texts.slice(0, judges.length), number }
}

/** The same of a list in this order. */
export const cursorOf = ({ keys }: Order, request: PageRequest): Cursor | undefined =>
  cursorIn(
    request,
    keys.map(({ isValue }) => isValue),
  )

/** A list before it is ordered. */
export interface List {
  /** What is listed, narrowed by indexes alone. */
  readonly base: Knex.QueryBuilder
  /** Conditions that no index serves: of each item it must be looked whether it meets them. */
  readonly filters?: readonly Knex.Raw[]
}

const both = (knex: Knex, conditions: readonly Knex.Raw[]): Knex.Raw =>
  knex.raw(conditions.map(() => '?').join(' AND ') || 'true', [...conditions])

/** SQL: how many items of the list there are among so many that are looked at, and whether there are others. */
function countOf(knex: Knex, { base, filters = [] }: List): Knex.QueryBuilder {
  const items = base.clone().limit(MOST_COUNTED + 1)
  items.select(knex.raw('(?) AS fits', [both(knex, filters)]))
  const counts = 'count(*) FILTER (WHERE counted.fits), count(*) > ?'
  return knex.from(items.as('counted')).select(knex.raw(`json_build_array(${counts})`, [MOST_COUNTED]))
}

/** What every row of a part has beside its columns. */
export interface PagedRow {
  place: ClusterLocation
  /** Of a list that is counted. */
  total?: [count: number, isMore: boolean]
}

/** The order in which the rows of a part are read: from its cursor on. */
export const readingOrder = (order: Order, cursor: Cursor | undefined): Order =>
  cursor?.isBackward ? opposite(order) : order

/** The statement that reads a part of a list, and one item more; the caller selects the columns. */
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
  if (cursor) beginAfter(query, reading, cursor.place)
  query.orderByRaw(orderSql(reading)).limit(limit + 1)
  query.select(knex.raw(`json_build_array(${order.keys.map(({ place }) => place).join(', ')}) AS place`))
  if (counted) query.select(countOf(knex, list).as('total'))
  return query
}

const toTotal = ([count, isMore]: [number, boolean]): Bounded => ({ count: Math.min(count, MOST_COUNTED), isMore })

/** The number of a part's first item. Where a part has no neighbour, the list begins or ends there. */
function firstOf(
  shown: number,
  ends: { previous: boolean; next: boolean },
  cursor: Cursor | undefined,
  total: Bounded | null,
) {
  if (!ends.previous) return 1
  if (!ends.next && total && !total.isMore) return Math.max(total.count - shown + 1, 1)
  if (cursor?.number === undefined) return null
  return Math.max(cursor.isBackward ? cursor.number - shown : cursor.number + 1, 1)
}

/**
 * The part of a list that begins at the cursor.
 * @param rows from the cursor on, as they were read; one more than the limit where the list goes on
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
  const ends = { previous: isBackward ? isMore : cursor !== undefined, next: isBackward || isMore }
  const first = firstOf(shown.length, ends, cursor, total)
  const toNumbered = ({ place }: Row, n: number) => toCursor(first === null ? place : [...place, first + n])
  return {
    items: shown.map(toItem),
    next: ends.next ? toNumbered(end, shown.length - 1) : null,
    previous: ends.previous ? toNumbered(start, 0) : null,
    first,
    total,
  }
}

/** Reads a part of a list in one statement. @throws KeywrightError `invalid_input` for a cursor that is none of this order */
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
