import { invalidInput, KeywrightError } from '../shared/errors.ts'
import { freshnessOf } from '../shared/freshness.ts'
import { parseJson } from '../shared/json-text.ts'
import { checkPublic } from './client-keys.ts'
import { type ClientMetadata, parseClientMetadata } from './client-metadata.ts'
import { checkClientSettings } from './client-rules.ts'
import { DEFAULT_SETTINGS } from './client-settings.ts'
import { AUTHORIZATION_CODE_GRANT } from './grant-types.ts'
import type { AllowedSchemes } from './redirect-uris.ts'
import { OPEN_GRANTS } from './registration-attributes.ts'

/** Milliseconds of one fetch, and the bytes that the draft recommends (section 8.7). */
export const DOCUMENT_LIMITS = { time: 5000, body: 5 * 1024 }

/** `application/json`, and anything that says that it is JSON. */
const MEDIA_TYPE = /^application\/(?:[a-z0-9!#$&^_.-]+\+)?json\s*(?:;|$)/i

/** Seconds for which a document is used before it is fetched again. */
const FRESHNESS = { min: 60, max: 86_400, initial: 3600 }

/** Methods of client authentication with a secret that both sides know: a public document cannot establish one. */
const SHARED_SECRET_METHODS: readonly unknown[] = ['client_secret_basic', 'client_secret_post', 'client_secret_jwt']

/** Members that a public document must not have. */
const FORBIDDEN = ['client_secret', 'client_secret_expires_at', 'registration_access_token', 'registration_client_uri']

/** A URL is no usable client ID: it cannot be one, or what it responds is no document of a client. */
export class ClientIdDocumentError extends KeywrightError {
  constructor(message: string, options?: ErrorOptions) {
    super('invalid_client', message, options)
  }
}

/** What a client says of itself at its client ID. */
export interface ClientIdDocument {
  readonly settings: ClientMetadata['settings']
  /** Seconds after which it shall be fetched again. */
  readonly freshFor: number
}

type Json = Readonly<Record<string, unknown>>

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)

const invalid = (message: string) => invalidInput(message)

/** @throws KeywrightError `invalid_input` */
function parseObject(text: string): Json {
  const parsed = parseJson(text)
  if (!isObject(parsed)) throw invalid('the document is no JSON object')
  return parsed
}

/**
 * Keys are fetched from the host of the client alone: a document that anybody can write must not let this server call other hosts. The
 * document itself is fetched only when a user signs in, so keys in it would be outdated at the token endpoint.
 * @throws KeywrightError `invalid_input`
 */
function checkKeySource(url: string, { jwks_uri: uri }: Json): void {
  if (typeof uri !== 'string')
    throw invalid('a document with the token_endpoint_auth_method private_key_jwt names its keys by jwks_uri')
  if (URL.parse(uri)?.origin !== new URL(url).origin)
    throw invalid('the jwks_uri in the document must have the host of the client ID')
}

/** Draft, section 4.1. @throws KeywrightError `invalid_input` */
function checkCredentials(url: string, document: Json): void {
  const forbidden = FORBIDDEN.find((name) => Object.hasOwn(document, name))
  if (forbidden) throw invalid(`the document must not have the member ${forbidden}`)
  const { jwks, token_endpoint_auth_method: method = 'none' } = document
  if (SHARED_SECRET_METHODS.includes(method))
    throw invalid('the document names a token_endpoint_auth_method with a shared secret')
  if (method === 'private_key_jwt') checkKeySource(url, document)
  else if (method !== 'none')
    throw invalid('the token_endpoint_auth_method of a document must be none or private_key_jwt')
  const keys = isObject(jwks) ? jwks.keys : undefined
  for (const key of Array.isArray(keys) ? keys : []) if (isObject(key)) checkPublic(key)
}

/**
 * What clients may have whom nobody has looked at: some grant types, and no URL that the server calls at each sign-out. A document is the
 * same for all servers, so other members are ignored.
 */
function permittedSettings(settings: ClientMetadata['settings']): ClientMetadata['settings'] {
  const grants = settings.grants.filter((grant) => OPEN_GRANTS.includes(grant))
  if (!grants.includes(AUTHORIZATION_CODE_GRANT))
    throw invalid(`the document does not have the grant type ${AUTHORIZATION_CODE_GRANT}`)
  return { ...settings, grants, backchannelLogoutUri: null }
}

/**
 * Reads the response of a client ID (draft-ietf-oauth-client-id-metadata-document, sections 4 and 5). Clients with a document are public
 * clients or have keys, and get authorization codes and refresh tokens only.
 * @param schemes URI schemes without a dot that an operator allows
 * @throws KeywrightError `invalid_input`; the message is for who wrote the document, and repeats little of it
 */
export async function readClientIdDocument(
  url: string,
  response: Response,
  schemes: AllowedSchemes = [],
): Promise<ClientIdDocument> {
  const { status, headers } = response
  if (status !== 200) throw invalid(`the response has the status ${status}, not 200; redirects are not followed`)
  if (!MEDIA_TYPE.test(headers.get('content-type') ?? '')) throw invalid('the media type of the response is not JSON')
  const document = parseObject(await response.text())
  if (document.client_id !== url) throw invalid('the client_id in the document is not its URL')
  checkCredentials(url, document)
  const settings = permittedSettings(parseClientMetadata(document, 'none').settings)
  checkClientSettings({ ...DEFAULT_SETTINGS, ...settings }, schemes)
  return { settings, freshFor: freshnessOf(headers, FRESHNESS) }
}
