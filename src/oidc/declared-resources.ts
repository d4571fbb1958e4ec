import { findByIdentifier, spellingsOf } from '../apis/resource-identifiers.ts'
import { CLIENT_CREDENTIALS_GRANT } from '../clients/grant-types.ts'
import { findNamedClient } from './authorizing-clients.ts'
import { namedClientId } from './client-credentials.ts'
import type { FormStep } from './endpoint-requests.ts'
import { OAuthError } from './engine-errors.ts'
import type { OidcServices } from './oidc-services.ts'
import type { Form, OidcContext } from './request-state.ts'

/** Replaces `audience` by `resource` (RFC 8707). */
export function takeAudience(_ctx: OidcContext, form: Form): void {
  const { audience, ...rest } = form
  if (audience === undefined) return
  delete form.audience
  if (Array.isArray(audience)) throw new OAuthError(400, 'invalid_request', 'audience is given twice')
  if (rest.resource !== undefined && !isSameResource(rest.resource, audience)) {
    throw new OAuthError(400, 'invalid_target', 'audience and resource name different APIs')
  }
  if (audience !== '') form.resource = audience
}

export const isSameResource = (resource: string | string[], audience: string): boolean =>
  typeof resource === 'string' && spellingsOf(audience).includes(resource)

/**
 * Replaces `resource` by the API's identifier as it was declared: later steps compare requests, consents and codes letter by
 * letter. A client_credentials request needs no comparison, and so no look-up.
 */
export function takeDeclaredResource(services: OidcServices): FormStep {
  return async (ctx, form) => {
    const { resource, grant_type } = form
    if (typeof resource !== 'string' || grant_type === CLIENT_CREDENTIALS_GRANT) return
    const clientId = spellingsOf(resource).length > 1 ? namedClientId(ctx, form) : undefined
    const registration = clientId && (await findNamedClient(services, ctx, clientId))
    const api = registration && findByIdentifier(registration.apis, resource)
    if (api) form.resource = api.identifier
  }
}
