import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import type { Form } from '../../forms.ts'
import { sentence } from '../../to-sentence.ts'
import type { Field, Fields, FormError } from './form-fields.ts'

export interface Section<Name extends string = string> {
  readonly heading?: string
  readonly lead?: string
  readonly fields: readonly Name[]
  /** Parts below the fields, each with its heading. */
  readonly sections?: readonly Section<Name>[]
  /** Collapsed until the user opens it or one of its fields has an error. */
  readonly collapsed?: boolean
}

export interface FormOptions<F extends Fields> {
  readonly fields: F
  readonly action: string
  /** Label of the button. */
  readonly submit: string
  /** The input, or `writeFields` of the current values. */
  readonly typed?: Form
  readonly fieldErrors?: readonly FormError[]
  /** Absent: one, with all fields. */
  readonly sections?: readonly Section<Extract<keyof F, string>>[]
  /** Revision of the edited object. */
  readonly revision?: number
  readonly hidden?: Readonly<Record<string, string>>
  /** Target of *Cancel*; absent without one. */
  readonly cancel?: string
  /** Whether the button has a destructive style. */
  readonly danger?: boolean
  /** Heading of the error summary; by default that nothing was saved. */
  readonly errorHeading?: string
}

const idOf = (name: string): string => `field-${name}`

/** A message as views/console/fields/message.eta draws it: translated where it can be. */
const messageOf = ({ message, isTranslated = false }: FormError) => ({
  message,
  sentence: sentence(message),
  isTranslated,
})

/** The field of an error: `redirectUris.1` is about `redirectUris`. */
const fieldOf = ({ field }: FormError, fields: Fields): string | undefined =>
  [field, field.split(/[.[]/)[0]!].find((name) => Object.hasOwn(fields, name))

function describedBy(id: string, { hint }: Field<unknown>, fieldError: string | undefined): string | undefined {
  const ids = [hint && `${id}-hint`, fieldError && `${id}-error`].filter(Boolean)
  return ids.length > 0 ? ids.join(' ') : undefined
}

function drawField<F extends Fields>(options: FormOptions<F>, name: string) {
  const { fields, typed = new Map(), fieldErrors = [] } = options
  const field = fields[name]!
  const id = idOf(name)
  const errors = fieldErrors.filter((one) => fieldOf(one, fields) === name).map(messageOf)
  const fieldError = errors.length > 0 ? errors.map((one) => one.sentence).join(' ') : undefined
  const { kind, label, hint, required = false, onlyWith } = field
  const controls = field.controls(name, typed)
  return {
    name,
    id,
    kind,
    label,
    hint,
    required,
    onlyWith,
    fieldError,
    errors,
    describedBy: describedBy(id, field, fieldError),
    ...controls,
  }
}

interface DrawnSection extends Omit<Section, 'fields' | 'sections'> {
  readonly fields: ReturnType<typeof drawField>[]
  readonly sections: readonly DrawnSection[]
  readonly open: boolean
}

function drawSection<F extends Fields>(options: FormOptions<F>, section: Section): DrawnSection {
  const fields = section.fields.map((name) => drawField(options, name))
  const sections = (section.sections ?? []).map((part) => drawSection(options, part))
  const open = fields.some(({ fieldError }) => fieldError !== undefined) || sections.some((part) => part.open)
  return { ...section, fields, sections, open }
}

/** Each error with a link to its field; an error of no field has no link. */
function summaryOf<F extends Fields>({ fields, fieldErrors = [] }: FormOptions<F>) {
  return fieldErrors.map((fieldError) => {
    const name = fieldOf(fieldError, fields)
    const error = messageOf(fieldError)
    return name === undefined ? { error } : { href: `#${idOf(name)}`, label: fields[name]!.label, error }
  })
}

export type FormView = ReturnType<typeof formView>

/** A form as views/console/parts/form.eta draws it. */
export function formView<F extends Fields>(options: FormOptions<F>) {
  const { fields, action, submit, revision, hidden = {}, cancel, danger = false, errorHeading } = options
  const sections: readonly Section[] = options.sections ?? [{ fields: Object.keys(fields) }]
  const all = Object.values(fields)
  return {
    action,
    submit,
    cancel,
    danger,
    errorHeading,
    multipart: all.some(({ takesFile }) => takesFile),
    needed: all.some(({ required }) => required),
    hidden: Object.entries({ ...hidden, ...(revision !== undefined && { revision: String(revision) }) }),
    sections: sections.map((section) => drawSection(options, section)),
    summary: summaryOf(options),
  }
}

/** The fields in which two versions of an object differ. Drawn by views/console/parts/versions.eta. */
export function compareVersions(t: ConsoleTranslate, fields: Fields, yours: Form, theirs: Form) {
  return Object.entries(fields)
    .map(([name, field]) => ({
      label: field.label,
      yours: field.words(name, yours, t),
      theirs: field.words(name, theirs, t),
    }))
    .filter((row) => row.yours !== row.theirs)
}
