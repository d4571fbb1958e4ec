import { isDeepStrictEqual } from 'node:util'
import type { DeclaredClaim } from './declared-claims.ts'
import { type Image, type StoredImage, summaryOfImage } from './images.ts'
import { changedNames, type Metadata } from './object-metadata.ts'
import type { RateLimit } from './rate-limit-format.ts'
import { toSnake } from './snake-case.ts'

/** One of the values that an attribute may have. */
export interface AttributeChoice<Value extends string = string> {
  readonly value: Value
  readonly label: string
  readonly hint?: string
  /** Accepted on the command line in place of the value. */
  readonly shortName?: string
  /** Only operators may select it. */
  readonly operatorOnly?: boolean
}

type Kind =
  | {
      readonly kind: 'text'
      readonly maxLength: number
      /** An ID of another system, which pages let users copy. */
      readonly isIdentifier?: true
    }
  | { readonly kind: 'email' }
  | { readonly kind: 'id' }
  | { readonly kind: 'uri'; readonly maxLength?: number }
  | { readonly kind: 'uris' }
  | { readonly kind: 'boolean'; readonly yes?: AttributeChoice; readonly no?: AttributeChoice }
  | {
      readonly kind: 'choice'
      readonly choices: readonly AttributeChoice[]
      /** Few choices, each with a hint, or many short ones. */
      readonly control: 'radio' | 'select'
    }
  | { readonly kind: 'choices'; readonly choices: readonly AttributeChoice[] }
  | { readonly kind: 'duration'; readonly unit: 'minutes' | 'hours' | 'days'; readonly longest: number }
  | { readonly kind: 'rate' }
  | { readonly kind: 'count' }
  | { readonly kind: 'words' }
  | { readonly kind: 'colour' }
  | { readonly kind: 'metadata' }
  | { readonly kind: 'claims' }
  | {
      readonly kind: 'image'
      /** Its bytes are in a table of their own, and the values of the resource have none. */
      readonly isStoredApart?: true
    }

/** The form of the values of an attribute: data from which each interface derives its schema, form field or option. */
export type AttributeType = Kind & {
  /** What null means; absent: the value is never null. */
  readonly nullLabel?: string
}

/** Exists only for the compiler. */
declare const VALUE: unique symbol

/** A type whose values are `Value`. */
export type TypeOf<Value> = AttributeType & { readonly [VALUE]?: Value }

export const text = (maxLength: number): TypeOf<string> => ({ kind: 'text', maxLength })

/** An ID of another system. */
export const identifierText = (maxLength: number): TypeOf<string> => ({ kind: 'text', maxLength, isIdentifier: true })

export const email: TypeOf<string> = { kind: 'email' }

/** The ID of another resource. */
export const id: TypeOf<string> = { kind: 'id' }

export const uri: TypeOf<string> = { kind: 'uri' }

export const uriUpTo = (maxLength: number): TypeOf<string> => ({ kind: 'uri', maxLength })

export const uris: TypeOf<readonly string[]> = { kind: 'uris' }

export const boolean: TypeOf<boolean> = { kind: 'boolean' }

/** True or false, chosen between two descriptions; `value` is what the form sends. */
export const either = (yes: AttributeChoice, no: AttributeChoice): TypeOf<boolean> => ({ kind: 'boolean', yes, no })

export const choice = <Value extends string>(
  choices: readonly AttributeChoice<Value>[],
  control: 'radio' | 'select' = 'radio',
): TypeOf<Value> => ({ kind: 'choice', choices, control })

/** Any of several values. */
export const choices = <Value extends string>(all: readonly AttributeChoice<Value>[]): TypeOf<readonly Value[]> => ({
  kind: 'choices',
  choices: all,
})

/** A number of seconds. @param unit preselected in an empty form field */
export const duration = (longest: number, unit: 'minutes' | 'hours' | 'days'): TypeOf<number> => ({
  kind: 'duration',
  unit,
  longest,
})

export const rate: TypeOf<RateLimit> = { kind: 'rate' }

/** A whole number of things, of at most nine digits. */
export const count: TypeOf<number> = { kind: 'count' }

/** Words without spaces, such as scopes. */
export const words: TypeOf<readonly string[]> = { kind: 'words' }

/** `#rrggbb`, in lower case. */
export const colour: TypeOf<string> = { kind: 'colour' }

/** A JSON object. */
export const metadata: TypeOf<Metadata> = { kind: 'metadata' }

/** Claims with values from metadata. */
export const claims: TypeOf<readonly DeclaredClaim[]> = { kind: 'claims' }

export const image: TypeOf<Image> = { kind: 'image' }

/** An image whose bytes are in a table of their own; who changes it gives an `Image`. */
export const imageStoredApart: TypeOf<StoredImage> = { kind: 'image', isStoredApart: true }

/** Values of this type, or null. @param nullLabel what null means, in a few words */
export const nullable = <Value>(type: TypeOf<Value>, nullLabel: string): TypeOf<Value | null> => ({
  ...type,
  nullLabel,
})

