import type { Knex } from 'knex'
import { isId } from '../shared/ids.ts'

/** Something that a list is ordered by. */
export interface Key {
  /** SQL, as the index has it. */
  readonly sql: string
  /** SQL of its value in a cursor, which is a text or a number that JSON holds exactly. */
  readonly place: string
  /** SQL of what `?`, a value of a cursor, stands for. */
  readonly value: string
  isValue(text: string): boolean
}

export const textKey = (sql: string): Key => ({ sql, place: sql, value: '?::text', isValue: () => true })

export const idKey = (sql: string): Key => ({ sql, place: sql, value: '?::uuid', isValue: isId })

export const numberKey = (sql: string): Key => ({
  sql,
  place: sql,
  value: '?::bigint',
  isValue: (text) => /^\d{1,15}$/.test(text),
})

/** In microseconds since 1970: a `Date` has no microseconds, and two rows would share a place. */
export const momentKey = (sql: string): Key => ({
  sql,
  place: `(extract(epoch FROM ${sql}) * 1000000)::bigint`,
  value: `timestamptz 'epoch' + ?::bigint * interval '1 microsecond'`,
  isValue: (text) => /^\d{1,16}$/.test(text),
})

/** An order that an index has. The last key is unique. */
export interface Order {
  readonly keys: readonly Key[]
  readonly isDescending: boolean
}

/** An order by its name, as addresses have it; with a minus, the other way round. */
export type Sort<Name extends string> = Name | `-${Name}`

export function orderOf<Name extends string>(orders: Readonly<Record<Name, readonly Key[]>>, sort: Sort<Name>): Order {
  const isDescending = sort.startsWith('-')
  return { keys: orders[sort.slice(isDescending ? 1 : 0) as Name], isDescending }
}

export const opposite = ({ keys, isDescending }: Order): Order => ({ keys, isDescending: !isDescending })

export const orderSql = ({ keys, isDescending }: Order): string =>
  keys.map(({ sql }) => `${sql} ${isDescending ? 'DESC' : 'ASC'}`).join(', ')

/** Narrows a statement to what comes after a place in the order. */
export function beginAfter(query: Knex.QueryBuilder, { keys, isDescending }: Order, place: readonly string[]): void {
  const [columns, values] = [keys.map(({ sql }) => sql), keys.map(({ value }) => value)]
  query.whereRaw(`(${columns.join(', ')}) ${isDescending ? '<' : '>'} (${values.join(', ')})`, place)
}
