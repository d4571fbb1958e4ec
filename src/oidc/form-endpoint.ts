import type { Next } from 'koa'
import { moveCredentialsToForm } from './client-credentials.ts'
import { type FormStep, readRequest } from './endpoint-requests.ts'
import type { OidcContext } from './request-state.ts'

/** Reads the form, lets the steps change it, reads the client's credentials, and keeps the form for what comes next. */
export function formEndpoint(...steps: FormStep[]) {
  return async (ctx: OidcContext, next: Next): Promise<void> => {
    if (ctx.method === 'OPTIONS') return await next()
    const form = await readRequest(ctx)
    for (const step of steps) await step(ctx, form)
    moveCredentialsToForm(ctx, form)
    ctx.state.form = form
    await next()
  }
}
