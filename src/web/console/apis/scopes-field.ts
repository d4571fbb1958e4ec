import { apiScopesError } from '../../../apis/scopes.ts'
import type { NamedScope } from '../../../management/api-operations.ts'
import { textError } from '../../../shared/names.ts'
import type { Form } from '../../forms.ts'
import type { Field, FieldText, Reading } from '../kit/form-fields.ts'

/** The button that asks for more rows: such a form is only drawn again. */
export const MORE_ROWS = 'more'

const ROWS_AT_FIRST = 3
const ROWS_MORE = 3

/** The domain says the same of texts that come another way. */
const LONGEST = { scope: 100, title: 100, description: 500 } as const

/** A scope as its row has it. */
interface Row {
  readonly n: number
  readonly scope: string
  readonly title: string
  readonly description: string
  /** An existing scope: its name is fixed, and only the checkbox removes it. */
  readonly isKnown: boolean
  readonly isRemoved: boolean
}

function rowAt(name: string, form: Form, n: number): Row {
  const text = (part: string) => (form.get(`${name}.${n}.${part}`) ?? '').trim()
  const has = (part: string) => form.has(`${name}.${n}.${part}`)
  const [scope, title, description] = [text('scope'), text('title'), text('description')]
  return { n, scope, title, description, isKnown: has('known'), isRemoved: has('remove') }
}

/** As many as were drawn: a browser sends the empty ones too. */
function rowsIn(name: string, form: Form): Row[] {
  const ofField = [...form.keys()].filter((key) => key.startsWith(`${name}.`)).map((key) => key.slice(name.length))
  const numbers = ofField.flatMap((key) => /^\.(\d{1,3})\.scope$/.exec(key)?.[1] ?? []).map(Number)
  return numbers.sort((one, other) => one - other).map((n) => rowAt(name, form, n))
}

const isBlank = ({ scope, title, description }: Row): boolean => `${scope}${title}${description}` === ''

function fieldErrorOf({ n, scope, title, description }: Row): string | undefined {
  if (scope === '') return `row ${n + 1} has no scope name`
  if (scope.length > LONGEST.scope) return `use at most ${LONGEST.scope} characters for a scope name`
  if ([...title].length > LONGEST.title) return `use at most ${LONGEST.title} characters for the title of ${scope}`
  const wrong = textError(`the title of ${scope}`, title) ?? textError(`the description of ${scope}`, description)
  if (wrong) return wrong
  if ([...description].length <= LONGEST.description) return undefined
  return `use at most ${LONGEST.description} characters for the description of ${scope}`
}

function read(name: string, form: Form): Reading<readonly NamedScope[]> {
  const rows = rowsIn(name, form).filter((row) => !isBlank(row) && !row.isRemoved)
  if (rows.length === 0) return { fieldError: 'add at least one scope' }
  const named = rows.flatMap(({ scope }) => (scope === '' || scope.length > LONGEST.scope ? [] : [scope]))
  const rules = named.length > 0 ? apiScopesError(named) : undefined
  const fieldErrors = [...rows.flatMap((row) => fieldErrorOf(row) ?? []), ...(rules ? [rules] : [])]
  if (fieldErrors.length > 0) return { fieldError: fieldErrors.join('; ') }
  return { value: rows.map(({ scope, title, description }) => ({ scope, title: title || scope, description })) }
}

/** Each known one keeps its row; its title is left out where it is only its name. */
const write = (name: string, scopes: readonly NamedScope[]): [string, string][] =>
  scopes.flatMap(({ scope, title, description }, n): [string, string][] => [
    [`${name}.${n}.scope`, scope],
    [`${name}.${n}.title`, title === scope ? '' : title],
    [`${name}.${n}.description`, description],
    [`${name}.${n}.known`, 'on'],
  ])

const blank = (n: number): Row => ({ n, scope: '', title: '', description: '', isKnown: false, isRemoved: false })

/** With room for some more. */
function drawnRows(name: string, form: Form): Row[] {
  const rows = rowsIn(name, form)
  const used = (rows.findLast((row) => !isBlank(row))?.n ?? -1) + 1
  const wanted = form.has(MORE_ROWS) ? rows.length + ROWS_MORE : Math.max(rows.length, used + 1, ROWS_AT_FIRST)
  return Array.from({ length: Math.min(wanted, 999) }, (_, n) => rows.find((row) => row.n === n) ?? blank(n))
}

const wordsOf = ({ scope, title, description }: Row): string =>
  [scope, title === scope ? '' : title, description].filter(Boolean).join(' · ')

/** An API's scopes, each with what users read of it, in the order of the rows. */
export const scopesField = (options: FieldText): Field<readonly NamedScope[]> => ({
  ...options,
  kind: 'api-scopes',
  read: (name, { form }) => read(name, form),
  write,
  controls: (name, form) => ({ rows: drawnRows(name, form), longest: LONGEST, more: MORE_ROWS }),
  words: (name, form) =>
    rowsIn(name, form)
      .filter((row) => !isBlank(row) && !row.isRemoved)
      .map(wordsOf)
      .join('\n'),
})
