import { errors, type KoaContextWithOIDC } from 'oidc-provider'
import { isSignedMode } from './engine-response-modes.ts'
import { type OidcState, registrationOf } from './request-state.ts'

type Check = (ctx: KoaContextWithOIDC) => void

/** A pushed request was signed where it was pushed. */
const refuseUnsigned: Check = ({ oidc, state }) => {
  const isNew = oidc.route === 'authorization' || oidc.route === 'pushed_authorization_request'
  if (!isNew || oidc.entities.PushedAuthorizationRequest || state.hasRequestObject) return
  if (registrationOf(oidc.client!).requestObjectsRequired)
    throw new errors.InvalidRequest('the client must sign its authorization requests (RFC 9101)')
}

/** JARM, section 2.3: the request asks for a signed response. */
const refuseUnsignedResponse: Check = ({ oidc }) => {
  if (oidc.params?.response_type === undefined || isSignedMode(oidc.params.response_mode)) return
  if (registrationOf(oidc.client!).signedResponsesRequired)
    throw new errors.InvalidRequest(
      'the client gets signed authorization responses only (JARM): response_mode is not jwt',
    )
}

/** FAPI 2.0 Security Profile, section 5.3.2.2. The engine would take the only redirect URI of a client. */
const refuseWithoutRedirectUri: Check = ({ oidc, state }) => {
  if (oidc.route !== 'pushed_authorization_request' || (state as OidcState).form?.redirect_uri !== undefined) return
  if (registrationOf(oidc.client!).fapi2) throw new errors.InvalidRequest('FAPI 2.0 requires redirect_uri')
}

/** Refuses a request without any known scope before the user signs in. An unknown scope beside a known one is ignored. */
const refuseUnknownScope: Check = ({ oidc }) => {
  const known = [oidc.requestParamOIDCScopes, ...Object.values(oidc.resourceServers ?? {}).map(({ scopes }) => scopes)]
  if ([...oidc.requestParamScopes].some((scope) => known.some((scopes) => scopes.has(scope)))) return
  throw new errors.InvalidScope('the client has none of the requested scopes', String(oidc.params?.scope ?? ''))
}

/** A code is for one API, as a token is (RFC 8707, section 2.2). `audience` is left only beside another `resource`. */
function refuseSeveralApis({ oidc }: KoaContextWithOIDC, audience: unknown): void {
  if (audience !== undefined) throw new errors.InvalidTarget('audience and resource name different APIs')
  if (Array.isArray(oidc.params?.resource)) throw new errors.InvalidTarget('a token is for one API only')
}

/**
 * Checks what the engine leaves to us of an authorization request, after its own checks.
 * @throws OIDCProviderError of the engine, which sends it to the redirect URI
 */
export function checkAuthorizationRequest(ctx: KoaContextWithOIDC, audience: unknown): void {
  refuseUnsigned(ctx)
  refuseUnsignedResponse(ctx)
  refuseWithoutRedirectUri(ctx)
  refuseSeveralApis(ctx, audience)
  refuseUnknownScope(ctx)
}
