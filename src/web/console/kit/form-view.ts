import type { FieldError } from '../../../shared/errors.ts'
import type { Form } from '../../forms.ts'
import { sentence } from '../../to-sentence.ts'
import type { Field, Fields } from './form-fields.ts'

export interface Section<Name extends string = string> {
  readonly heading?: string
  readonly lead?: string
  readonly fields: readonly Name[]
  /** Closed until somebody opens it, or one of its fields is wrong. */
  readonly folded?: boolean
}

export interface FormOptions<F extends Fields> {
  readonly fields: F
  readonly action: string
  /** What the button says. */
  readonly submit: string
  /** What was typed, or `writeFields` of what is so now. */
  readonly typed?: Form
  readonly fieldErrors?: readonly FieldError[]
  /** Absent: one, with all fields. */
  readonly sections?: readonly Section<Extract<keyof F, string>>[]
  /** Of what is edited. */
  readonly revision?: number
  readonly hidden?: Readonly<Record<string, string>>
  /** Where *Cancel* leads; absent: there is none. */
  readonly cancel?: string
  /** The button destroys. */
  readonly danger?: boolean
  /** What is said above faults; absent: that nothing was saved yet. */
  readonly refusal?: string
}

const idOf = (name: string): string => `field-${name}`

/** The field that a fault is about: `redirectUris.1` is about `redirectUris`. */
const fieldOf = ({ field }: FieldError, fields: Fields): string | undefined =>
  [field, field.split(/[.[]/)[0]!].find((name) => Object.hasOwn(fields, name))

function describedBy(id: string, { hint }: Field<unknown>, fieldError: string | undefined): string | undefined {
  const ids = [hint && `${id}-hint`, fieldError && `${id}-error`].filter(Boolean)
  return ids.length > 0 ? ids.join(' ') : undefined
}

function drawField<F extends Fields>(options: FormOptions<F>, name: string) {
  const { fields, typed = new Map(), fieldErrors = [] } = options
  const field = fields[name]!
  const id = idOf(name)
  const messages = fieldErrors
    .filter((fieldError) => fieldOf(fieldError, fields) === name)
    .map(({ message }) => sentence(message))
  const fieldError = messages.length > 0 ? messages.join(' ') : undefined
  const { kind, label, hint, required = false } = field
  const controls = field.controls(name, typed)
  return {
    name,
    id,
    kind,
    label,
    hint,
    required,
    fieldError,
    describedBy: describedBy(id, field, fieldError),
    ...controls,
  }
}

function drawSection<F extends Fields>(options: FormOptions<F>, section: Section) {
  const fields = section.fields.map((name) => drawField(options, name))
  return { ...section, fields, open: fields.some(({ fieldError }) => fieldError !== undefined) }
}

/** Each fault with a way to where it can be mended; what is about no field of this form, without one. */
function summaryOf<F extends Fields>({ fields, fieldErrors = [] }: FormOptions<F>) {
  return fieldErrors.map((fieldError) => {
    const name = fieldOf(fieldError, fields)
    const text = sentence(fieldError.message)
    return name === undefined ? { text } : { href: `#${idOf(name)}`, label: fields[name]!.label, text }
  })
}

export type FormView = ReturnType<typeof formView>

/** A form as views/console/parts/form.eta draws it. */
export function formView<F extends Fields>(options: FormOptions<F>) {
  const { fields, action, submit, revision, hidden = {}, cancel, danger = false, refusal } = options
  const sections: readonly Section[] = options.sections ?? [{ fields: Object.keys(fields) }]
  const all = Object.values(fields)
  return {
    action,
    submit,
    cancel,
    danger,
    refusal: refusal ?? 'Your changes were not saved',
    multipart: all.some(({ kind }) => kind === 'file'),
    needed: all.some(({ required }) => required),
    hidden: Object.entries({ ...hidden, ...(revision !== undefined && { revision: String(revision) }) }),
    sections: sections.map((section) => drawSection(options, section)),
    summary: summaryOf(options),
  }
}

/** What two people made of the same thing, field by field, where they differ. Drawn by views/console/parts/versions.eta. */
export function compareVersions(fields: Fields, yours: Form, theirs: Form) {
  return Object.entries(fields)
    .map(([name, field]) => ({
      label: field.label,
      yours: field.words(name, yours),
      theirs: field.words(name, theirs),
    }))
    .filter((row) => row.yours !== row.theirs)
}
