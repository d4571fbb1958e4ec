import type { Context, Next } from 'koa'
import { isDatabaseBusy, isDatabaseUnavailable } from '../database/unavailable.ts'
import { BodyTooLargeError } from '../http/request-body.ts'
import { MalformedRequestError } from '../http/request-check.ts'
import { type ErrorCode, type FieldError, KeywrightError, RateLimitedError } from '../shared/errors.ts'
import { toSnake } from '../shared/snake-case.ts'

/** Seconds after which a retry is likely to succeed. */
const RETRY_AFTER = '2'

/** Every problem type, with its status and title (RFC 9457, section 3.1). */
export const PROBLEMS = {
  invalid_input: [400, 'Invalid request'],
  invalid_token: [401, 'Invalid access token'],
  missing_token: [401, 'Access token required'],
  invalid_dpop_proof: [401, 'Invalid DPoP proof'],
  use_dpop_nonce: [401, 'DPoP nonce required'],
  forbidden: [403, 'Permission denied'],
  insufficient_scope: [403, 'Insufficient scope'],
  not_found: [404, 'Not found'],
  method_not_allowed: [405, 'Method not allowed'],
  conflict: [409, 'Conflicts with the current state'],
  stale: [412, 'The resource has changed'],
  too_large: [413, 'Request body too large'],
  unsupported_media_type: [415, 'Unsupported media type'],
  key_reused: [422, 'Idempotency key reused'],
  precondition_required: [428, 'If-Match header required'],
  rate_limited: [429, 'Too many requests'],
  server_error: [500, 'Internal server error'],
  unavailable: [503, 'Service temporarily unavailable'],
} as const

export type ProblemCode = keyof typeof PROBLEMS

/** The location of an error: in the body (a JSON pointer as a URI fragment, RFC 6901, section 6), or in a parameter. */
export type ProblemPart =
  | { readonly pointer: string; readonly detail: string }
  | { readonly parameter: string; readonly detail: string }

interface ProblemOptions extends ErrorOptions {
  readonly parts?: readonly ProblemPart[]
  readonly headers?: Readonly<Record<string, string>>
}

/** An error that becomes a response with problem details (RFC 9457). */
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
  return parameters.has(name)
    ? { parameter: name, detail: message }
    : { pointer: `#/${name.replaceAll('.', '/')}`, detail: message }
}

function fromKeywright(error: KeywrightError, parameters: ReadonlySet<string>): ProblemError {
  const code = CODES[error.code]
  if (code === 'server_error') return serverError(error)
  const parts = error.fieldErrors.map((fieldError) => partOf(fieldError, parameters))
  const wait = error instanceof RateLimitedError ? error.retryAfter : undefined
  const headers: Record<string, string> = wait === undefined ? {} : { 'Retry-After': String(wait) }
  return new ProblemError(code, error.message, { parts, headers, cause: error.cause })
}

const serverError = (cause: unknown) =>
  new ProblemError('server_error', 'an unexpected error occurred; quote the request id when you report it', { cause })

/** @param parameters the names of query and path parameters; errors of other fields belong to the body */
export function problemOf(error: unknown, parameters: ReadonlySet<string> = new Set()): ProblemError {
  if (error instanceof ProblemError) return error
  if (error instanceof BodyTooLargeError) return new ProblemError('too_large', error.message)
  if (error instanceof MalformedRequestError && error.status === 415) {
    return new ProblemError('unsupported_media_type', error.message)
  }
  if (isDatabaseUnavailable(error) || isDatabaseBusy(error)) {
    const options = { headers: { 'Retry-After': RETRY_AFTER }, cause: error }
    return new ProblemError('unavailable', 'the database is temporarily unavailable; try again', options)
  }
  return error instanceof KeywrightError ? fromKeywright(error, parameters) : serverError(error)
}

/** The members of a problem without `instance`, the ID of the request. */
export function problemBody({ code, message, parts }: ProblemError) {
  const [status, title] = PROBLEMS[code]
  const errors = parts.length > 0 && { errors: parts }
  return { type: `urn:keywright:error:${code}`, title, status, detail: message, ...errors }
}

function sendProblem(ctx: Context, problem: ProblemError): void {
  const { errors, ...body } = { errors: undefined, ...problemBody(problem) }
  ctx.status = body.status
  ctx.set(problem.headers)
  ctx.body = JSON.stringify({ ...body, instance: ctx.state.requestId, errors })
  ctx.type = 'application/problem+json'
}

/** Converts every error of the management API into a response with problem details (RFC 9457). */
export async function handleProblems(ctx: Context, next: Next): Promise<void> {
  try {
    await next()
  } catch (error) {
    const problem = problemOf(error, ctx.state.parameters)
    ctx.state.failure = error
    ctx.state.errorCode = problem.code
    sendProblem(ctx, problem)
  }
}
