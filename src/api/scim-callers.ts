import type { Context } from 'koa'
import { takeFrom } from '../accounts/sign-in-limits.ts'
import type { Database } from '../database/open-database.ts'
import { authenticateScimCaller, type ScimCaller } from '../management/scim-principal.ts'
import { hashSecret } from '../shared/secrets.ts'
import { invalidToken } from './bearer-errors.ts'
import { ProblemError } from './problems.ts'

/** The requests of one token that are answered at once; afterwards one per `INTERVAL` seconds. Entra sends up to 25 a second. */
const BURST = 1200
const INTERVAL = 0.04

/** RFC 6750, section 2.1. */
const bearerOf = (ctx: Context): string => /^bearer +([\w~+/.-]+=*) *$/i.exec(ctx.get('authorization'))?.[1] ?? ''

/** Whether the request has a SCIM token, valid or not. */
export const hasScimToken = (ctx: Context): boolean => bearerOf(ctx).startsWith('kwd_')

/**
 * Authenticates a request by a SCIM token. Each request reads the token, so that one revoked on any node is invalid here at once.
 * @param options `isCounted`: whether the request counts in the limit
 * @throws ProblemError `invalid_token`, `rate_limited`
 */
export async function readScimCaller(
  ctx: Context,
  { knex, reader }: Database,
  { isCounted }: { readonly isCounted: boolean },
): Promise<ScimCaller> {
  const caller = await authenticateScimCaller(knex, bearerOf(ctx), { ip: ctx.ip, requestId: ctx.state.requestId })
  if (!caller) throw invalidToken('the SCIM token is missing, unknown, expired or revoked')
  if (!isCounted) return caller
  const key = hashSecret(`scim ${caller.token.id}`)
  const taken = await takeFrom(reader, { key, burst: BURST, interval: INTERVAL })
  if ('remaining' in taken) return caller
  throw new ProblemError('rate_limited', `too many requests; try again in ${taken.wait} s`, {
    headers: { 'Retry-After': String(taken.wait) },
  })
}
