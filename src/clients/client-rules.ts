import { isDeepStrictEqual } from 'node:util'
import type { Role } from '../accounts/users.ts'
import { scopesError } from '../apis/scopes.ts'
import { ID_TOKEN_ALGS } from '../shared/algorithms.ts'
import { type FieldError, invalidFields, KeywrightError } from '../shared/errors.ts'
import { accessTokenTtlError, refreshTokenMaxAgeError, refreshTokenTtlError } from '../shared/lifetimes.ts'
import { nameError } from '../shared/names.ts'
import { rateLimitError } from '../shared/rate-limit-format.ts'
import type { AccessType, ClientSettings } from './client-settings.ts'
import { CLIENT_CREDENTIALS_GRANT, GRANTS, type GrantSubject, grantTypesOf } from './grant-types.ts'
import { type AllowedSchemes, backchannelLogoutUriError, redirectUriError } from './redirect-uris.ts'

/** Whom a client of an access type cannot act for. */
const FORBIDDEN_SUBJECTS: Readonly<Record<AccessType, GrantSubject | undefined>> = {
  user: 'client',
  client: 'user',
  both: undefined,
}

const ACCESS_TYPE_TEXT = { user: 'for users only', client: 'for itself only', both: 'for both' } as const

/** The settings with a fixed set of values. */
const ALLOWED_VALUES = {
  accessType: ['user', 'client', 'both'],
  consent: ['show', 'skip', 'skip_own_account'],
  refreshTokens: ['always', 'offline_access'],
  idTokenAlg: ID_TOKEN_ALGS,
  policy: ['none', 'single', null],
} as const satisfies { [Name in keyof ClientSettings]?: readonly ClientSettings[Name][] }

type FieldErrors = Iterable<FieldError>

const fieldError = (field: keyof ClientSettings, message: string): FieldError => ({ field, message })

/** The error of a value, unless the value is null. */
function* errorOf<Value>(
  field: keyof ClientSettings,
  value: Value | null,
  validate: (value: Value) => string | undefined,
): FieldErrors {
  const message = value === null ? undefined : validate(value)
  if (message) yield fieldError(field, message)
}

function* errorsOfAllowedValues(settings: ClientSettings): FieldErrors {
  for (const [name, allowed] of Object.entries(ALLOWED_VALUES) as [keyof typeof ALLOWED_VALUES, readonly unknown[]][]) {
    if (!allowed.includes(settings[name]))
      yield fieldError(name, `must be one of ${allowed.filter(Boolean).join(', ')}`)
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

function* errorsOfLegacyOptions(settings: ClientSettings): FieldErrors {
  if (settings.clientCredentialsRefresh && !settings.grants.includes(CLIENT_CREDENTIALS_GRANT)) {
    const message = `a refresh token for ${CLIENT_CREDENTIALS_GRANT} requires the grant ${CLIENT_CREDENTIALS_GRANT}`
    yield fieldError('clientCredentialsRefresh', message)
  }
}

function* errorsOfUris(settings: ClientSettings, schemes: AllowedSchemes): FieldErrors {
  for (const uri of settings.redirectUris) {
    yield* errorOf('redirectUris', uri, (one) => redirectUriError('redirect URI', one, schemes))
  }
  for (const uri of settings.postLogoutRedirectUris) {
    yield* errorOf('postLogoutRedirectUris', uri, (one) => redirectUriError('post-logout redirect URI', one, schemes))
  }
  yield* errorOf('backchannelLogoutUri', settings.backchannelLogoutUri, backchannelLogoutUriError)
}

function* fieldErrorsOf(settings: ClientSettings, schemes: AllowedSchemes): FieldErrors {
  yield* errorOf('name', settings.name, (name) => nameError('a client name', name, 200))
  yield* errorsOfAllowedValues(settings)
  yield* errorsOfGrants(settings)
  yield* errorsOfPublicClient(settings)
  yield* errorsOfLegacyOptions(settings)
  yield* errorsOfUris(settings, schemes)
  yield* errorOf('accessTokenTtl', settings.accessTokenTtl, accessTokenTtlError)
  yield* errorOf('refreshTokenTtl', settings.refreshTokenTtl, refreshTokenTtlError)
  yield* errorOf('refreshTokenMaxAge', settings.refreshTokenMaxAge, refreshTokenMaxAgeError)
  yield* errorOf('defaultScopes', settings.defaultScopes, scopesError)
  yield* errorOf('rateLimit', settings.rateLimit, rateLimitError)
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
  return { ...settings, name: settings.name.trim() }
}

/** The settings that only operators see and set. */
export const OPERATOR_SETTINGS: readonly (keyof ClientSettings)[] = ['rateLimit', 'accessType']

/**
 * Checks whether a user with this role may change these settings. Setting a value that is already set is not a change.
 * @param before the client, or the defaults of a new one; undefined: every operator setting counts as a change
 * @throws KeywrightError `forbidden`
 */
export function checkMaySet(
  role: Role,
  before: Partial<ClientSettings> | undefined,
  changes: Partial<ClientSettings>,
): void {
  if (role === 'operator') return
  const isChanged = (name: keyof ClientSettings) =>
    changes[name] !== undefined && !isDeepStrictEqual(changes[name], before?.[name])
  const forbidden = OPERATOR_SETTINGS.find(isChanged)
  if (forbidden) throw new KeywrightError('forbidden', `only an operator can change ${forbidden}`)
  if (changes.consent === 'skip' && isChanged('consent')) {
    throw new KeywrightError('forbidden', 'only an operator can skip the allow/deny page for every user')
  }
}
