import { type FieldError, invalidFields, KeywrightError } from './errors.ts'

/** What the caller may not do at all is not about the input; a value that they may not change is. */
const isAboutInput = ({ code, fieldErrors }: KeywrightError): boolean =>
  code === 'invalid_input' || code === 'conflict' || (code === 'forbidden' && fieldErrors.length > 0)

/** What is wrong with the input that an error is about. @throws the error itself, when it is about something else */
export function fieldErrorsOf(error: unknown): readonly FieldError[] {
  if (!(error instanceof KeywrightError) || !isAboutInput(error)) throw error
  return error.fieldErrors.length > 0 ? error.fieldErrors : [{ field: '', message: error.message }]
}

/** Collects what independent checks find, so that the caller reads every fault in one response. */
export class FieldErrorCollector {
  readonly #fieldErrors: FieldError[]
  readonly #errors: unknown[] = []

  constructor(fieldErrors: readonly FieldError[] = []) {
    this.#fieldErrors = [...fieldErrors]
  }

  /** Those found so far. */
  get fieldErrors(): readonly FieldError[] {
    return this.#fieldErrors
  }

  add(field: string, message: string): void {
    this.#fieldErrors.push({ field, message })
  }

  /** Adds faults of fields that have none yet: of a field that cannot be read, nothing more can be said. */
  addOfOtherFields(fieldErrors: readonly FieldError[]): void {
    const known = new Set(this.#fieldErrors.map(({ field }) => field))
    this.#fieldErrors.push(...fieldErrors.filter(({ field }) => !known.has(field)))
  }

  /** The check's result; undefined where it found faults. */
  async collect<Value>(check: () => Value | Promise<Value>): Promise<Value | undefined> {
    try {
      return await check()
    } catch (error) {
      this.#fieldErrors.push(...fieldErrorsOf(error))
      this.#errors.push(error)
      return undefined
    }
  }

  /** @throws KeywrightError the one error that was found, or `invalid_input` with every fault */
  throwFieldErrors(): void {
    if (this.#fieldErrors.length === 0) return
    const [error, ...others] = this.#errors
    const isOnly =
      error !== undefined && others.length === 0 && fieldErrorsOf(error).length === this.#fieldErrors.length
    throw isOnly ? error : invalidFields(this.#fieldErrors)
  }
}
