import type { RefusalReason } from './refusal-reasons.ts'

/** Stable error codes. Each interface maps a code to the error response of its protocol. */
export type ErrorCode =
  | 'invalid_input'
  | 'not_found'
  | 'conflict'
  | 'stale'
  | 'forbidden'
  /** RFC 9470: the person signs in again first. */
  | 'insufficient_user_authentication'
  | 'unavailable'
  | 'rate_limited'
  | 'invalid_client'
  | 'invalid_grant'
  | 'invalid_scope'
  | 'invalid_target'
  | 'misconfigured'

/** What is wrong with one field of what was sent. */
export interface FieldError {
  /** By its name inside: `redirectUris`. */
  readonly field: string
  /** Begins small and ends without a stop, like every message. */
  readonly message: string
}

/** `message` may be shown to the caller; what is private stays in `cause`. */
export class KeywrightError extends Error {
  readonly code: ErrorCode
  /** Of `invalid_input`, where it can be said at which fields. */
  readonly fieldErrors: readonly FieldError[]
  /** Why a request is refused, where it is known finer than by the code. */
  readonly reason: RefusalReason | undefined

  constructor(
    code: ErrorCode,
    message: string,
    options?: ErrorOptions & { fieldErrors?: readonly FieldError[]; reason?: RefusalReason },
  ) {
    super(message, options)
    this.name = 'KeywrightError'
    this.code = code
    this.fieldErrors = options?.fieldErrors ?? []
    this.reason = options?.reason
  }
}

/** The credentials are right, but the client may not be used from the network of the request. */
export class ForbiddenNetworkError extends KeywrightError {
  constructor() {
    super('invalid_client', 'the client may not request tokens from this network', { reason: 'network_not_allowed' })
  }
}

/** Refused for being too fast; `retryAfter` in seconds, at least 1. */
export class RateLimitedError extends KeywrightError {
  readonly retryAfter: number

  constructor(retryAfter: number) {
    super('rate_limited', `too many requests; try again in ${retryAfter} s`)
    this.retryAfter = retryAfter
  }
}

export const notFound = (what: string, id: string) => new KeywrightError('not_found', `there is no ${what} ${id}`)

/** @param field by its name inside, where the fault is one field's */
export const invalidInput = (message: string, field?: string) =>
  new KeywrightError('invalid_input', message, { fieldErrors: field ? [{ field, message }] : [] })

/** Of one field, so many faults are reported: a form can hold thousands of lines, all of them wrong. */
const MAX_OF_FIELD = 3

function fewOfEachField(fieldErrors: readonly FieldError[]): FieldError[] {
  const seen = new Map<string, number>()
  return fieldErrors.filter(({ field }) => {
    const count = (seen.get(field) ?? 0) + 1
    seen.set(field, count)
    return count <= MAX_OF_FIELD
  })
}

/** Everything that is wrong, at most a few faults of each field. */
export function invalidFields(all: readonly FieldError[]): KeywrightError {
  const fieldErrors = fewOfEachField(all)
  return new KeywrightError('invalid_input', fieldErrors.map(({ message }) => message).join('; '), { fieldErrors })
}

/** Somebody else changed it since it was read. */
export const stale = (what: string) => new KeywrightError('stale', `${what} was changed meanwhile; read it again`)

export const isStale = (error: unknown): boolean => error instanceof KeywrightError && error.code === 'stale'

/** @throws KeywrightError `stale` unless it is as it was read; undefined: whatever it is */
export function expectRevision(what: string, present: number, expected: number | undefined): void {
  if (expected !== undefined && expected !== present) throw stale(what)
}
