import type { TokenPolicy } from '../apis/apis.ts'
import type { IdTokenAlg } from '../shared/algorithms.ts'
import { DEFAULT_REFRESH_TOKEN_MAX_AGE } from '../shared/lifetimes.ts'
import type { RateLimit } from './client-rate-limits.ts'

/**
 * Who sees the allow/deny page: `show` every user; `skip_own_account` every user except those of the application's account
 * (admins may set it); `skip` no user (only operators may set it).
 */
export type Consent = 'show' | 'skip' | 'skip_own_account'

/** Whether an application acts for users who sign in, for itself, or both. Only operators set it. */
export type AccessType = 'user' | 'client' | 'both'

/** When a request without `openid` gets a refresh token: always, or only with the scope `offline_access`. */
export type RefreshTokens = 'always' | 'offline_access'

/** A setting that is one column of `clients`. Without `initial`, it is required. */
interface ColumnSetting<Value> {
  readonly column: string
  readonly initial?: Value
}

const plain = <Value>(column: string, initial?: Value): ColumnSetting<Value> => ({ column, initial })

/** Declares each setting once: its column, its default and the JSON of registrations derive from it. */
const COLUMN_SETTINGS = {
  name: plain<string>('name'),
  grants: plain<readonly string[]>('grants'),
  accessType: plain<AccessType>('access_type', 'both'),
  redirectUris: plain<readonly string[]>('redirect_uris', []),
  postLogoutRedirectUris: plain<readonly string[]>('post_logout_redirect_uris', []),
  /** Receives a logout token when a user signs out; null: none (OpenID Connect Back-Channel Logout 1.0). */
  backchannelLogoutUri: plain<string | null>('backchannel_logout_uri', null),
  isPublic: plain<boolean>('is_public', false),
  /** Always true for public clients. */
  pkceRequired: plain<boolean>('pkce_required', true),
  consent: plain<Consent>('consent', 'show'),
  /** The scopes of a request that names none; null: every scope that the client has of the API. */
  defaultScopes: plain<readonly string[] | null>('default_scopes', null),
  /** Seconds; null: the lifetime of the API. */
  accessTokenTtl: plain<number | null>('access_token_ttl', null),
  /** Seconds from the last rotation; null: 30 days. */
  refreshTokenTtl: plain<number | null>('refresh_token_ttl', null),
  /** Seconds from the sign-in; null: no maximum age. */
  refreshTokenMaxAge: plain<number | null>('refresh_token_max_age', DEFAULT_REFRESH_TOKEN_MAX_AGE),
  /** Always true for public clients. */
  refreshTokenRotation: plain<boolean>('refresh_token_rotation', true),
  refreshTokens: plain<RefreshTokens>('refresh_tokens', 'always'),
  /** The algorithm of ID tokens; libraries expect RS256 by default (OpenID Connect Core, section 2). */
  idTokenAlg: plain<IdTokenAlg>('id_token_alg', 'RS256'),
  /** Null: the policy of the API. */
  policy: plain<TokenPolicy | null>('policy', null),
  queryCredentials: plain<boolean>('query_credentials', false),
  clientCredentialsRefresh: plain<boolean>('client_credentials_refresh', false),
  apiKeyRequired: plain<boolean>('api_key_required', false),
}

type ValueOf<Declared> = Declared extends ColumnSetting<infer Value> ? Value : never

type PlainSettings = { readonly [Name in keyof typeof COLUMN_SETTINGS]: ValueOf<(typeof COLUMN_SETTINGS)[Name]> }

/** The settings of a client, without its identity. */
export interface ClientSettings extends PlainSettings {
  readonly rateLimit: RateLimit | null
}

/** The columns of `clients` that hold settings. */
export type SettingsRow = Readonly<Record<string, unknown>>

const DECLARED = Object.entries(COLUMN_SETTINGS) as [keyof PlainSettings, ColumnSetting<unknown>][]

const INITIAL = DECLARED.filter(([, { initial }]) => initial !== undefined).map(([name, { initial }]) => [
  name,
  initial,
])

/** The defaults of a new client. */
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

/** SQL: the settings of `clients c`, as arguments of `json_build_object`, which accepts at most fifty pairs. */
export const SETTINGS_AS_JSON = `${DECLARED.map(([name, { column }]) => `'${name}', c.${column}`).join(', ')},
           'rateLimit', CASE WHEN c.rate_limit_count IS NOT NULL
                             THEN json_build_object('count', c.rate_limit_count, 'period', c.rate_limit_period) END`
