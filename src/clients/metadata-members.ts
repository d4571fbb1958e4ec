import type { FieldError } from '../shared/errors.ts'

export type Json = Readonly<Record<string, unknown>>

/** Reads members of client metadata, and collects what is wrong with them. */
export class Members {
  readonly errors: FieldError[] = []
  readonly #json: Json

  constructor(json: Json) {
    this.#json = json
  }

  refuse(field: string, message: string): void {
    this.errors.push({ field, message })
  }

  /** Null counts as absent. */
  has(name: string): boolean {
    return Object.hasOwn(this.#json, name) && this.#json[name] !== null
  }

  text(name: string, most = 2000): string | undefined {
    const value = this.has(name) ? this.#json[name] : undefined
    if (value === undefined) return undefined
    if (typeof value === 'string' && value.length <= most && value.isWellFormed() && !value.includes('\0')) return value
    this.refuse(name, `${name} must be a text of at most ${most} characters`)
    return undefined
  }

  texts(name: string): string[] | undefined {
    const value = this.has(name) ? this.#json[name] : undefined
    if (value === undefined) return undefined
    const isList = Array.isArray(value) && value.length <= 100
    if (isList && value.every((one) => typeof one === 'string' && one.isWellFormed() && !one.includes('\0')))
      return [...new Set<string>(value)]
    this.refuse(name, `${name} must be a list of at most 100 texts`)
    return undefined
  }

  /** False: absent. */
  isTrue(name: string): boolean {
    const value = this.has(name) ? this.#json[name] : false
    if (typeof value !== 'boolean') this.refuse(name, `${name} must be true or false`)
    return value === true
  }

  object(name: string): object | undefined {
    const value = this.has(name) ? this.#json[name] : undefined
    if (value === undefined) return undefined
    if (typeof value === 'object' && !Array.isArray(value)) return value!
    this.refuse(name, `${name} must be an object`)
    return undefined
  }
}
