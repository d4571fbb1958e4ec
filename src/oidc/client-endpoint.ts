import type { Next } from 'koa'
import { secretIdsOf } from '../clients/client-authentication.ts'
import { useOf } from '../clients/secret-uses.ts'
import { moveCredentialsToForm } from './client-credentials.ts'
import { type FormStep, handToEngine, readRequest } from './endpoint-requests.ts'
import type { OidcServices } from './oidc-services.ts'
import type { OidcContext } from './request-state.ts'

/** A step of an endpoint. It reads and sets `ctx.state`; an error ends the request. */
export type Step = (ctx: OidcContext) => Promise<void> | void

export type Endpoint = (ctx: OidcContext, next: Next) => Promise<unknown>

/** Reads the form, applies the form steps, and reads the credentials. @throws OAuthError 400, 401, 405, 413 */
export function parse(...formSteps: FormStep[]): Step {
  return async (ctx) => {
    const form = await readRequest(ctx)
    ctx.state.form = form
    for (const step of formSteps) await step(ctx, form)
    ctx.state.credentials = moveCredentialsToForm(ctx, form)
  }
}

/** Lets the engine respond to the request as the earlier steps left it. */
export function callEngine(engine: Endpoint): Step {
  const end = async () => {}
  return async (ctx) => {
    await handToEngine(ctx, () => engine(ctx, end))
  }
}

/**
 * Records what the request used and obtained, also where it failed after the client was authenticated. Anybody can name a
 * public client, so its use counts only once it obtained a token.
 */
function recordUse({ secretUses, clientUsage, metrics }: OidcServices, ctx: OidcContext): void {
  const { client, issued, form } = ctx.state
  const isNew = issued && !issued.isReused
  if (issued?.isReused) metrics.tokensReused.inc()
  if (isNew) metrics.tokensIssued.labels(String(form?.grant_type)).inc()
  if (issued?.quota?.outcome === 'exceeded') metrics.tokensBeyondQuota.inc()
  // An assertion whose first use was not recorded proves nothing: it may be a copy.
  if (!client || client.pendingUse?.unrecorded || (client.authentication === null && !issued)) return
  const use = useOf(client.registration, issued?.audience)
  secretUses.record(secretIdsOf(client.authentication), { ip: ctx.ip, userAgent: ctx.get('user-agent') }, use)
  if (isNew) clientUsage.countIssued(use.clientKey, use.apiId ?? 0)
}

/** An endpoint that clients call, as a list of steps. */
export function clientEndpoint(services: OidcServices, steps: readonly Step[]) {
  return async (ctx: OidcContext): Promise<void> => {
    try {
      for (const step of steps) await step(ctx)
    } finally {
      recordUse(services, ctx)
    }
  }
}
