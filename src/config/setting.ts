/** Errors in the text of a setting. Each ends a sentence that begins with the setting's name. */
export class SettingError extends Error {
  readonly problems: readonly string[]

  constructor(...problems: string[]) {
    super(problems.join('; '))
    this.problems = problems
  }
}

/** One setting: how its text is parsed, and its documentation. */
export interface Setting<T = unknown> {
  /** Parses a text that is not empty. Without zod, which takes longer to load than a command to run. @throws SettingError */
  readonly parse: (text: string) => T
  readonly default?: string
  readonly unit?: string
  readonly secret?: true
  readonly doc: string
}

/** A setting that always has a value. */
interface SettingWithDefault<T> extends Setting<T> {
  readonly default: string
}

/** The type of a setting's value. */
export type ValueOf<S> = S extends SettingWithDefault<infer T> ? T : S extends Setting<infer T> ? T | undefined : never

export const text = (value: string): string => value

export const wholeNumber =
  (min: number, max: number) =>
  (value: string): number => {
    if (!/^\d+$/.test(value)) throw new SettingError('must be a whole number')
    if (Number(value) < min || Number(value) > max) throw new SettingError(`must be from ${min} to ${max}`)
    return Number(value)
  }

export const oneOf =
  <T extends string>(...options: readonly T[]) =>
  (value: string): T => {
    const found = options.find((option) => option === value)
    if (found === undefined) throw new SettingError(`must be ${options.join(' or ')}`)
    return found
  }

export const onOff = (value: string): boolean => oneOf('on', 'off')(value) === 'on'

export function setting<T>(definition: SettingWithDefault<T>): SettingWithDefault<T>
export function setting<T>(definition: Setting<T>): Setting<T>
export function setting<T>(definition: Setting<T>): Setting<T> {
  return definition
}