/** How an attribute is set on the command line. */
export interface AttributeOption {
  /** Absent: the name of the attribute in kebab-case. */
  readonly flag?: string
  /** Its name in printed JSON; absent: the name of the attribute in snake_case. */
  readonly jsonName?: string
  readonly help: string
  /** The word for null, or for an empty list. */
  readonly nullWord?: 'off' | 'all' | 'default'
  /** Makes a boolean two options without values, `--flag` and `--no-flag`; this is the help of the second. */
  readonly switchOffHelp?: string
  /** In place of `on` and `off`. */
  readonly onOffWords?: readonly [string, string]
  /** It has no value, and sets true. */
  readonly isSwitch?: boolean
}

/**
 * One attribute of a resource, declared once. Its column (`shared/attribute-columns.ts`), the schema of the API, the form field and
 * the row of the detail page, the CLI option and the change in the activity log derive from it.
 */
export interface Attribute<Value = unknown> {
  readonly type: TypeOf<Value>
  /** The value of a new resource; absent: the value is required. */
  readonly initial?: Value
  readonly label: string
  readonly hint?: string
  readonly placeholder?: string
  /** The section of the form. */
  readonly section: string
  /** A form shows the opposite as a checkbox, with this label and hint. */
  readonly opposite?: { readonly label: string; readonly hint: string }
  /** The sentence of the API reference. */
  readonly description: string
  readonly example?: Value
  readonly option?: AttributeOption
  /** Only operators may read and set it. */
  readonly operatorOnly?: boolean
  /** It is set when the resource is created and never changes. */
  readonly isFixed?: boolean
  /** Returns what is wrong with a value, undefined: nothing. Not called for null. */
  validate?(value: NonNullable<Value>): string | undefined
}

/** The attributes of a resource by name. */
// biome-ignore lint/suspicious/noExplicitAny: with `unknown`, no attribute whose `validate` takes a narrower type could be assigned.
export type Attributes = Readonly<Record<string, Attribute<any>>>

export type ValueOf<One> = One extends { readonly type: TypeOf<infer Value> } ? Value : never

/** The values of all attributes. */
export type ValuesOf<All extends Attributes> = { readonly [Name in keyof All]: ValueOf<All[Name]> }

/** Declares an attribute; `Value` follows from its type. */
export const attribute = <Value>(
  declaration: { readonly type: TypeOf<Value> } & Omit<Attribute<NoInfer<Value>>, 'type'>,
): Attribute<Value> => declaration

/** The values of a choice. */
export const choiceValues = <Value>({ type }: Attribute<Value>): readonly Value[] =>
  type.kind === 'choice' ? type.choices.map(({ value }) => value as Value) : []

type Names<All extends Attributes> = Extract<keyof All, string>

export const namesOf = <All extends Attributes>(attributes: All): Names<All>[] =>
  Object.keys(attributes) as Names<All>[]

export const entriesOf = <All extends Attributes>(attributes: All): [Names<All>, Attribute][] =>
  Object.entries(attributes) as [Names<All>, Attribute][]

/** The attributes for which `matches` returns true. */
export const attributesWhere = (attributes: Attributes, matches: (one: Attribute) => boolean): Attributes =>
  Object.fromEntries(entriesOf(attributes).filter(([, one]) => matches(one)))

/** The values of a new resource, except those that are required. */
export const initialValues = <All extends Attributes>(attributes: All): Partial<ValuesOf<All>> =>
  Object.fromEntries(
    entriesOf(attributes)
      .filter(([, { initial }]) => initial !== undefined)
      .map(([name, { initial }]) => [name, initial]),
  ) as Partial<ValuesOf<All>>

export interface AttributeChange {
  /** Absent: the resource is new. */
  readonly from?: unknown
  readonly to: unknown
}

/** The value as the audit log records it, which holds neither images nor values of metadata. */
function recorded({ type }: Attribute, value: unknown): unknown {
  if (type.kind === 'metadata') return changedNames({}, value as Metadata)
  return type.kind === 'image' && value !== null ? summaryOfImage(value as StoredImage) : value
}

/** Of metadata only the names that changed: its values may be personal or secret, and the log is kept. */
const recordedChange = (one: Attribute, before: unknown, after: unknown): AttributeChange =>
  one.type.kind === 'metadata'
    ? { to: changedNames(before as Metadata, after as Metadata) }
    : { from: recorded(one, before), to: recorded(one, after) }

/** The attributes whose values differ, by their names in snake_case, with both values: for the audit log. */
export function changesBetween<All extends Attributes>(
  attributes: All,
  before: ValuesOf<All>,
  after: ValuesOf<All>,
): Record<string, AttributeChange> {
  const changed = entriesOf(attributes).filter(([name]) => !isDeepStrictEqual(before[name], after[name]))
  return Object.fromEntries(
    changed.map(([name, one]) => [toSnake(name), recordedChange(one, before[name], after[name])]),
  )
}

/** Whether only operators may select this value. */
export const isOperatorChoice = ({ type }: Pick<Attribute, 'type'>, value: unknown): boolean =>
  type.kind === 'choice' && type.choices.some((one) => one.operatorOnly && one.value === value)

/** The attributes of a new resource, by their names in snake_case: for the audit log. */
export const changesOfNew = <All extends Attributes>(
  attributes: All,
  values: ValuesOf<All>,
): Record<string, AttributeChange> =>
  Object.fromEntries(entriesOf(attributes).map(([name, one]) => [toSnake(name), { to: recorded(one, values[name]) }]))

/** The most items of one attribute. Requests and responses of the management API have the same bounds. */
export const MAX_URIS = 100
export const MAX_WORDS = 1000
