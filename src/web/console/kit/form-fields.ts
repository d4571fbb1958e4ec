import { type FieldError, invalidInput } from '../../../shared/errors.ts'
import { FieldErrorCollector } from '../../../shared/field-error-collector.ts'
import type { Files, Form } from '../../forms.ts'

/** What a field made of what was sent: its value, or what is wrong with it, as a `Fault` says it. */
export type Reading<Value> = { readonly value: Value } | { readonly fieldError: string }

/** How it is explained to people; common to all fields. */
export interface FieldText {
  readonly label: string
  readonly hint?: string
  /** Marked, and refused when it is left empty. */
  readonly required?: boolean
}

export interface Sent {
  readonly form: Form
  readonly files: Files
}

/**
 * A field of a form, declared once: its drawing, its reading and its words follow. Its name is the domain's
 * (`redirectUris`), so that the domain's faults find it; a field of several controls sends `name.part`.
 */
export interface Field<Value> extends FieldText {
  /** The template below views/console/fields that draws its controls. */
  readonly kind: string
  read(name: string, sent: Sent): Reading<Value>
  /** A value as its controls would send it. */
  write(name: string, value: Value): readonly (readonly [string, string])[]
  /** What its template needs beside name, id and fault. */
  controls(name: string, form: Form): object
  /** What was typed, in words, for a comparison. */
  words(name: string, form: Form): string
}

export type Fields = Readonly<Record<string, Field<unknown>>>

export type ValuesOf<F extends Fields> = {
  readonly [Name in keyof F]: F[Name] extends Field<infer Value> ? Value : never
}

const NONE: Sent = { form: new Map(), files: new Map() }

/** All fields of a form. The values are whole only where there is no fault. */
export function readFields<F extends Fields>(
  fields: F,
  form: Form,
  files: Files = NONE.files,
): { values: ValuesOf<F>; fieldErrors: readonly FieldError[] } {
  const readings = Object.entries(fields).map(([name, field]) => [name, field.read(name, { form, files })] as const)
  const values = readings.flatMap(([name, reading]) => ('value' in reading ? [[name, reading.value]] : []))
  const fieldErrors = readings.flatMap(([field, reading]) =>
    'fieldError' in reading ? [{ field, message: reading.fieldError }] : [],
  )
  return { values: Object.fromEntries(values) as ValuesOf<F>, fieldErrors }
}

/** Values as their form would send them; what is not named is left empty. */
export function writeFields<F extends Fields>(fields: F, values: Partial<ValuesOf<F>>): Form {
  const entries = Object.entries(fields).flatMap(([name, field]) =>
    values[name] === undefined ? [] : field.write(name, values[name]),
  )
  return new Map(entries)
}

export type Outcome<Done> =
  | { readonly done: Done; readonly fieldErrors?: undefined }
  | { readonly fieldErrors: readonly FieldError[] }

/** What becomes of what a form holds. One response reports the faults that all of these find. */
export interface Submission<F extends Fields, Input, Done> {
  /**
   * The operation's input. The values of fields that could not be read are missing; faults that several fields have
   * together are collected.
   */
  prepare(values: Partial<ValuesOf<F>>, fieldErrors: FieldErrorCollector): Promise<Input> | Input
  /** Checks what of the input is there and changes nothing; only called for a form that has faults. */
  check(input: Input): Promise<unknown>
  act(input: Input): Promise<Done>
}

/** Does something with what a form holds, or returns every fault that preparing, checking or acting finds. */
export async function submit<F extends Fields, Input, Done>(
  fields: F,
  { form, files }: Sent,
  { prepare, check, act }: Submission<F, Input, Done>,
): Promise<Outcome<Done>> {
  const { values, fieldErrors: unread } = readFields(fields, form, files)
  const fieldErrors = new FieldErrorCollector(unread)
  const input = await prepare(values, fieldErrors)
  const further = new FieldErrorCollector()
  const isSound = fieldErrors.fieldErrors.length === 0
  const done = await further.collect(() => (isSound ? act(input) : check(input)))
  fieldErrors.addOfOtherFields(further.fieldErrors)
  return fieldErrors.fieldErrors.length > 0 ? { fieldErrors: fieldErrors.fieldErrors } : { done: done as Done }
}

/** The same for a form whose faults are found together, because it has one field, or rules for none of them. */
export const attempt = <F extends Fields, Done>(
  fields: F,
  sent: Sent,
  act: (values: ValuesOf<F>) => Promise<Done>,
): Promise<Outcome<Done>> =>
  submit(fields, sent, { prepare: (values) => values as ValuesOf<F>, check: async () => {}, act })

/** Which state of something a form was drawn from. @throws KeywrightError `invalid_input` */
export function revisionOf(form: Form): number {
  const text = form.get('revision') ?? ''
  if (!/^\d{1,9}$/.test(text)) throw invalidInput('the form has no revision; reload the page and try again')
  return Number(text)
}
