import type { Context, Middleware } from 'koa'
import { z } from 'zod'
import { PERMISSIONS } from '../accounts/permissions.ts'
import { readBody } from '../http/request-body.ts'
import { checkRequest } from '../http/request-check.ts'
import { type Management, requirePermission } from '../management/operation.ts'
import type { Principal } from '../management/principal.ts'
import { findSubject } from '../management/subject-identifiers.ts'
import { endAccessOfUser } from '../management/user-offboarding.ts'
import { limitRate } from './api-rate-limit.ts'
import { insufficientScope } from './bearer-errors.ts'
import { type CallerServices, createCallerReader } from './callers.ts'
import { PROBLEMS, ProblemError, problemOf } from './problems.ts'
import { parseJsonBody } from './requests.ts'
import { hasScimToken, readScimCaller } from './scim-callers.ts'

/** In bytes. */
const BODY_LIMIT = 16 * 1024

const text = z.string().min(1).max(2000)

const request = z.object({
  sub_id: z.discriminatedUnion('format', [
    z.object({ format: z.literal('email'), email: text }),
    z.object({ format: z.literal('iss_sub'), iss: text, sub: text }),
    z.object({ format: z.literal('opaque'), id: text }),
  ]),
})

const { scope, role } = PERMISSIONS.revokeTokensOfUsers

interface RevocationServices extends CallerServices {
  readonly management: Management
}

function respondWithError(ctx: Context, error: unknown): void {
  const { code, message, headers } = problemOf(error)
  ctx.state.failure = error
  ctx.state.errorCode = code
  const [status] = PROBLEMS[code]
  ctx.status = status
  ctx.set(headers)
  // The draft defines status codes only; the body is that of the other endpoints of RFC 6749.
  const names: Record<string, string> = {
    invalid_input: 'invalid_request',
    server_error: 'server_error',
    unavailable: 'temporarily_unavailable',
  }
  ctx.body = { error: names[code] ?? code, error_description: message }
}

/**
 * Receives requests to revoke all tokens of a user (draft-parecki-oauth-global-token-revocation-06). The caller is the identity provider
 * of an account with its SCIM token, or a client with an access token for the management API and the scope `tokens:write`; it reaches
 * the users of its account. 204: all is revoked, and the user must sign in again. 404: there is no such user.
 */
export function globalTokenRevocation(services: RevocationServices): Middleware {
  const readCaller = createCallerReader(services)

  async function authorize(ctx: Context, isFirst: boolean): Promise<Principal> {
    if (hasScimToken(ctx)) return (await readScimCaller(ctx, services.database, { isCounted: isFirst })).who
    const caller = await readCaller(ctx)
    if (isFirst) await limitRate(ctx, services.database.reader, caller)
    if (!caller.who.scopes?.has(scope)) throw insufficientScope(scope)
    requirePermission(caller.who, { role, scope })
    return caller.who
  }

  async function revoke(ctx: Context): Promise<void> {
    checkRequest(ctx)
    if (ctx.method !== 'POST')
      throw new ProblemError('method_not_allowed', 'send a POST request', { headers: { Allow: 'POST' } })
    await authorize(ctx, true)
    const { sub_id: subject } = parseJsonBody(ctx, request, await readBody(ctx.req, BODY_LIMIT))
    // The token may have been revoked while the body arrived.
    const who = await authorize(ctx, false)
    const { management } = services
    const userId = await findSubject(management.knex, who, subject, services.issuerUrl())
    await endAccessOfUser(management, who, { userId })
    ctx.status = 204
  }

  return async (ctx) => {
    ctx.set('Cache-Control', 'no-store')
    await revoke(ctx).catch((error) => respondWithError(ctx, error))
  }
}
