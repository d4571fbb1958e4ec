import type { Next } from 'koa'
import { useOf } from '../clients/secret-uses.ts'
import { namedClientId } from './client-credentials.ts'
import { takeAudience, takeDeclaredResource } from './declared-resources.ts'
import { type FormStep, handToEngine, normalizeScope } from './endpoint-requests.ts'
import { OAuthError } from './engine-errors.ts'
import { fastPath } from './fast-path.ts'
import { formEndpoint } from './form-endpoint.ts'
import type { OidcServices } from './oidc-services.ts'
import type { Form, OidcContext } from './request-state.ts'

/** Everything that the token endpoint takes as a parameter, and that may therefore not stand in its URL. */
const PARAMETERS = [
  'grant_type',
  'client_id',
  'client_secret',
  'client_assertion',
  'client_assertion_type',
  'scope',
  'resource',
  'audience',
  'refresh_token',
  'code',
  'redirect_uri',
  'code_verifier',
  'device_code',
]

const single = (value: string | string[] | undefined): string | undefined =>
  Array.isArray(value) ? undefined : value || undefined

/**
 * A concession to clients that were built for servers which read parameters, or even credentials, from the URL. RFC
 * 6749, section 2.3.1, forbids it, so each client must be allowed to. What is taken over stands in the form from here
 * on, and no trace of the query is left for the log.
 */
function takeQueryParameters({ registrations, metrics, legacyOptionUses }: OidcServices): FormStep {
  // A concession that was taken back must be refused at the very next request, so nothing remembered is believed.
  const isAllowed = async (clientId: string) => (await registrations.fresh(clientId))?.queryCredentials ?? false

  return async (ctx, form) => {
    if (!ctx.querystring) return
    const query: Form = ctx.query
    const given = PARAMETERS.filter((name) => query[name])
    if (given.length === 0) return
    const refusal = new OAuthError(400, 'invalid_request', 'parameters must be in the body (RFC 6749, section 2.3.1)')
    const clientId = namedClientId(ctx, form) ?? single(query.client_id)
    if (!clientId || clientId.length > 200 || !(await isAllowed(clientId))) throw refusal
    for (const name of given) {
      if (form[name] !== undefined) throw new OAuthError(400, 'invalid_request', `${name} is given twice`)
      form[name] = query[name]
    }
    normalizeScope(form)
    metrics.legacyOptionUses.inc({ kind: 'query_credentials' })
    legacyOptionUses.note(clientId, 'query_credentials')
  }
}

/** One API a token: RFC 8707 lets a server refuse to mix audiences. */
function checkResource(_ctx: OidcContext, form: Form): void {
  if (Array.isArray(form.resource)) throw new OAuthError(400, 'invalid_target', 'a token is for one API only')
}

async function addRefreshToken(ctx: OidcContext, next: Next): Promise<void> {
  await next()
  const { refresh } = ctx.state
  if (!refresh || ctx.status !== 200) return
  Object.assign(ctx.body as object, {
    refresh_token: refresh.refreshToken,
    refresh_token_expires_in: refresh.refreshTokenExpiresIn,
  })
}

/**
 * Who has called and for which API, also where a client proved itself and was refused. In the name of a public client
 * anybody may ask for anything: of those only who obtained something.
 */
function noteUse({ secretUses }: OidcServices) {
  return async (ctx: OidcContext, next: Next): Promise<void> => {
    try {
      await next()
    } finally {
      const { client, audience } = ctx.state
      const secretId = client?.authentication?.secretId ?? null
      if (client && (secretId !== null || audience))
        secretUses.note(secretId, ctx.ip, useOf(client.registration, audience))
    }
  }
}

/** What stands before the engine's token endpoint, in order. */
export const tokenEndpoint = (services: OidcServices) => [
  formEndpoint(takeQueryParameters(services), takeAudience, checkResource, takeDeclaredResource(services)),
  fastPath(services),
  noteUse(services),
  addRefreshToken,
  handToEngine,
]
