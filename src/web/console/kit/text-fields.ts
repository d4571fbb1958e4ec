import type { Form } from '../../forms.ts'
import type { Field, FieldText, Reading, Sent } from './form-fields.ts'

interface TextOptions extends FieldText {
  readonly maxLength?: number
  readonly placeholder?: string
  /** As in HTML; forms of the console are seldom about who fills them in. */
  readonly autocomplete?: string
  /** For what machines read: addresses, scopes. */
  readonly mono?: boolean
  /** BCP 47: of the text, which is then written in the direction of its own letters. */
  readonly language?: string
  /** Shown, but not changed here: the hint says why. */
  readonly readOnly?: boolean
  readonly inputMode?: 'text' | 'email' | 'url' | 'numeric' | 'decimal'
}

const EMPTY = 'this field is required'

const validated = (text: string, { required, maxLength = 2000 }: TextOptions): Reading<string> => {
  if (required && text === '') return { fieldError: EMPTY }
  if ([...text].length > maxLength) return { fieldError: `use at most ${maxLength} characters` }
  return { value: text }
}

const single = (name: string, form: Form): string => form.get(name) ?? ''

function input(type: string, options: TextOptions): Field<string> {
  return {
    ...options,
    kind: 'input',
    read: (name, { form }) => validated(single(name, form).trim(), options),
    write: (name, value) => [[name, value]],
    controls: (name, form) => ({ ...options, type, value: single(name, form) }),
    words: (name, form) => single(name, form),
  }
}

/** Without the spaces around it; empty where nothing was typed. */
export const textField = (options: TextOptions): Field<string> => input('text', options)

/** Not `type=email`: browsers change or refuse addresses with international domains and names. */
export const emailField = (options: TextOptions): Field<string> =>
  input('text', { autocomplete: 'off', inputMode: 'email', maxLength: 254, ...options })

/** A secret of another system, without the spaces around it. It is typed again after an error, because no page shows it. */
export function newSecretField(options: FieldText): Field<string> {
  const field = input('password', { mono: true, maxLength: 1000, ...options })
  return { ...field, controls: (name) => field.controls(name, new Map()), words: () => '' }
}

export const urlField = (options: TextOptions): Field<string> =>
  input('url', { mono: true, inputMode: 'url', ...options })

const linesIn = (name: string, form: Form): string[] =>
  single(name, form)
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '')

interface AreaOptions extends TextOptions {
  readonly rows?: number
}

/** Several, one on each line. */
export function linesField(options: AreaOptions): Field<readonly string[]> {
  return {
    ...options,
    kind: 'area',
    read(name, { form }) {
      const lines = linesIn(name, form)
      return options.required && lines.length === 0 ? { fieldError: EMPTY } : { value: lines }
    },
    write: (name, value) => [[name, value.join('\n')]],
    controls: (name, form) => ({ rows: 3, mono: true, ...options, value: single(name, form) }),
    words: (name, form) => linesIn(name, form).join('\n'),
  }
}

/** A text of several lines. */
export function areaField(options: AreaOptions): Field<string> {
  return {
    ...options,
    kind: 'area',
    read: (name, { form }) => validated(single(name, form).replaceAll('\r\n', '\n').trim(), options),
    write: (name, value) => [[name, value]],
    controls: (name, form) => ({ rows: 4, ...options, value: single(name, form) }),
    words: (name, form) => single(name, form),
  }
}

interface NumberOptions extends FieldText {
  /** What is counted: `requests`. */
  readonly unit?: string
}

/** A whole number; null where nothing was typed. */
export function numberField(options: NumberOptions): Field<number | null> {
  return {
    ...options,
    kind: 'input',
    read(name, { form }) {
      const text = single(name, form).trim()
      if (text === '') return options.required ? { fieldError: EMPTY } : { value: null }
      return /^\d{1,9}$/.test(text) ? { value: Number(text) } : { fieldError: 'enter a whole number' }
    },
    write: (name, value) => [[name, value === null ? '' : String(value)]],
    controls: (name, form) => ({
      ...options,
      type: 'text',
      inputMode: 'numeric',
      short: true,
      value: single(name, form),
    }),
    words: (name, form) => single(name, form),
  }
}

/** `#rrggbb`, in small letters. */
export function colourField(options: FieldText): Field<string> {
  return {
    ...options,
    kind: 'colour',
    read(name, { form }) {
      const text = single(name, form).trim().toLowerCase()
      return /^#[0-9a-f]{6}$/.test(text) ? { value: text } : { fieldError: 'enter a colour such as #1f5fbf' }
    },
    write: (name, value) => [[name, value]],
    controls: (name, form) => ({ value: single(name, form) }),
    words: (name, form) => single(name, form),
  }
}

interface FileOptions extends FieldText {
  /** Kinds that the browser offers to choose from: `image/png,image/svg+xml`. */
  readonly accept: string
}

/** The bytes; null where no file was chosen. A form cannot be drawn with a file in it, so that it is chosen again. */
export function fileField(options: FileOptions): Field<Buffer | null> {
  return {
    ...options,
    kind: 'file',
    takesFile: true,
    read(name, { files }: Sent) {
      const file = files.get(name) ?? null
      return options.required && !file ? { fieldError: 'choose a file' } : { value: file }
    },
    write: () => [],
    controls: () => ({ accept: options.accept }),
    words: () => '',
  }
}
