import { toSnake } from './snake-case.ts'

export type Snake<Name extends string> = Name extends `${infer First}${infer Rest}`
  ? `${First extends Lowercase<First> ? First : `_${Lowercase<First>}`}${Snake<Rest>}`
  : Name

type Camel<Name extends string> = Name extends `${infer Head}_${infer Rest}`
  ? `${Head}${Capitalize<Camel<Rest>>}`
  : Name

/** The value with snake_case names at every level. */
export type Wire<Value> = Value extends Date
  ? Value
  : Value extends readonly (infer Item)[]
    ? Wire<Item>[]
    : Value extends object
      ? { [Name in keyof Value as Name extends string ? Snake<Name> : never]: Wire<Value[Name]> }
      : Value

/** The value with camelCase names at the first level. */
export type Domain<Value> = { [Name in keyof Value as Name extends string ? Camel<Name> : never]: Value[Name] }

const toCamel = (name: string): string => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())

/** The members whose names are data. */
const DATA: ReadonlySet<string> = new Set(['metadata'])

/** `redirectUris` becomes `redirect_uris`, at every level, except in metadata. Not for other maps whose keys are data. */
export function toWire<Value>(value: Value): Wire<Value> {
  if (Array.isArray(value)) return value.map(toWire) as Wire<Value>
  if (typeof value !== 'object' || value === null || value instanceof Date) return value as Wire<Value>
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [toSnake(name), DATA.has(name) ? one : toWire(one)]),
  ) as Wire<Value>
}

/** `redirect_uris` becomes `redirectUris`, at the first level; undefined values are omitted. */
export function toDomain<Value extends object>(value: Value): Domain<Value> {
  const defined = Object.entries(value).filter(([, one]) => one !== undefined)
  return Object.fromEntries(defined.map(([name, one]) => [toCamel(name), one])) as Domain<Value>
}
