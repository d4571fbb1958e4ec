import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import { type FieldError, invalidInput } from '../../../shared/errors.ts'
import { FieldErrorCollector } from '../../../shared/field-error-collector.ts'
import type { Files, Form } from '../../forms.ts'

/** The value of a field, or its validation error. */
export type Reading<Value> = { readonly value: Value } | InvalidField

export interface InvalidField {
  /** English, or in the language of the page. */
  readonly fieldError: string
  /** Whether the message is in the language of the page. */
  readonly isTranslated?: boolean
}

/** An error of a field as its form shows it. */
export interface FormError extends FieldError {
  readonly isTranslated?: boolean
}

/** Label and hint of a field. */
export interface FieldText {
  readonly label: string
  readonly hint?: string
  /** Marked with an asterisk and rejected when empty. */
  readonly required?: boolean
}

export interface Sent {
  readonly form: Form
  readonly files: Files
}

/**
 * A form field: how it is drawn, read and described. Its name is that of the domain
 * (`redirectUris`), so that errors of the domain match it. A field with several controls sends `name.part`.
 */
export interface Field<Value> extends FieldText {
  /** The template below views/console/fields that draws its controls. */
  readonly kind: string
  /** Whether one of its controls is a file, so that its form is multipart. */
  readonly takesFile?: boolean
  /** The authentication method with which it is shown, where a form has the field `authMethod` (forms.css). Absent: always. */
  readonly onlyWith?: string
  read(name: string, sent: Sent): Reading<Value>
  /** A value as its controls would send it. */
  write(name: string, value: Value): readonly (readonly [string, string])[]
  /** Template data besides name, id and error. */
  controls(name: string, form: Form): object
  /** The input as text, for a comparison. */
  words(name: string, form: Form, t: ConsoleTranslate): string
}

export type Fields = Readonly<Record<string, Field<unknown>>>

export type ValuesOf<F extends Fields> = {
  readonly [Name in keyof F]: F[Name] extends Field<infer Value> ? Value : never
}

const NONE: Sent = { form: new Map(), files: new Map() }

/** Reads all fields. The values are complete only without errors. */
export function readFields<F extends Fields>(
  fields: F,
  form: Form,
  files: Files = NONE.files,
): { values: ValuesOf<F>; fieldErrors: readonly FormError[] } {
  const readings = Object.entries(fields).map(([name, field]) => [name, field.read(name, { form, files })] as const)
  const values = readings.flatMap(([name, reading]) => ('value' in reading ? [[name, reading.value]] : []))
  const fieldErrors = readings.flatMap(([field, reading]) =>
    'fieldError' in reading ? [{ field, message: reading.fieldError, isTranslated: reading.isTranslated }] : [],
  )
  return { values: Object.fromEntries(values) as ValuesOf<F>, fieldErrors }
}

/** The form data for these values; other fields are empty. */
export function writeFields<F extends Fields>(fields: F, values: Partial<ValuesOf<F>>): Form {
  const entries = Object.entries(fields).flatMap(([name, field]) =>
    values[name] === undefined ? [] : field.write(name, values[name]),
  )
  return new Map(entries)
}

export type Outcome<Done> =
  | { readonly done: Done; readonly fieldErrors?: undefined }
  | { readonly fieldErrors: readonly FieldError[] }

/** How a form is processed. One response reports the errors of all steps. */
export interface Submission<F extends Fields, Input, Done> {
  /**
   * The input of the operation. Values of invalid fields are missing. Errors across fields
   * are collected.
   */
  prepare(values: Partial<ValuesOf<F>>, fieldErrors: FieldErrorCollector): Promise<Input> | Input
  /** Validates the available input without changes. Called only for a form with errors. */
  check(input: Input): Promise<unknown>
  execute(input: Input): Promise<Done>
}

/** Executes the operation, or returns all errors of `prepare`, `check` and `execute`. */
export async function submit<F extends Fields, Input, Done>(
  fields: F,
  { form, files }: Sent,
  { prepare, check, execute }: Submission<F, Input, Done>,
): Promise<Outcome<Done>> {
  const { values, fieldErrors: unread } = readFields(fields, form, files)
  const fieldErrors = new FieldErrorCollector(unread)
  const input = await prepare(values, fieldErrors)
  const further = new FieldErrorCollector()
  const isSound = fieldErrors.fieldErrors.length === 0
  const done = await further.collect(() => (isSound ? execute(input) : check(input)))
  fieldErrors.addOfOtherFields(further.fieldErrors)
  return fieldErrors.fieldErrors.length > 0 ? { fieldErrors: fieldErrors.fieldErrors } : { done: done as Done }
}

/** `submit` for a form without cross-field checks. */
export const attempt = <F extends Fields, Done>(
  fields: F,
  sent: Sent,
  execute: (values: ValuesOf<F>) => Promise<Done>,
): Promise<Outcome<Done>> =>
  submit(fields, sent, { prepare: (values) => values as ValuesOf<F>, check: async () => {}, execute })

/** The revision of the object that the form was drawn from. @throws KeywrightError `invalid_input` */
export function revisionOf(form: Form): number {
  const text = form.get('revision') ?? ''
  if (!/^\d{1,9}$/.test(text)) throw invalidInput('the form has no revision; reload the page and try again')
  return Number(text)
}
