/** The environments of named key pairs. */
export const ENVIRONMENTS = ['live', 'test'] as const

export type Environment = (typeof ENVIRONMENTS)[number]

/** A prefix with the environment behind it, such as `kws_test_`. */
export const withEnvironment = (prefix: string, environment: Environment | null): string =>
  environment === null ? prefix : `${prefix}${environment}_`
