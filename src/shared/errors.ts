/** What went wrong, in words that callers may rely on. Each face turns a code into its own protocol's answer. */
export type ErrorCode =
  | 'invalid_input'
  | 'not_found'
  | 'conflict'
  | 'forbidden'
  | 'unavailable'
  | 'rate_limited'
  | 'invalid_client'
  | 'invalid_grant'
  | 'invalid_scope'
  | 'invalid_target'
  | 'misconfigured'

/** `message` may be shown to the caller; what is private stays in `cause`. */
export class KeywrightError extends Error {
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'KeywrightError'
    this.code = code
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
export const invalidInput = (message: string) => new KeywrightError('invalid_input', message)
