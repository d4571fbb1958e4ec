import { findByIdentifier, spellingsOf } from '../apis/resource-identifiers.ts'
import { namedClientId } from './client-credentials.ts'
import type { FormStep } from './endpoint-requests.ts'
import { OAuthError } from './engine-errors.ts'
import type { OidcServices } from './oidc-services.ts'
import type { Form, OidcContext } from './request-state.ts'

/** `audience` names the API as `resource` (RFC 8707) does; from here on there is only the latter. */
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
 * Writes `resource` as the API's identifier is written: from here on, what was asked for, what was consented to and what a
 * code is for are compared letter by letter. Plain client_credentials requests need no such comparison and no look-up.
 */
export function takeDeclaredResource({ registrations }: OidcServices): FormStep {
  return async (ctx, form) => {
    const { resource, grant_type } = form
    if (typeof resource !== 'string' || grant_type === 'client_credentials') return
    const clientId = spellingsOf(resource).length > 1 ? namedClientId(ctx, form) : undefined
    const registration = clientId && (await registrations.fresh(clientId))
    const api = registration && findByIdentifier(registration.apis, resource)
    if (api) form.resource = api.identifier
  }
}
