import type { TokenPolicy } from '../apis/apis.ts'
import type { IdTokenAlg } from '../shared/algorithms.ts'
import { DEFAULT_REFRESH_TOKEN_MAX_AGE } from '../shared/lifetimes.ts'
import type { RateLimit } from './client-rate-limits.ts'

/**
 * Who sees the allow/deny page: `show` everybody, `skip` nobody (the operator's word alone), `skip_own_account` everybody
 * but the people of the application's own account (what its admin may say too).
 */
export type Consent = 'show' | 'skip' | 'skip_own_account'

/** For whom an application may act: for people who sign in to it, for itself, or both. What the operator sets, and nobody else. */
export type AccessType = 'user' | 'client' | 'both'

/** Of requests without `openid`: whether each is answered with a refresh token, or those that ask for `offline_access`. */
export type RefreshTokens = 'always' | 'offline_access'

/** A setting that is one column of `clients`. Without `initial`, every registration must say it. */
interface Plain<Value> {
  readonly column: string
  readonly initial?: Value
}

const plain = <Value>(column: string, initial?: Value): Plain<Value> => ({ column, initial })

/** Declared here and nowhere else: its row, its defaults and what the endpoints read of it follow. */
const PLAIN = {
  name: plain<string>('name'),
  grants: plain<readonly string[]>('grants'),
  accessType: plain<AccessType>('access_type', 'both'),
  redirectUris: plain<readonly string[]>('redirect_uris', []),
  postLogoutRedirectUris: plain<readonly string[]>('post_logout_redirect_uris', []),
  /** Told when a person signs out; null: nobody is (OpenID Connect Back-Channel Logout 1.0). */
  backchannelLogoutUri: plain<string | null>('backchannel_logout_uri', null),
  isPublic: plain<boolean>('is_public', false),
  /** Public clients always. */
  pkceRequired: plain<boolean>('pkce_required', true),
  consent: plain<Consent>('consent', 'show'),
  /** What a request without scope gets; null: every scope that the client has of the API. */
  defaultScopes: plain<readonly string[] | null>('default_scopes', null),
  /** Seconds; null: the API's. */
  accessTokenTtl: plain<number | null>('access_token_ttl', null),
  /** Seconds, anew with each rotation; null: 30 days. */
  refreshTokenTtl: plain<number | null>('refresh_token_ttl', null),
  /** Seconds since the sign-in, whatever the use; null: no absolute end. */
  refreshTokenMaxAge: plain<number | null>('refresh_token_max_age', DEFAULT_REFRESH_TOKEN_MAX_AGE),
  /** Public clients always. */
  refreshTokenRotation: plain<boolean>('refresh_token_rotation', true),
  refreshTokens: plain<RefreshTokens>('refresh_tokens', 'always'),
  /** What its ID tokens are signed with; RS256 is what libraries expect unasked (OpenID Connect Core, section 2). */
  idTokenAlg: plain<IdTokenAlg>('id_token_alg', 'RS256'),
  /** Null: the API's. */
  policy: plain<TokenPolicy | null>('policy', null),
  queryCredentials: plain<boolean>('query_credentials', false),
  clientCredentialsRefresh: plain<boolean>('client_credentials_refresh', false),
  apiKeyRequired: plain<boolean>('api_key_required', false),
}

type ValueOf<Declared> = Declared extends Plain<infer Value> ? Value : never

type PlainSettings = { readonly [Name in keyof typeof PLAIN]: ValueOf<(typeof PLAIN)[Name]> }

/** What a registration says beyond who it is. */
export interface ClientSettings extends PlainSettings {
  readonly rateLimit: RateLimit | null
}

/** The settings' part of a row of `clients`, by column. */
export type SettingsRow = Readonly<Record<string, unknown>>

const DECLARED = Object.entries(PLAIN) as [keyof PlainSettings, Plain<unknown>][]

const INITIAL = DECLARED.filter(([, { initial }]) => initial !== undefined).map(([name, { initial }]) => [
  name,
  initial,
])

/** What is so until somebody says otherwise. */
export const DEFAULT_SETTINGS: Omit<ClientSettings, 'name' | 'grants'> = {
  ...(Object.fromEntries(INITIAL) as Omit<PlainSettings, 'name' | 'grants'>),
  rateLimit: null,
}

export function toSettings(row: SettingsRow): ClientSettings {
  const values = DECLARED.map(([name, { column }]) => [name, row[column]])
  const { rate_limit_count: count, rate_limit_period: period } = row as Record<string, number | null>
  return { ...(Object.fromEntries(values) as PlainSettings), rateLimit: count ? { count, period: period! } : null }
}

export function toColumns(settings: ClientSettings): SettingsRow {
  const values = DECLARED.map(([name, { column }]) => [column, settings[name]])
  const { count = null, period = null } = settings.rateLimit ?? {}
  return { ...Object.fromEntries(values), rate_limit_count: count, rate_limit_period: period }
}

/** SQL: the settings of `clients c`, as arguments of `json_build_object`, which takes fifty pairs at most. */
export const SETTINGS_AS_JSON = `${DECLARED.map(([name, { column }]) => `'${name}', c.${column}`).join(', ')},
           'rateLimit', CASE WHEN c.rate_limit_count IS NOT NULL
                             THEN json_build_object('count', c.rate_limit_count, 'period', c.rate_limit_period) END`
