import type { Next } from 'koa'
import { resolveScope } from '../apis/scopes.ts'
import type { AuthenticatedClient } from '../clients/client-authentication.ts'
import type { Registration } from '../clients/registrations.ts'
import { useOf } from '../clients/secret-uses.ts'
import { selectApi } from '../tokens/planned-token.ts'
import type { OidcServices } from './oidc-services.ts'
import type { Form, OidcContext } from './request-state.ts'

const PARAMETERS = new Set(['grant_type', 'client_id', 'client_secret', 'scope', 'resource'])

/** Headers that ask for something only the engine knows: proofs of possession, attestations, browsers of other origins. */
const ENGINE_HEADERS = ['dpop', 'oauth-client-attestation', 'oauth-client-attestation-pop', 'origin'] as const

/** A request for a machine's token with nothing special about it: each parameter once, and a client secret. */
function credentialsOfPlainRequest(ctx: OidcContext, form: Form) {
  if (form.grant_type !== 'client_credentials') return undefined
  if (ENGINE_HEADERS.some((name) => ctx.req.headers[name] !== undefined)) return undefined
  for (const [name, value] of Object.entries(form)) {
    if (typeof value !== 'string' || !PARAMETERS.has(name)) return undefined
  }
  const { client_id: clientId, client_secret: secret } = form as Record<string, string | undefined>
  return clientId && secret ? { clientId, secret } : undefined
}

/** Whether a registration allows this very request, without more having to be done for it. */
function allows(registration: Registration, form: Form): boolean {
  if (!registration.grants.includes('client_credentials')) return false
  if (registration.rateLimit || registration.clientCredentialsRefresh) return false
  try {
    const api = selectApi(registration, form.resource as string | undefined)
    resolveScope(form.scope as string | undefined, api.scopes)
    return true
  } catch {
    return false
  }
}

/**
 * The product's hot path. Most requests are a machine's, plain and good; for those the engine's thirty steps are spared.
 * This lane only ever says yes: whatever is unusual, whatever would be refused, and whatever rests on a registration that
 * has just changed, goes the engine's way and is judged there, so that no rule stands in two places.
 */
export function fastPath(services: OidcServices) {
  const { authenticator, issuer, secretUses, metrics } = services
  const issued = metrics.tokensIssued.labels('client_credentials')

  async function admit(ctx: OidcContext, form: Form): Promise<AuthenticatedClient | undefined> {
    const given = credentialsOfPlainRequest(ctx, form)
    if (!given) return undefined
    const credentials = { secret: given.secret, apiKey: ctx.get('x-api-key') }
    return await authenticator.proveById(given.clientId, credentials, true, (registration) =>
      allows(registration, form),
    )
  }

  return async (ctx: OidcContext, next: Next): Promise<void> => {
    const form = ctx.state.form
    const client = form && (await admit(ctx, form))
    if (!client) return await next()
    const { resource, scope } = form as Record<string, string | undefined>
    const token = await issuer.issueOnce({ client, resource, scope, subject: '', grantId: null })
    if (!token) return await next()
    ctx.state.client = client
    secretUses.note(client.authentication!.secretId, ctx.ip, useOf(client.registration, token.audience))
    issued.inc()
    ctx.body = {
      access_token: token.accessToken,
      token_type: 'Bearer',
      expires_in: token.expiresIn,
      scope: token.scope,
    }
  }
}
