import type { Context, Next } from 'koa'
import { KeywrightError } from '../../shared/errors.ts'
import { PROBLEMS, type ProblemError, problemOf } from '../problems.ts'

export const SCIM_TYPE = 'application/scim+json'

/** RFC 7644, table 9. */
type ScimErrorType =
  | 'invalidFilter'
  | 'tooMany'
  | 'uniqueness'
  | 'mutability'
  | 'invalidSyntax'
  | 'invalidPath'
  | 'noTarget'
  | 'invalidValue'

/** An error that becomes a response in SCIM's form (RFC 7644, section 3.12). */
export class ScimError extends Error {
  readonly status: number
  readonly scimType: ScimErrorType | undefined

  constructor(status: number, detail: string, scimType?: ScimErrorType) {
    super(detail)
    this.name = 'ScimError'
    this.status = status
    this.scimType = scimType
  }
}

export const invalidValue = (detail: string) => new ScimError(400, detail, 'invalidValue')
export const invalidPath = (detail: string) => new ScimError(400, detail, 'invalidPath')
export const invalidSyntax = (detail: string) => new ScimError(400, detail, 'invalidSyntax')
export const invalidFilter = (detail: string) => new ScimError(400, detail, 'invalidFilter')

/** Errors of the operations name the field; those of reading the body are of its syntax. */
function scimTypeOf(error: unknown, { code }: ProblemError): ScimErrorType | undefined {
  if (code === 'invalid_input') return error instanceof KeywrightError ? 'invalidValue' : 'invalidSyntax'
  const isTaken = error instanceof KeywrightError && error.code === 'conflict' && error.fieldErrors.length > 0
  return isTaken ? 'uniqueness' : undefined
}

function send(ctx: Context, status: number, detail: string, scimType: ScimErrorType | undefined): void {
  ctx.status = status
  const body = { schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'], status: String(status), detail }
  ctx.body = JSON.stringify({ ...body, ...(scimType && { scimType }) })
  ctx.type = SCIM_TYPE
}

/** Converts every error of the SCIM interface into a response in SCIM's form. */
export async function handleScimErrors(ctx: Context, next: Next): Promise<void> {
  try {
    await next()
  } catch (error) {
    ctx.state.failure = error
    if (error instanceof ScimError) {
      ctx.state.errorCode = error.scimType ?? String(error.status)
      return send(ctx, error.status, error.message, error.scimType)
    }
    const problem = problemOf(error)
    ctx.state.errorCode = problem.code
    ctx.set(problem.headers)
    send(ctx, PROBLEMS[problem.code][0], problem.message, scimTypeOf(error, problem))
  }
}
