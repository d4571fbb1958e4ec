import { type Fault, invalidFields, KeywrightError } from './errors.ts'

/** What is wrong with the input that an error is about. @throws the error itself, when it is about something else */
export function faultsOf(error: unknown): readonly Fault[] {
  if (!(error instanceof KeywrightError) || !['invalid_input', 'conflict'].includes(error.code)) throw error
  return error.faults.length > 0 ? error.faults : [{ field: '', message: error.message }]
}

/** Collects what independent checks find, so that the caller reads every fault in one response. */
export class FaultCollector {
  readonly #faults: Fault[]
  readonly #errors: unknown[] = []

  constructor(faults: readonly Fault[] = []) {
    this.#faults = [...faults]
  }

  /** Those found so far. */
  get faults(): readonly Fault[] {
    return this.#faults
  }

  add(field: string, message: string): void {
    this.#faults.push({ field, message })
  }

  /** Adds faults of fields that have none yet: of a field that cannot be read, nothing more can be said. */
  addOfOtherFields(faults: readonly Fault[]): void {
    const known = new Set(this.#faults.map(({ field }) => field))
    this.#faults.push(...faults.filter(({ field }) => !known.has(field)))
  }

  /** The check's result; undefined where it found faults. */
  async collect<Value>(check: () => Value | Promise<Value>): Promise<Value | undefined> {
    try {
      return await check()
    } catch (error) {
      this.#faults.push(...faultsOf(error))
      this.#errors.push(error)
      return undefined
    }
  }

  /** @throws KeywrightError the one error that was found, or `invalid_input` with every fault */
  throwFaults(): void {
    if (this.#faults.length === 0) return
    const [error, ...others] = this.#errors
    const isOnly = error !== undefined && others.length === 0 && faultsOf(error).length === this.#faults.length
    throw isOnly ? error : invalidFields(this.#faults)
  }
}
