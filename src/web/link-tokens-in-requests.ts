import type { Context } from 'koa'
import { KeywrightError } from '../shared/errors.ts'
import type { Form } from './forms.ts'

/** The token of a link; empty: there is none, or several. */
export const tokenIn = (value: unknown): string => (typeof value === 'string' ? value : '')

/** Of a link, or of a one-time password (`join-tickets.ts`). */
const LINK_TOKEN = /^[\w-]{1,1000}$/

/**
 * The path of a request, with the token of the link that opened its page: without the token the page would say that the link no longer
 * works.
 */
export function pathWithToken(ctx: Context): string {
  const token = (ctx.state.form as Form | undefined)?.get('token') ?? tokenIn(ctx.query.token)
  return LINK_TOKEN.test(token) ? `${ctx.path}?token=${token}` : ctx.path
}

/** Whether the link of a request was used, or has expired. */
export const isUsedUp = (error: unknown): boolean => error instanceof KeywrightError && error.code === 'conflict'
