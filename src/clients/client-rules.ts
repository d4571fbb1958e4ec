import { isDeepStrictEqual } from 'node:util'
import type { Role } from '../accounts/user-attributes.ts'
import { attributeError } from '../shared/attribute-errors.ts'
import { normalizedValues } from '../shared/attribute-values.ts'
import { attributesWhere, entriesOf, isOperatorChoice, namesOf } from '../shared/attributes.ts'
import { type FieldError, invalidFields, invalidInput, KeywrightError } from '../shared/errors.ts'
import { CLIENT_ATTRIBUTES, EXTERNAL_ATTRIBUTES } from './client-attributes.ts'
import type { ClientSettings } from './client-settings.ts'
import { errorsOfFapi } from './fapi-rules.ts'
import {
  CLIENT_CREDENTIALS_GRANT,
  GRANTS,
  type GrantSubject,
  grantTypesOf,
  TOKEN_EXCHANGE_GRANT,
} from './grant-types.ts'
import { type AllowedSchemes, redirectUriError } from './redirect-uris.ts'
import type { AccessType } from './token-attributes.ts'

/** Whom a client of an access type cannot act for. */
const FORBIDDEN_SUBJECTS: Readonly<Record<AccessType, GrantSubject | undefined>> = {
  user: 'client',
  client: 'user',
  both: undefined,
}

const ACCESS_TYPE_TEXT = { user: 'for users only', client: 'for itself only', both: 'for both' } as const

type FieldErrors = Iterable<FieldError>

const fieldError = (field: keyof ClientSettings, message: string): FieldError => ({ field, message })

/** The errors of single values; what several values have to do with each other is checked below. */
function* errorsOfValues(settings: ClientSettings): FieldErrors {
  for (const [name, attribute] of entriesOf(CLIENT_ATTRIBUTES)) {
    const message = attributeError(attribute, settings[name])
    if (message) yield fieldError(name, message)
  }
}

function* errorsOfGrants(settings: ClientSettings): FieldErrors {
  const { grants, isPublic, redirectUris, accessType } = settings
  for (const unknown of grants.filter((grant) => !GRANTS.includes(grant))) {
    yield fieldError('grants', `unknown grant type ${unknown.slice(0, 200)}; use ${GRANTS.join(', ')}`)
  }
  if (grants.length === 0) yield fieldError('grants', 'a client needs at least one grant type')
  for (const { value, reference, requiresClientSecret, actsFor, requiresRedirectUri } of grantTypesOf(grants)) {
    if (isPublic && requiresClientSecret)
      yield fieldError('grants', `a public client has no client secret and cannot use ${value} (${reference})`)
    if (actsFor === FORBIDDEN_SUBJECTS[accessType])
      yield fieldError('grants', `this client acts ${ACCESS_TYPE_TEXT[accessType]} and cannot use ${value}`)
    // Exchanged tokens are those of users.
    if (value === TOKEN_EXCHANGE_GRANT && accessType === 'client')
      yield fieldError('grants', `this client acts ${ACCESS_TYPE_TEXT.client} and cannot use ${value}`)
    if (requiresRedirectUri && redirectUris.length === 0)
      yield fieldError('redirectUris', `${value} requires at least one redirect URI`)
  }
}

/** RFC 9700, sections 2.1.1 and 2.2.2: without client authentication, PKCE and rotation protect against stolen codes and tokens. */
function* errorsOfPublicClient(settings: ClientSettings): FieldErrors {
  if (!settings.isPublic) return
  if (!settings.pkceRequired) {
    yield fieldError('pkceRequired', 'a public client must use PKCE (RFC 9700, section 2.1.1)')
  }
  if (!settings.refreshTokenRotation) {
    yield fieldError(
      'refreshTokenRotation',
      'the refresh tokens of a public client must rotate (RFC 9700, section 2.2.2)',
    )
  }
  if (settings.apiKeyRequired) yield fieldError('apiKeyRequired', 'a public client cannot keep an API key secret')
}

