import type { JWK } from 'jose'
import { IDENTITY_SCOPES } from '../apis/scopes.ts'
import { invalidFields } from '../shared/errors.ts'
import type { AuthMethod } from './authentication-attributes.ts'
import { type ClientSettings, DEFAULT_SETTINGS } from './client-settings.ts'
import { AUTHORIZATION_CODE_GRANT, responseTypesOf } from './grant-types.ts'
import { type Json, Members } from './metadata-members.ts'

/** The settings that a client can register itself. */
type RegisteredSettings = Pick<
  ClientSettings,
  | ('name' | 'grants' | 'redirectUris' | 'isPublic' | 'authMethod' | 'clientUri' | 'policyUri' | 'tosUri')
  | ('postLogoutRedirectUris' | 'backchannelLogoutUri' | 'idTokenAlg' | 'jwksUri')
  | ('dpop' | 'parRequired' | 'requestObjectsRequired' | 'certificateBoundAccessTokens')
>

/** Client metadata (RFC 7591, section 2) as our attributes. */
export interface ClientMetadata {
  readonly settings: RegisteredSettings
  /** `token_endpoint_auth_method`. */
  readonly authMethod: string
  /** The requested scopes of APIs; undefined: none are named. */
  readonly scopes: readonly string[] | undefined
  /** A JWK set as text. */
  readonly jwks: string | undefined
  readonly softwareId: string | null
  readonly softwareVersion: string | null
}

/** The methods of client authentication that a client can register. */
export const REGISTRABLE_AUTH_METHODS: Readonly<Record<string, AuthMethod | 'none'>> = {
  none: 'none',
  client_secret_basic: 'client_secret',
  client_secret_post: 'client_secret',
  private_key_jwt: 'private_key_jwt',
}

/** Members that would weaken what a client asks for if they were ignored. */
const UNSUPPORTED = [
  'sector_identifier_uri',
  'software_statement',
  'default_max_age',
  'id_token_encrypted_response_alg',
  'id_token_encrypted_response_enc',
  'userinfo_signed_response_alg',
  'userinfo_encrypted_response_alg',
  'userinfo_encrypted_response_enc',
  'request_object_encryption_alg',
  'request_object_encryption_enc',
  'authorization_encrypted_response_alg',
  'authorization_encrypted_response_enc',
  'introspection_encrypted_response_alg',
  'introspection_encrypted_response_enc',
]

/** Characters of a short text. */
const SHORT = 200

function refuseUnsupported(members: Members): void {
  for (const name of UNSUPPORTED.filter((one) => members.has(one))) members.refuse(name, `${name} is not supported`)
  const timed = 'require_auth_time'
  if (members.isTrue(timed)) members.refuse(timed, `${timed} is not supported: request max_age, or the claim auth_time`)
  const subjectType = members.text('subject_type')
  if (subjectType !== undefined && subjectType !== 'public')
    members.refuse('subject_type', 'the only supported subject_type is public')
}

/** @throws no error: an unknown method is collected */
function authMethodIn(members: Members, fallback: string): string {
  const method = members.text('token_endpoint_auth_method', SHORT) ?? fallback
  if (Object.hasOwn(REGISTRABLE_AUTH_METHODS, method)) return method
  const known = Object.keys(REGISTRABLE_AUTH_METHODS).join(', ')
  members.refuse('token_endpoint_auth_method', `token_endpoint_auth_method must be one of ${known}`)
  return fallback
}

/** RFC 7591, section 2.1: the response types follow from the grant types. */
function checkResponseTypes(members: Members, grants: readonly string[]): void {
  const given = members.texts('response_types')
  if (given === undefined) return
  const possible: readonly string[] = responseTypesOf(grants)
  if (given.some((type) => !possible.includes(type)) || possible.some((type) => !given.includes(type)))
    members.refuse('response_types', `with these grant types, response_types must be ${JSON.stringify(possible)}`)
}

/** A client without a name is called by the host of its redirect URI. */
function nameIn(members: Members, redirectUris: readonly string[]): string {
  const given = members.text('client_name')?.trim()
  if (given) return given
  const host = redirectUris.map((uri) => URL.parse(uri)?.hostname).find(Boolean)
  return host?.slice(0, SHORT) ?? 'Unnamed application'
}

/** The algorithm of ID tokens, which is that of authorization responses too. */
function signingAlgIn(members: Members): RegisteredSettings['idTokenAlg'] {
  const alg = members.text('id_token_signed_response_alg', SHORT) ?? DEFAULT_SETTINGS.idTokenAlg
  const ofResponses = members.text('authorization_signed_response_alg', SHORT) ?? alg
  if (ofResponses !== alg)
    members.refuse('authorization_signed_response_alg', 'must be the id_token_signed_response_alg')
  return alg as RegisteredSettings['idTokenAlg']
}

