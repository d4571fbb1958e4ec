import type { ConsoleText } from '../../../languages/console/console-text.ts'
import type { RateLimit } from '../../../shared/rate-limit-format.ts'
import type { Form } from '../../forms.ts'
import type { Field, FieldText } from './form-fields.ts'

/** Seconds by their name, the largest last. */
export type Units = Readonly<Record<string, number>>

const DURATIONS = {
  seconds: 1,
  minutes: 60,
  hours: 3600,
  days: 86_400,
} as const satisfies Partial<Record<ConsoleText, number>>
const PERIODS = {
  'per second': 1,
  'per minute': 60,
  'per hour': 3600,
} as const satisfies Partial<Record<ConsoleText, number>>

interface AmountOptions extends FieldText {
  /** The unit that is offered before anything was said. */
  readonly unit?: string
  /** What an empty one means: `the API's`. */
  readonly placeholder?: string
}

interface Amount {
  readonly count: number
  readonly unit: number
}

const unitName = (name: string): string => `${name}.unit`

/** Undefined: nothing was typed. Null: no amount. */
function amountIn(name: string, form: Form, units: Units): Amount | null | undefined {
  const text = (form.get(name) ?? '').trim().replace(',', '.')
  if (text === '') return undefined
  const unit = form.get(unitName(name)) ?? ''
  if (!/^\d{1,9}(\.\d{1,3})?$/.test(text) || !Object.hasOwn(units, unit)) return null
  return { count: Number(text), unit: units[unit]! }
}

function amount<Value>(
  units: Units,
  options: AmountOptions & { unit: string },
  toValue: (amount: Amount) => Value | undefined,
  fromValue: (value: Value) => Amount,
  fieldError: string,
): Field<Value | null> {
  const nameOf = (unit: number) => Object.keys(units).find((name) => units[name] === unit)!
  return {
    ...options,
    kind: 'amount',
    read(name, { form }) {
      const found = amountIn(name, form, units)
      if (found === undefined) return options.required ? { fieldError: 'this field is required' } : { value: null }
      const value = found && toValue(found)
      return value === null || value === undefined ? { fieldError } : { value }
    },
    write(name, value) {
      if (value === null) return []
      const { count, unit } = fromValue(value)
      return [
        [name, String(count)],
        [unitName(name), nameOf(unit)],
      ]
    },
    controls: (name, form) => ({
      value: form.get(name) ?? '',
      placeholder: options.placeholder,
      unitName: unitName(name),
      units: Object.keys(units).map((unit) => ({
        unit,
        chosen: unit === (form.get(unitName(name)) ?? options.unit),
      })),
    }),
    words(name, form, t) {
      const count = (form.get(name) ?? '').trim()
      return count ? `${count} ${t.declared(form.get(unitName(name)) ?? '')}` : (options.placeholder ?? '')
    },
  }
}

function largestUnit(seconds: number): Amount {
  const [, unit] = Object.entries(DURATIONS).findLast(([, size]) => seconds % size === 0)!
  return { count: seconds / unit, unit }
}

/** Seconds; null where nothing was typed. Whether that is too much or too little, the domain knows. */
export const durationField = (options: AmountOptions): Field<number | null> =>
  amount(
    DURATIONS,
    { unit: 'hours', ...options },
    ({ count, unit }) => (Number.isInteger(count * unit) ? count * unit : undefined),
    largestUnit,
    'enter a number, such as 90 or 1.5',
  )

/** So many in a time; null where nothing was typed. */
export const rateField = (options: AmountOptions): Field<RateLimit | null> =>
  amount(
    PERIODS,
    { unit: 'per minute', ...options },
    ({ count, unit }) => (Number.isInteger(count) && count > 0 ? { count, period: unit } : undefined),
    ({ count, period }) => ({ count, unit: period }),
    'enter a whole number of at least 1',
  )
