import type { Context, Next } from 'koa'
import { isDatabaseBusy, isDatabaseUnavailable } from '../database/unavailable.ts'
import { BodyTooLargeError } from '../http/request-body.ts'
import { MalformedRequestError } from '../http/request-check.ts'
import { type ErrorCode, type FieldError, KeywrightError, RateLimitedError } from '../shared/errors.ts'
import { toSnake } from './wire-names.ts'

/** Seconds after which a caller may well get through. */
const RETRY_AFTER = '2'

/** What a problem can be, with the status and the title that it always has (RFC 9457, section 3.1). */
export const PROBLEMS = {
  invalid_input: [400, 'The request is not as it should be'],
  invalid_token: [401, 'The access token does not open this'],
  missing_token: [401, 'This takes an access token'],
  forbidden: [403, 'This is not allowed to you'],
  insufficient_scope: [403, 'The access token does not allow this'],
  not_found: [404, 'There is nothing here'],
  method_not_allowed: [405, 'This address does not take this method'],
  conflict: [409, 'What is there speaks against it'],
  stale: [412, 'It was changed meanwhile'],
  too_large: [413, 'The request is too large'],
  unsupported_media_type: [415, 'The body is in no form that is understood'],
  key_reused: [422, 'The idempotency key belongs to another request'],
  precondition_required: [428, 'A change names the revision it is for'],
  rate_limited: [429, 'Too many requests'],
  server_error: [500, 'Something went wrong'],
  unavailable: [503, 'Not just now'],
} as const

export type ProblemCode = keyof typeof PROBLEMS

/** Where it is wrong: in the body (a JSON pointer as a URI fragment, RFC 6901, section 6), or in a parameter. */
export type ProblemPart =
  | { readonly pointer: string; readonly detail: string }
  | { readonly parameter: string; readonly detail: string }

interface ProblemOptions extends ErrorOptions {
  readonly parts?: readonly ProblemPart[]
  readonly headers?: Readonly<Record<string, string>>
}

/** An answer that is none of success. */
export class ProblemError extends Error {
  readonly code: ProblemCode
  readonly parts: readonly ProblemPart[]
  readonly headers: Readonly<Record<string, string>>

  constructor(code: ProblemCode, detail: string, { parts = [], headers = {}, cause }: ProblemOptions = {}) {
    super(detail, { cause })
    this.name = 'ProblemError'
    this.code = code
    this.parts = parts
    this.headers = headers
  }
}

const CODES: Record<ErrorCode, ProblemCode> = {
  invalid_input: 'invalid_input',
  not_found: 'not_found',
  conflict: 'conflict',
  stale: 'stale',
  forbidden: 'forbidden',
  insufficient_user_authentication: 'forbidden',
  unavailable: 'unavailable',
  rate_limited: 'rate_limited',
  invalid_client: 'invalid_input',
  invalid_grant: 'invalid_input',
  invalid_scope: 'invalid_input',
  invalid_target: 'invalid_input',
  misconfigured: 'server_error',
}

const partOf = ({ field, message }: FieldError, parameters: ReadonlySet<string>): ProblemPart => {
  const name = toSnake(field)
  return parameters.has(name) ? { parameter: name, detail: message } : { pointer: `#/${name}`, detail: message }
}

function fromKeywright(error: KeywrightError, parameters: ReadonlySet<string>): ProblemError {
  const code = CODES[error.code]
  if (code === 'server_error') return somethingWrong(error)
  const parts = error.fieldErrors.map((fieldError) => partOf(fieldError, parameters))
  const wait = error instanceof RateLimitedError ? error.retryAfter : undefined
  const headers: Record<string, string> = wait === undefined ? {} : { 'Retry-After': String(wait) }
  return new ProblemError(code, error.message, { parts, headers, cause: error.cause })
}

const somethingWrong = (cause: unknown) =>
  new ProblemError('server_error', 'something went wrong; the request id tells us where', { cause })

/** @param parameters names of the query and path, whose faults are none of the body's */
export function problemOf(error: unknown, parameters: ReadonlySet<string> = new Set()): ProblemError {
  if (error instanceof ProblemError) return error
  if (error instanceof BodyTooLargeError) return new ProblemError('too_large', error.message)
  if (error instanceof MalformedRequestError && error.status === 415) {
    return new ProblemError('unsupported_media_type', error.message)
  }
  if (isDatabaseUnavailable(error) || isDatabaseBusy(error)) {
    const options = { headers: { 'Retry-After': RETRY_AFTER }, cause: error }
    return new ProblemError('unavailable', 'the database does not answer just now; try again', options)
  }
  return error instanceof KeywrightError ? fromKeywright(error, parameters) : somethingWrong(error)
}

function answerProblem(ctx: Context, problem: ProblemError): void {
  const [status, title] = PROBLEMS[problem.code]
  ctx.status = status
  ctx.set(problem.headers)
  ctx.body = JSON.stringify({
    type: `urn:keywright:error:${problem.code}`,
    title,
    status,
    detail: problem.message,
    instance: ctx.state.requestId,
    ...(problem.parts.length > 0 && { errors: problem.parts }),
  })
  ctx.type = 'application/problem+json'
}

/** Errors become answers here and nowhere else in this face (RFC 9457). */
export async function answerProblems(ctx: Context, next: Next): Promise<void> {
  try {
    await next()
  } catch (error) {
    const problem = problemOf(error, ctx.state.parameters)
    ctx.state.failure = error
    ctx.state.refusal = problem.code
    answerProblem(ctx, problem)
  }
}
