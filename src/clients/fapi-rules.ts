import type { FieldError } from '../shared/errors.ts'
import type { AuthMethod } from './authentication-attributes.ts'
import type { ClientSettings } from './client-settings.ts'

type Values = Partial<ClientSettings>

/** What the FAPI 2.0 Security Profile requires of every client, and FAPI 2.0 enables. */
const ENABLED = {
  parRequired: true,
  pkceRequired: true,
  refreshTokenRotation: false,
  idTokenAlg: 'ES256',
} as const satisfies Values

/** Section 5.3.2.1: how clients authenticate. */
const METHODS: readonly AuthMethod[] = ['private_key_jwt', 'tls_client_auth', 'self_signed_tls_client_auth']

/**
 * The changes with what FAPI 2.0 enables, where they enable FAPI 2.0. A form sends the present values too, so these do not count. Tokens
 * are bound by DPoP, unless they are bound to a certificate.
 */
export function withFapi(before: Values, changes: Values): Values {
  if (!changes.fapi2 || before.fapi2) return changes
  const isCertificateBound = changes.certificateBoundAccessTokens ?? before.certificateBoundAccessTokens
  const dpop = (changes.dpop ?? before.dpop) === 'nonce' ? 'nonce' : 'required'
  return { ...changes, ...ENABLED, ...(!isCertificateBound && { dpop }) }
}

/** Each rule of FAPI 2.0 that the settings break, at its field. */
export function* errorsOfFapi(settings: ClientSettings): Iterable<FieldError> {
  if (!settings.fapi2) return
  const refused = (field: keyof ClientSettings, message: string) => ({ field, message })
  if (settings.isPublic) yield refused('fapi2', 'FAPI 2.0 is for clients that authenticate, and this one is public')
  else if (!METHODS.includes(settings.authMethod))
    yield refused('fapi2', 'FAPI 2.0 requires client authentication by a private key or a certificate')
  if (!settings.parRequired) yield refused('parRequired', 'FAPI 2.0 requires pushed authorization requests')
  if (!settings.pkceRequired) yield refused('pkceRequired', 'FAPI 2.0 requires PKCE')
  if (settings.dpop === 'optional' && !settings.certificateBoundAccessTokens)
    yield refused('dpop', 'FAPI 2.0 requires tokens that are bound by DPoP or to a certificate')
  if (settings.refreshTokenRotation)
    yield refused('refreshTokenRotation', 'FAPI 2.0 does not allow refresh token rotation')
  if (settings.idTokenAlg !== 'ES256') yield refused('idTokenAlg', `FAPI 2.0 does not allow ${settings.idTokenAlg}`)
  if (settings.endpointAudiences) yield refused('endpointAudiences', 'FAPI 2.0 accepts only the issuer as audience')
  if (settings.queryCredentials) yield refused('queryCredentials', 'FAPI 2.0 does not allow credentials in a URL')
  for (const uri of settings.redirectUris) {
    if (!uri.startsWith('https://'))
      yield refused('redirectUris', `FAPI 2.0 requires https for redirect URIs, unlike ${uri}`)
  }
}

/** What FAPI 2.0 requires of a client, with the standard that describes it. */
export interface FapiRequirement {
  readonly requirement: string
  readonly reference: string
}

const PROFILE = 'FAPI 2.0 Security Profile'

const BY_METHOD: Partial<Record<AuthMethod, FapiRequirement>> = {
  private_key_jwt: { requirement: 'Authentication by a private key (private_key_jwt)', reference: 'RFC 7523' },
  tls_client_auth: { requirement: 'Authentication by a certificate', reference: 'RFC 8705' },
  self_signed_tls_client_auth: { requirement: 'Authentication by a certificate', reference: 'RFC 8705' },
}

const BOUND: Readonly<Record<'certificate' | Exclude<ClientSettings['dpop'], 'optional'>, FapiRequirement>> = {
  certificate: { requirement: 'Access tokens that are bound to a certificate', reference: 'RFC 8705' },
  required: { requirement: 'Access tokens that are bound to a key (DPoP)', reference: 'RFC 9449' },
  nonce: { requirement: 'Access tokens that are bound to a key (DPoP), with nonces', reference: 'RFC 9449' },
}

const ALWAYS: readonly FapiRequirement[] = [
  { requirement: 'Pushed authorization requests (PAR)', reference: 'RFC 9126' },
  { requirement: 'PKCE', reference: 'RFC 7636' },
  { requirement: 'The issuer in authorization responses', reference: 'RFC 9207' },
  { requirement: 'Redirect URIs with https', reference: `${PROFILE}, 5.3.2.2` },
  { requirement: 'ID tokens that are signed by ES256', reference: `${PROFILE}, 5.4.1` },
  { requirement: 'No JWT that is signed by RS256', reference: `${PROFILE}, 5.4.1` },
  { requirement: 'The issuer as the only audience of client assertions', reference: `${PROFILE}, 5.3.2.1` },
  { requirement: 'No refresh token rotation', reference: `${PROFILE}, 5.3.2.1` },
]

/** Every requirement that there is. */
export const FAPI_REQUIREMENTS: readonly FapiRequirement[] = [
  ...Object.values(BY_METHOD),
  ...ALWAYS,
  ...Object.values(BOUND),
]

type Judged = Pick<ClientSettings, 'fapi2' | 'authMethod' | 'dpop' | 'certificateBoundAccessTokens'>

/** What FAPI 2.0 requires of the client now; nothing where it is off. */
export function requirementsOfFapi({ fapi2, authMethod, dpop, certificateBoundAccessTokens }: Judged) {
  if (!fapi2) return []
  const binding = [
    ...(dpop === 'optional' ? [] : [BOUND[dpop]]),
    ...(certificateBoundAccessTokens ? [BOUND.certificate] : []),
  ]
  return [BY_METHOD[authMethod], ...binding, ...ALWAYS].filter((one) => one !== undefined)
}