function settingsIn(members: Members, authMethod: string): RegisteredSettings {
  const redirectUris = members.texts('redirect_uris') ?? []
  const grants = members.texts('grant_types') ?? [AUTHORIZATION_CODE_GRANT]
  checkResponseTypes(members, grants)
  const method = REGISTRABLE_AUTH_METHODS[authMethod]!
  return {
    name: nameIn(members, redirectUris),
    grants,
    redirectUris,
    isPublic: method === 'none',
    authMethod: method === 'none' ? 'client_secret' : method,
    clientUri: members.text('client_uri') ?? null,
    policyUri: members.text('policy_uri') ?? null,
    tosUri: members.text('tos_uri') ?? null,
    postLogoutRedirectUris: members.texts('post_logout_redirect_uris') ?? [],
    backchannelLogoutUri: members.text('backchannel_logout_uri') ?? null,
    idTokenAlg: signingAlgIn(members),
    jwksUri: (authMethod === 'private_key_jwt' && members.text('jwks_uri')) || null,
    dpop: members.isTrue('dpop_bound_access_tokens') ? 'required' : 'optional',
    parRequired: members.isTrue('require_pushed_authorization_requests'),
    requestObjectsRequired: members.isTrue('require_signed_request_object'),
    certificateBoundAccessTokens: members.isTrue('tls_client_certificate_bound_access_tokens'),
  }
}

/** RFC 7591, section 2: one of `jwks` and `jwks_uri` is for a client that authenticates with its keys; others may send it for other purposes. */
function keysIn(members: Members, authMethod: string): string | undefined {
  const jwks = members.object('jwks')
  if (members.has('jwks') && members.has('jwks_uri')) members.refuse('jwks_uri', 'give either jwks or jwks_uri')
  if (authMethod !== 'private_key_jwt') return undefined
  if (!members.has('jwks') && !members.has('jwks_uri'))
    members.refuse('jwks', 'private_key_jwt needs public keys (jwks) or their URL (jwks_uri)')
  return jwks && JSON.stringify(jwks)
}

/** The scopes of APIs. Those of OpenID Connect are for every client. */
function scopesIn(members: Members): string[] | undefined {
  const scope = members.text('scope', 10_000)
  const scopes = scope?.split(' ').filter((one) => one !== '' && !IDENTITY_SCOPES.includes(one))
  return scopes && scopes.length > 0 ? scopes : undefined
}

/**
 * Reads client metadata (RFC 7591, section 2; OpenID Connect Dynamic Client Registration 1.0, section 2). Unknown members are ignored;
 * members with a meaning that is not supported are refused. The rules of all clients (`client-rules.ts`) are not checked here.
 * @param authMethod `token_endpoint_auth_method` of metadata without one
 * @throws KeywrightError `invalid_input`, with each error at its member
 */
export function parseClientMetadata(json: Json, authMethod: string): ClientMetadata {
  const members = new Members(json)
  refuseUnsupported(members)
  const method = authMethodIn(members, authMethod)
  const parsed = {
    settings: settingsIn(members, method),
    authMethod: method,
    scopes: scopesIn(members),
    jwks: keysIn(members, method),
    softwareId: members.text('software_id', SHORT) ?? null,
    softwareVersion: members.text('software_version', SHORT) ?? null,
  }
  if (members.errors.length > 0) throw invalidFields(members.errors)
  return parsed
}

type Requirements = Pick<
  ClientSettings,
  'dpop' | 'parRequired' | 'requestObjectsRequired' | 'certificateBoundAccessTokens'
>

/** What is required after an update: a client cannot lift what its admin requires. */
export const requirementsAfter = (present: Requirements, wanted: Requirements): Requirements => ({
  dpop: present.dpop === 'optional' ? wanted.dpop : present.dpop,
  parRequired: present.parRequired || wanted.parRequired,
  requestObjectsRequired: present.requestObjectsRequired || wanted.requestObjectsRequired,
  certificateBoundAccessTokens: present.certificateBoundAccessTokens || wanted.certificateBoundAccessTokens,
})

/** What is registered of a client. */
interface RegisteredClient {
  readonly settings: RegisteredSettings
  readonly authMethod: string
  /** The scopes of its APIs. */
  readonly scopes: readonly string[]
  /** The public keys, unless it publishes them. */
  readonly keys: readonly JWK[]
  readonly softwareId: string | null
  readonly softwareVersion: string | null
}

/** The registered metadata in the names of RFC 7591, section 2. */
export function clientMetadataOf(registered: RegisteredClient) {
  const { settings, authMethod, scopes, keys, softwareId, softwareVersion } = registered
  const optional = {
    client_uri: settings.clientUri,
    policy_uri: settings.policyUri,
    tos_uri: settings.tosUri,
    backchannel_logout_uri: settings.backchannelLogoutUri,
    jwks: keys.length > 0 ? { keys } : null,
    jwks_uri: settings.jwksUri,
    dpop_bound_access_tokens: settings.dpop !== 'optional' || null,
    require_pushed_authorization_requests: settings.parRequired || null,
    require_signed_request_object: settings.requestObjectsRequired || null,
    tls_client_certificate_bound_access_tokens: settings.certificateBoundAccessTokens || null,
    software_id: softwareId,
    software_version: softwareVersion,
  }
  return {
    client_name: settings.name,
    redirect_uris: settings.redirectUris,
    grant_types: settings.grants,
    response_types: responseTypesOf(settings.grants),
    token_endpoint_auth_method: authMethod,
    ...(scopes.length > 0 && { scope: scopes.join(' ') }),
    id_token_signed_response_alg: settings.idTokenAlg,
    authorization_signed_response_alg: settings.idTokenAlg,
    ...(settings.postLogoutRedirectUris.length > 0 && { post_logout_redirect_uris: settings.postLogoutRedirectUris }),
    ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== null)),
  }
}
