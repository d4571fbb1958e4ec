import { GRANT_TYPES } from '../clients/grant-types.ts'
import { namedClientId } from './client-credentials.ts'
import { type FormStep, normalizeScope } from './endpoint-requests.ts'
import { OAuthError } from './engine-errors.ts'
import type { OidcServices } from './oidc-services.ts'
import type { Form } from './request-state.ts'

/** The parameters of the token endpoint, which belong in the body. */
const PARAMETERS = [
  'grant_type',
  'client_id',
  'client_secret',
  'client_assertion',
  'client_assertion_type',
  'scope',
  'resource',
  'audience',
  ...GRANT_TYPES.flatMap(({ parameters }) => parameters),
]

const single = (value: string | string[] | undefined): string | undefined =>
  Array.isArray(value) ? undefined : value || undefined

/**
 * Moves parameters of the URL's query into the form: a legacy compatibility option, for clients that were built for servers
 * which read parameters, or even credentials, from the URL. RFC 6749, section 2.3.1, forbids it, so the client's
 * registration must permit it. Later steps and the log see nothing of the query.
 */
export function takeQueryParameters({ registrations, metrics, legacyOptionUses }: OidcServices): FormStep {
  // Not from the cache: once an option is off, the next request is refused.
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
    legacyOptionUses.record(clientId, 'query_credentials')
  }
}
