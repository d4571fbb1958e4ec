import type { Field, InvalidField } from './form-fields.ts'

/** The same field with another value type. */
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

/** The same field with an additional validation, whose message is written for users. */
export function validated<Value>(
  field: Field<Value>,
  validate: (value: Value) => string | InvalidField | undefined,
): Field<Value> {
  return {
    ...field,
    read(name, sent) {
      const reading = field.read(name, sent)
      if ('fieldError' in reading) return reading
      const fieldError = validate(reading.value)
      if (fieldError === undefined) return reading
      return typeof fieldError === 'string' ? { fieldError } : fieldError
    },
  }
}

/** The inverse checkbox. */
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
