import type { Next } from 'koa'
import { createRegistrationSettings } from '../clients/registration-settings.ts'
import type { KeyRing } from '../keys/key-ring.ts'
import { LANGUAGE_CODES } from '../languages/languages.ts'
import { CLIENT_ASSERTION_ALGS, SIGNING_ALGS } from '../shared/algorithms.ts'
import { etagOf, isKnown } from './etags.ts'
import type { OidcServices } from './oidc-services.ts'
import type { OidcContext } from './request-state.ts'

/** Seconds for which the key set may be cached. A key is published for a minute before it signs. */
const JWKS_MAX_AGE = 30

interface Prepared {
  /** A string: Node writes it in one piece with the headers, and a buffer in a second one. */
  readonly body: string
  readonly etag: string
}

function prepare(ring: KeyRing): Prepared {
  const keys = ring.keys.map((key) => key.publicJwk)
  const body = JSON.stringify({ keys })
  return { body, etag: etagOf(body) }
}

/** The public keys (RFC 7517), serialised once for each state of the key ring. */
export function jwksEndpoint({ keyRings }: OidcServices) {
  const prepared = new WeakMap<KeyRing, Prepared>()
  let checkedAt = 0

  return async (ctx: OidcContext, next: Next): Promise<void> => {
    if (ctx.method !== 'GET' && ctx.method !== 'HEAD') return await next()
    if (Date.now() - checkedAt > 1000) {
      checkedAt = Date.now()
      // Without the database the node serves the keys it knows, so that tokens can be verified.
      await keyRings.follow().catch(() => undefined)
    }
    const response = prepared.get(keyRings.ring) ?? prepare(keyRings.ring)
    prepared.set(keyRings.ring, response)
    ctx.set('Access-Control-Allow-Origin', '*')
    ctx.set('Cache-Control', `public, max-age=${JWKS_MAX_AGE}`)
    ctx.set('ETag', response.etag)
    ctx.status = 200
    if (isKnown(ctx, response.etag)) {
      ctx.status = 304
      return
    }
    ctx.type = 'application/jwk-set+json'
    ctx.body = response.body
  }
}

/** Identity assertions as authorization grants (draft-ietf-oauth-identity-assertion-authz-grant-03, section 7.2). */
const IDENTITY_ASSERTION_PROFILE = 'urn:ietf:params:oauth:grant-profile:id-jag'

/** How confidential clients authenticate at every endpoint (`token_endpoint_auth_method`), apart from certificates. */
const CONFIDENTIAL_METHODS = ['client_secret_basic', 'client_secret_post', 'private_key_jwt']

/** The endpoints that clients call with a certificate. */
const WITH_CERTIFICATE = [
  'token',
  'revocation',
  'introspection',
  'pushed_authorization_request',
  'device_authorization',
  'userinfo',
]

/** RFC 8705, section 5: the same endpoints at the host name where the proxy asks for certificates. */
function aliasesAt(origin: string, body: object, issuer: string): Record<string, string> {
  const endpoints = { ...body, introspection_endpoint: `${issuer}/oauth2/introspect` } as Record<string, unknown>
  const names = WITH_CERTIFICATE.map((name) => `${name}_endpoint`).filter((name) => typeof endpoints[name] === 'string')
  return Object.fromEntries(names.map((name) => [name, origin + new URL(String(endpoints[name])).pathname]))
}

/** Adds to the engine's discovery document what this server does without the engine. */
export function describeServer({ issuerUrl, certificateMethods, certificateOrigin, database }: OidcServices) {
  const methods = [...CONFIDENTIAL_METHODS, ...certificateMethods]
  const registrationSettings = createRegistrationSettings(database.knex)
  return async (ctx: OidcContext, next: Next): Promise<void> => {
    await next()
    const { dynamicRegistration, clientIdDocuments } = await registrationSettings()
    if (ctx.status !== 200 || typeof ctx.body !== 'object' || ctx.body === null) return
    ctx.body = {
      ...ctx.body,
      ...(certificateMethods.length > 0 && { tls_client_certificate_bound_access_tokens: true }),
      ...(certificateOrigin && { mtls_endpoint_aliases: aliasesAt(certificateOrigin, ctx.body, issuerUrl()) }),
      authorization_grant_profiles_supported: [IDENTITY_ASSERTION_PROFILE],
      ...(dynamicRegistration !== 'off' && { registration_endpoint: `${issuerUrl()}/oauth2/register` }),
      ...(clientIdDocuments !== 'off' && { client_id_metadata_document_supported: true }),
      ui_locales_supported: LANGUAGE_CODES,
      status_list_aggregation_endpoint: `${issuerUrl()}/oauth2/status`,
      global_token_revocation_endpoint: `${issuerUrl()}/oauth2/global-token-revocation`,
      request_parameter_supported: true,
      request_object_signing_alg_values_supported: CLIENT_ASSERTION_ALGS,
      introspection_endpoint: `${issuerUrl()}/oauth2/introspect`,
      introspection_signing_alg_values_supported: SIGNING_ALGS,
      token_endpoint_auth_methods_supported: [...methods, 'none'],
      introspection_endpoint_auth_methods_supported: methods,
      introspection_endpoint_auth_signing_alg_values_supported: CLIENT_ASSERTION_ALGS,
      revocation_endpoint_auth_methods_supported: [...methods, 'none'],
      revocation_endpoint_auth_signing_alg_values_supported: CLIENT_ASSERTION_ALGS,
    }
  }
}
