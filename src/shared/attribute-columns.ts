import { type Attribute, type Attributes, entriesOf, type ValuesOf } from './attributes.ts'
import { type Image, imageOf, type StoredImage } from './images.ts'
import type { RateLimit } from './rate-limit-format.ts'
import { toSnake } from './snake-case.ts'

// The columns of attributes: `accessTokenTtl` is `access_token_ttl`. A rate limit has a column for its count and one for its
// period in seconds, and an image a column for its bytes and one for its type,
// or, if its bytes are in a table of their own, one for each of its type, size and ETag.

export type AttributeRow = Readonly<Record<string, unknown>>

const rateColumns = (column: string): readonly [string, string] => [`${column}_count`, `${column}_period`]

function rateIn(row: AttributeRow, column: string): RateLimit | null {
  const [count, period] = rateColumns(column).map((name) => row[name] as number | null)
  return count ? { count, period: period! } : null
}

function rateColumnsOf(value: RateLimit | null, column: string): [string, unknown][] {
  const [count, period] = rateColumns(column)
  return [
    [count, value?.count ?? null],
    [period, value?.period ?? null],
  ]
}

function imageIn(row: AttributeRow, column: string): Image | null {
  const bytes = row[column] as Buffer | null
  return bytes && imageOf(bytes, row[`${column}_type`] as string)
}

function storedImageIn(row: AttributeRow, column: string): StoredImage | null {
  const [type, size, etag] = ['type', 'size', 'etag'].map((part) => row[`${column}_${part}`])
  return etag ? { type: type as string, size: size as number, etag: etag as string } : null
}

function valueIn(row: AttributeRow, column: string, { type }: Attribute): unknown {
  if (type.kind === 'rate') return rateIn(row, column)
  if (type.kind === 'image') return type.isStoredApart ? storedImageIn(row, column) : imageIn(row, column)
  return row[column]
}

const imageColumnsOf = (value: Image | null, column: string): [string, unknown][] => [
  [column, value?.bytes ?? null],
  [`${column}_type`, value?.type ?? null],
]

const storedImageColumnsOf = (value: StoredImage | null, column: string): [string, unknown][] => [
  [`${column}_type`, value?.type ?? null],
  [`${column}_size`, value?.size ?? null],
  [`${column}_etag`, value?.etag ?? null],
]

function columnsOf(value: unknown, column: string, { type }: Attribute): [string, unknown][] {
  if (type.kind === 'rate') return rateColumnsOf(value as RateLimit | null, column)
  // The driver makes a PostgreSQL array of a list.
  if (type.kind === 'claims') return [[column, JSON.stringify(value)]]
  if (type.kind !== 'image') return [[column, value]]
  return type.isStoredApart
    ? storedImageColumnsOf(value as StoredImage | null, column)
    : imageColumnsOf(value as Image | null, column)
}

const rateAsJson = (column: string): string => {
  const [count, period] = rateColumns(column)
  return `CASE WHEN ${count} IS NOT NULL THEN json_build_object('count', ${count}, 'period', ${period}) END`
}

/** The values of a row. */
export function fromColumns<All extends Attributes>(attributes: All, row: AttributeRow): ValuesOf<All> {
  const values = entriesOf(attributes).map(([name, attribute]) => [name, valueIn(row, toSnake(name), attribute)])
  return Object.fromEntries(values) as ValuesOf<All>
}

/** The columns of these values; attributes without a value are left out. */
export function toColumns<All extends Attributes>(attributes: All, values: Partial<ValuesOf<All>>): AttributeRow {
  const given = entriesOf(attributes).filter(([name]) => values[name] !== undefined)
  return Object.fromEntries(given.flatMap(([name, attribute]) => columnsOf(values[name], toSnake(name), attribute)))
}

/** SQL: the attributes as arguments of `json_build_object`, which accepts at most fifty pairs. @param alias of the table */
export const asJsonArguments = (attributes: Attributes, alias: string): string =>
  entriesOf(attributes)
    .map(([name, { type }]) => {
      const column = `${alias}.${toSnake(name)}`
      return `'${name}', ${type.kind === 'rate' ? rateAsJson(column) : column}`
    })
    .join(', ')
