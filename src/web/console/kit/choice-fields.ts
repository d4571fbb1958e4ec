import type { Form } from '../../forms.ts'
import { COUNTS } from './counts.ts'
import type { Field, FieldText } from './form-fields.ts'

export interface Choice<Value extends string> {
  readonly value: Value
  readonly label: string
  /** A sentence on what it means; not of `selectField`. */
  readonly hint?: string
}

interface ChoiceOptions<Value extends string> extends FieldText {
  readonly choices: readonly Choice<Value>[]
}

function single<Value extends string>(kind: string, options: ChoiceOptions<Value>): Field<Value> {
  const find = (name: string, form: Form) => options.choices.find(({ value }) => value === form.get(name))
  return {
    ...options,
    kind,
    read(name, { form }) {
      const choice = find(name, form)
      return choice ? { value: choice.value } : { fieldError: 'choose an option' }
    },
    write: (name, value) => [[name, value]],
    controls: (name, form) => ({
      choices: options.choices.map((choice) => ({ ...choice, name, chosen: choice.value === form.get(name) })),
    }),
    words: (name, form) => find(name, form)?.label ?? '',
  }
}

/** One of many. A choice with the value '' stands for none. */
export const selectField = <const Value extends string>(options: ChoiceOptions<Value>): Field<Value> =>
  single('select', options)

/** One of few, each with a sentence. */
export const radioField = <const Value extends string>(options: ChoiceOptions<Value>): Field<Value> =>
  single('choices', { ...options })

/** Yes or no. `label` is what yes means. */
export function checkboxField(options: FieldText): Field<boolean> {
  return {
    ...options,
    kind: 'checkbox',
    read(name, { form }) {
      const checked = form.has(name)
      return options.required && !checked ? { fieldError: 'select this checkbox' } : { value: checked }
    },
    write: (name, value) => (value ? [[name, 'on']] : []),
    controls: (name, form) => ({ checked: form.has(name) }),
    words: (name, form, t) => (form.has(name) ? t('Yes') : t('No')),
  }
}

/** Any of several. Each box has a name of its own, because a form names nothing twice. */
export function checkboxesField<const Value extends string>(options: ChoiceOptions<Value>): Field<readonly Value[]> {
  const chosen = (name: string, form: Form) => options.choices.filter(({ value }) => form.has(`${name}.${value}`))
  return {
    ...options,
    kind: 'choices',
    read(name, { form }) {
      const values = chosen(name, form).map(({ value }) => value)
      return options.required && values.length === 0 ? { fieldError: 'choose at least one option' } : { value: values }
    },
    write: (name, values) => values.map((value) => [`${name}.${value}`, 'on'] as const),
    controls: (name, form) => ({
      several: true,
      choices: options.choices.map((choice) => ({
        ...choice,
        name: `${name}.${choice.value}`,
        value: 'on',
        chosen: form.has(`${name}.${choice.value}`),
      })),
    }),
    words: (name, form) =>
      chosen(name, form)
        .map(({ label }) => label)
        .join('\n'),
  }
}

/** Choices below a heading. */
export interface ChoiceGroup {
  readonly heading: string
  readonly choices: readonly Choice<string>[]
}

interface GroupedOptions extends FieldText {
  readonly groups: readonly ChoiceGroup[]
  /** What a choice is. */
  readonly item: 'event' | 'scope'
}

/** Any of many, below headings that open; drawn by views/console/fields/grouped-choices.eta. */
export function groupedCheckboxesField({ groups, item, ...text }: GroupedOptions): Field<readonly string[]> {
  const field = checkboxesField({ ...text, choices: groups.flatMap(({ choices }) => choices) })
  return {
    ...field,
    kind: 'grouped-choices',
    controls(name, form) {
      const { choices: drawn } = field.controls(name, form) as { choices: { readonly chosen: boolean }[] }
      const ends = groups.map((_, n) => groups.slice(0, n + 1).reduce((sum, { choices }) => sum + choices.length, 0))
      const numbered = drawn.map((choice, number) => ({ ...choice, number }))
      const parts = groups.map(({ heading }, n) => ({ heading, choices: numbered.slice(ends[n - 1] ?? 0, ends[n]) }))
      return {
        groups: parts.map((part) => ({
          ...part,
          counted: COUNTS[item],
          isOpen: part.choices.some(({ chosen }) => chosen),
        })),
      }
    },
  }
}
