import { claimedIdentity } from '../clients/client-assertions.ts'
import type { Registration } from '../clients/registration.ts'
import { InvalidRequestObjectError, verifyRequestObject } from '../clients/request-objects.ts'
import { namedClientId } from './client-credentials.ts'
import type { FormStep } from './endpoint-requests.ts'
import { OAuthError } from './engine-errors.ts'
import type { OidcServices } from './oidc-services.ts'
import type { Form, OidcContext } from './request-state.ts'

/** Parameters beside a request object: those of client authentication (RFC 9126, section 3). */
const AUTHENTICATION = ['client_secret', 'client_assertion', 'client_assertion_type']

const invalidObject = (detail: string) =>
  new OAuthError(400, 'invalid_request_object', `invalid request object: ${detail}`, {
    reason: 'request_object_invalid',
  })

function clientIdOf(ctx: OidcContext, form: Form): string | undefined {
  const { client_assertion: assertion } = form
  return namedClientId(ctx, form) ?? (typeof assertion === 'string' ? claimedIdentity(assertion).clientId : undefined)
}

/** By the keys that are known, and again by those that the client publishes now. */
async function verified({ registrations, keyFetches, database, issuerUrl }: OidcServices, id: string, object: string) {
  const find = async (): Promise<Registration> => {
    const registration = await registrations.fresh(id)
    if (registration) return registration
    throw invalidObject('it is of an unknown client')
  }
  const verify = (registration: Registration) =>
    verifyRequestObject(registration, object, issuerUrl(), database.clock.now())
  const registration = await find()
  try {
    return verify(registration)
  } catch (error) {
    if (registration.jwksUri === null || !(error instanceof InvalidRequestObjectError && error.hasUnknownKey))
      throw error
  }
  await keyFetches.afterUnknownKey(registration.key)
  return verify(await find())
}

/**
 * Replaces the parameters of a request by those of its signed request object (RFC 9101, section 6.3). What stands beside it is ignored.
 * @throws OAuthError 400
 */
export function takeRequestObject(services: OidcServices): FormStep {
  return async (ctx, form) => {
    const { request: object } = form
    if (object === undefined) return
    if (form.request_uri !== undefined)
      throw new OAuthError(400, 'invalid_request', 'request and request_uri must not be used together')
    const id = clientIdOf(ctx, form)
    if (typeof object !== 'string' || id === undefined)
      throw invalidObject('it is given twice, or client_id is missing')
    try {
      const parameters = await verified(services, id, object)
      for (const name of Object.keys(form)) if (!AUTHENTICATION.includes(name)) delete form[name]
      Object.assign(form, parameters)
    } catch (error) {
      throw error instanceof InvalidRequestObjectError ? invalidObject(error.message) : error
    }
    ctx.state.hasRequestObject = true
  }
}