/** What depends on a client secret is nothing for a client that has none. */
function* errorsOfSecretlessClient(settings: ClientSettings): FieldErrors {
  if (settings.authMethod === 'client_secret') return
  if (settings.isPublic) yield fieldError('authMethod', 'a public client does not authenticate')
  if (settings.apiKeyRequired) yield fieldError('apiKeyRequired', 'a client without a client secret needs no API key')
  if (settings.reuseWindow !== null) {
    yield fieldError(
      'reuseWindow',
      'tokens that are used again are encrypted with the client secret, which this client does not have',
    )
  }
}

/** A token that is used again would be bound to the certificate or key of an earlier request. */
function* errorsOfBoundTokens({ certificateBoundAccessTokens, dpop, reuseWindow }: ClientSettings): FieldErrors {
  if (reuseWindow === null) return
  if (certificateBoundAccessTokens)
    yield fieldError('reuseWindow', 'tokens that are bound to a certificate cannot be used again for another request')
  if (dpop !== 'optional')
    yield fieldError('reuseWindow', 'tokens that are bound to a key cannot be used again for another request')
}

function* errorsOfKeys({ isPublic, authMethod, jwksUri, requestObjectsRequired }: ClientSettings): FieldErrors {
  if (requestObjectsRequired && (isPublic || authMethod !== 'private_key_jwt'))
    yield fieldError(
      'requestObjectsRequired',
      'only a client with the authentication method private_key_jwt has keys to sign with',
    )
  if (jwksUri !== null && (isPublic || authMethod !== 'private_key_jwt'))
    yield fieldError('jwksUri', 'only a client with the authentication method private_key_jwt has public keys')
}

function* errorsOfLegacyOptions(settings: ClientSettings): FieldErrors {
  if (settings.endpointAudiences && settings.authMethod !== 'private_key_jwt') {
    yield fieldError(
      'endpointAudiences',
      'only a client with the authentication method private_key_jwt signs assertions',
    )
  }
  if (settings.clientCredentialsRefresh && !settings.grants.includes(CLIENT_CREDENTIALS_GRANT)) {
    const message = `a refresh token for ${CLIENT_CREDENTIALS_GRANT} requires the grant ${CLIENT_CREDENTIALS_GRANT}`
    yield fieldError('clientCredentialsRefresh', message)
  }
}

function* errorsOfIdentityAssertions({ identityAssertions, accessType }: ClientSettings): FieldErrors {
  if (identityAssertions && accessType === 'client')
    yield fieldError(
      'identityAssertions',
      `this client acts ${ACCESS_TYPE_TEXT.client}, and identity assertions are for users`,
    )
}

function* errorsOfRedirectUris(
  field: keyof ClientSettings,
  what: string,
  uris: readonly string[],
  schemes: AllowedSchemes,
): FieldErrors {
  for (const uri of uris) {
    const message = redirectUriError(what, uri, schemes)
    if (message) yield fieldError(field, message)
  }
}

function* fieldErrorsOf(settings: ClientSettings, schemes: AllowedSchemes): FieldErrors {
  const { redirectUris, postLogoutRedirectUris } = settings
  yield* errorsOfValues(settings)
  yield* errorsOfGrants(settings)
  yield* errorsOfPublicClient(settings)
  yield* errorsOfSecretlessClient(settings)
  yield* errorsOfBoundTokens(settings)
  yield* errorsOfKeys(settings)
  yield* errorsOfLegacyOptions(settings)
  yield* errorsOfIdentityAssertions(settings)
  yield* errorsOfFapi(settings)
  yield* errorsOfRedirectUris('redirectUris', 'redirect URI', redirectUris, schemes)
  yield* errorsOfRedirectUris('postLogoutRedirectUris', 'post-logout redirect URI', postLogoutRedirectUris, schemes)
}

/**
 * @param schemes URI schemes without a dot that an operator allows
 * @throws KeywrightError `invalid_input`, with every rule that the settings break, at its field
 */
export function checkClientSettings(settings: ClientSettings, schemes: AllowedSchemes = []): void {
  const fieldErrors = [...fieldErrorsOf(settings, schemes)]
  if (fieldErrors.length > 0) throw invalidFields(fieldErrors)
}

