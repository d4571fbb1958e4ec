import type { Field } from './form-fields.ts'

/** The same controls for another value. */
export function mapped<Sent, Value>(
  field: Field<Sent>,
  toValue: (sent: Sent) => Value,
  fromValue: (value: Value) => Sent,
): Field<Value> {
  return {
    ...field,
    read(name, sent) {
      const reading = field.read(name, sent)
      return 'fieldError' in reading ? reading : { value: toValue(reading.value) }
    },
    write: (name, value) => field.write(name, fromValue(value)),
  }
}

/** The same, with what speaks against a value told at once and in people's words. */
export function judged<Value>(field: Field<Value>, judge: (value: Value) => string | undefined): Field<Value> {
  return {
    ...field,
    read(name, sent) {
      const reading = field.read(name, sent)
      if ('fieldError' in reading) return reading
      const fieldError = judge(reading.value)
      return fieldError === undefined ? reading : { fieldError }
    },
  }
}

/** What is ticked means no. */
export const negated = (field: Field<boolean>): Field<boolean> =>
  mapped(
    field,
    (sent) => !sent,
    (value) => !value,
  )

/** Nothing typed, or the choice with the value '', means null. */
export const nullable = <Value extends string>(field: Field<Value | ''>): Field<Value | null> =>
  mapped(
    field,
    (sent) => (sent === '' ? null : (sent as Value)),
    (value) => value ?? '',
  )
