import type { Knex } from 'knex'
import { isId } from '../shared/ids.ts'

/** A sort key of a list. */
export interface Key {
  /** SQL expression, as in the index. */
  readonly sql: string
  /** SQL of its value in a cursor: a text, or a number that JSON represents exactly. */
  readonly cursorValue: string
  /** SQL that converts `?`, a value of a cursor. */
  readonly value: string
  isValue(text: string): boolean
}

export const textKey = (sql: string): Key => ({ sql, cursorValue: sql, value: '?::text', isValue: () => true })

export const idKey = (sql: string): Key => ({ sql, cursorValue: sql, value: '?::uuid', isValue: isId })

export const numberKey = (sql: string): Key => ({
  sql,
  cursorValue: sql,
  value: '?::bigint',
  isValue: (text) => /^\d{1,15}$/.test(text),
})

/** A date; in a cursor the number of days since 1970. */
export const dayKey = (sql: string): Key => ({
  sql,
  cursorValue: `(${sql} - date 'epoch')`,
  value: `(date 'epoch' + ?::int)`,
  isValue: (text) => /^\d{1,6}$/.test(text),
})

/** Microseconds since 1970: a `Date` has milliseconds, so two rows could have the same cursor. */
export const momentKey = (sql: string): Key => ({
  sql,
  cursorValue: `(extract(epoch FROM ${sql}) * 1000000)::bigint`,
  value: `timestamptz 'epoch' + ?::bigint * interval '1 microsecond'`,
  isValue: (text) => /^\d{1,16}$/.test(text),
})

/** An order that an index provides. The last key is unique. */
export interface Order {
  readonly keys: readonly Key[]
  readonly isDescending: boolean
}

/** The name of an order, as in a query parameter; a leading minus means descending. */
export type Sort<Name extends string> = Name | `-${Name}`

export function orderOf<Name extends string>(orders: Readonly<Record<Name, readonly Key[]>>, sort: Sort<Name>): Order {
  const isDescending = sort.startsWith('-')
  return { keys: orders[sort.slice(isDescending ? 1 : 0) as Name], isDescending }
}

export const opposite = ({ keys, isDescending }: Order): Order => ({ keys, isDescending: !isDescending })

export const orderSql = ({ keys, isDescending }: Order): string =>
  keys.map(({ sql }) => `${sql} ${isDescending ? 'DESC' : 'ASC'}`).join(', ')

/** Restricts a query to the rows after the given values in the order. */
export function startAfter(query: Knex.QueryBuilder, { keys, isDescending }: Order, after: readonly string[]): void {
  const [columns, values] = [keys.map(({ sql }) => sql), keys.map(({ value }) => value)]
  query.whereRaw(`(${columns.join(', ')}) ${isDescending ? '<' : '>'} (${values.join(', ')})`, after)
}