/** The settings as they are stored. @throws KeywrightError as `checkClientSettings` */
export function checkedSettings(settings: ClientSettings, schemes: AllowedSchemes): ClientSettings {
  checkClientSettings(settings, schemes)
  return { ...settings, ...normalizedValues(CLIENT_ATTRIBUTES, settings) }
}

/** The settings of the client by which an API introspects: it has no grants, and authenticates by a secret or a key. @throws KeywrightError `invalid_input` */
export function checkedApiClient(settings: ClientSettings): ClientSettings {
  const { authMethod, jwksUri } = settings
  if (authMethod !== 'client_secret' && authMethod !== 'private_key_jwt')
    throw invalidInput('the client of an API authenticates by a client secret or private_key_jwt', 'authMethod')
  const message = attributeError(CLIENT_ATTRIBUTES.jwksUri, jwksUri)
  const fieldErrors = [...errorsOfKeys(settings), ...(message ? [fieldError('jwksUri', message)] : [])]
  if (fieldErrors.length > 0) throw invalidFields(fieldErrors)
  return settings
}

/** The settings that only operators see and set. */
export const OPERATOR_SETTINGS = namesOf(
  attributesWhere(CLIENT_ATTRIBUTES, ({ operatorOnly }) => operatorOnly === true),
) as readonly (keyof ClientSettings)[]

/** The values of the settings that only operators set, except those that belong to one client alone, such as its external ID. */
export const operatorSettingsOf = (settings: ClientSettings): Partial<ClientSettings> =>
  Object.fromEntries(
    OPERATOR_SETTINGS.filter((name) => !Object.hasOwn(EXTERNAL_ATTRIBUTES, name)).map((name) => [name, settings[name]]),
  )

type Values = Partial<ClientSettings>

/** What users recognize an application by, and what an operator checks before verifying it. */
const VERIFIED: readonly (keyof ClientSettings)[] = ['name', 'logo', 'clientUri', 'policyUri', 'tosUri', 'redirectUris']

/** The settings that the changes set to another value. */
const changedNames = (before: Values | undefined, changes: Values): (keyof ClientSettings)[] =>
  namesOf(CLIENT_ATTRIBUTES).filter(
    (name) => changes[name] !== undefined && !isDeepStrictEqual(changes[name], before?.[name]),
  )

/** The changes with what follows from them: what a user who is no operator changes is no longer verified. */
export const withVerification = (role: Role, before: ClientSettings, changes: Values): Values =>
  role !== 'operator' && changedNames(before, changes).some((name) => VERIFIED.includes(name))
    ? { ...changes, isVerified: false }
    : changes

/**
 * Checks whether a user with this role may change these settings. Setting a value that is already set is not a change.
 * @param before the client, or the defaults of a new one; undefined: every operator setting counts as a change
 * @throws KeywrightError `forbidden`
 */
export function checkMaySet(role: Role, before: Values | undefined, changes: Values): void {
  if (role === 'operator') return
  for (const name of changedNames(before, changes)) {
    if (OPERATOR_SETTINGS.includes(name)) throw new KeywrightError('forbidden', `only an operator can change ${name}`)
    if (isOperatorChoice(CLIENT_ATTRIBUTES[name], changes[name]))
      throw new KeywrightError('forbidden', `only an operator can set ${name} to ${changes[name]}`)
  }
}

/** Refuses these values also where they are set already: the answer to a guess would reveal them. @throws KeywrightError `forbidden` */
function checkNoGuess(role: Role, changes: Values): void {
  const guessed = namesOf(EXTERNAL_ATTRIBUTES).find((name) => changes[name] !== undefined)
  if (role !== 'operator' && guessed) throw new KeywrightError('forbidden', `only an operator can change ${guessed}`)
}

/**
 * Checks a change of these settings by a user with this role.
 * @throws KeywrightError `forbidden`; `invalid_input` if a setting is fixed when the client is created
 */
export function checkSettingsChange(role: Role, before: ClientSettings, changes: Values): void {
  checkNoGuess(role, changes)
  checkMaySet(role, before, changes)
  const fixed = changedNames(before, changes).filter((name) => CLIENT_ATTRIBUTES[name].isFixed)
  if (fixed.length > 0) throw invalidFields(fixed.map((field) => ({ field, message: 'cannot be changed' })))
}
