import { Argument, type Command, InvalidArgumentError, Option } from 'commander'
import { parseRateLimit } from '../../clients/client-rate-limits.ts'
import type { AccessType, ClientSettings, Consent, RefreshTokens } from '../../clients/client-settings.ts'
import { grantNamed } from '../../clients/grant-types.ts'
import { ID_TOKEN_ALGS, type IdTokenAlg } from '../../shared/algorithms.ts'

type OnOff = 'on' | 'off'

/** The options that set how a client works. */
export interface ClientOptions {
  accessTokenTtl?: number
  refreshTokenTtl?: number
  refreshTokenMaxAge?: number | 'off'
  refreshTokenRotation?: OnOff
  refreshTokens?: RefreshTokens
  idTokenAlg?: IdTokenAlg
  consent?: Consent
  accessType?: AccessType
  pkce?: 'required' | 'optional'
  postLogoutRedirectUri?: string[]
  backchannelLogoutUri?: string
  policy?: 'none' | 'single'
  rateLimit?: string
  queryCredentials?: OnOff
  clientCredentialsRefresh?: OnOff
  apiKey?: OnOff
  api?: string[]
  scopes?: string
  defaultScopes?: string
  name?: string
  grants?: string
  redirectUri?: string[]
}

export function seconds(text: string): number {
  if (!/^\d{1,10}$/.test(text)) throw new InvalidArgumentError('Use a whole number of seconds.')
  return Number(text)
}

export const secondsOrOff = (text: string) => (text === 'off' ? text : seconds(text))

export const words = (text: string): string[] => text.split(/\s+/).filter(Boolean)

function choice(flag: string, values: readonly string[], help: string): Option {
  return new Option(`${flag} <${values.join('|')}>`, help).choices(values)
}

export const onOffArgument = (help: string) => new Argument('<on|off>', help).choices(['on', 'off'])

const onOffOption = (flag: string, help: string) => choice(flag, ['on', 'off'], help)

function addTokenOptions(command: Command): void {
  command
    .option('--access-token-ttl <seconds>', "Access token lifetime, 60 to 2592000; default: the API's", seconds)
    .addOption(
      choice('--policy', ['none', 'single'], "single: a new token revokes the earlier one; default: the API's"),
    )
    .option('--refresh-token-ttl <seconds>', 'Refresh token lifetime, 60 to 31622400; default: 30 days', seconds)
    .option(
      '--refresh-token-max-age <seconds|off>',
      'Time after the sign-in at which refresh tokens expire even if used, 60 to 315360000; default: off',
      secondsOrOff,
    )
    .addOption(
      onOffOption(
        '--refresh-token-rotation',
        'off: a refresh token can be used until it expires (not with --public); default: on',
      ),
    )
    .addOption(
      choice(
        '--refresh-tokens',
        ['always', 'offline_access'],
        'Requests without the scope openid that get a refresh token; offline_access: those with that scope; default: always',
      ),
    )
}

function addSignInOptions(command: Command): void {
  command
    .addOption(choice('--id-token-alg', ID_TOKEN_ALGS, 'Algorithm that signs its ID tokens; default: RS256'))
    .addOption(
      choice(
        '--consent',
        ['show', 'skip', 'skip_own_account'],
        'Consent page; skip: shown to no user; skip_own_account: not shown to users of its account; default: show',
      ),
    )
    .addOption(
      choice(
        '--pkce',
        ['required', 'optional'],
        'optional: also issue codes without PKCE (not with --public); default: required',
      ),
    )
    .option(
      '--post-logout-redirect-uri <uri...>',
      'Where users may be sent after sign-out, compared exactly; default: off',
    )
    .option('--backchannel-logout-uri <uri|off>', 'HTTPS endpoint that is called when a user signs out; default: off')
}

function addApiOptions(command: Command): void {
  command
    .option('--api <uri...>', "APIs that it may call, its default first; default: the instance's default API")
    .option('--scopes <list>', 'Scopes of its APIs that it is limited to, space-separated; default: all')
    .option(
      '--default-scopes <list|all>',
      'Scopes of a request without the scope parameter, space-separated; default: all',
    )
    .addOption(
      choice(
        '--access-type',
        ['user', 'client', 'both'],
        'Whether it acts for users, for itself or both; tokens beyond a narrower type are revoked; default: both',
      ),
    )
    .option('--rate-limit <N/s|N/min|N/h|off>', 'Limit of token requests, 429 beyond it; default: off')
}

function addLegacyOptions(command: Command): void {
  command
    .addOption(
      onOffOption(
        '--query-credentials',
        'Accept parameters and credentials in the query (against RFC 6749); default: off',
      ),
    )
    .addOption(
      onOffOption('--client-credentials-refresh', 'Return a refresh token for client_credentials too; default: off'),
    )
    .addOption(onOffOption('--api-key', 'Require an x-api-key header beside the client secret; default: off'))
}

export function addClientOptions(command: Command): Command {
  addTokenOptions(command)
  addSignInOptions(command)
  addApiOptions(command)
  addLegacyOptions(command)
  return command
}

const parsed = <Text, Value>(text: Text | undefined, parse: (text: Text) => Value): Value | undefined =>
  text === undefined ? undefined : parse(text)

const isOn = (value: OnOff) => value === 'on'
export const unlessOff = <Value>(value: Value | 'off') => (value === 'off' ? null : value)

const grantsOf = (text: string) => words(text).map(grantNamed)

/** The settings that the options name. */
export function settingsOf(options: ClientOptions): Partial<ClientSettings> {
  const settings: Partial<ClientSettings> = {
    name: options.name,
    grants: parsed(options.grants, grantsOf),
    redirectUris: options.redirectUri,
    postLogoutRedirectUris: parsed(options.postLogoutRedirectUri, (uris) => (uris.join() === 'off' ? [] : uris)),
    backchannelLogoutUri: parsed(options.backchannelLogoutUri, unlessOff),
    pkceRequired: parsed(options.pkce, (word) => word === 'required'),
    consent: options.consent,
    accessType: options.accessType,
    defaultScopes: parsed(options.defaultScopes, (text) => (text === 'all' ? null : words(text))),
    accessTokenTtl: options.accessTokenTtl,
    refreshTokenTtl: options.refreshTokenTtl,
    refreshTokenMaxAge: parsed(options.refreshTokenMaxAge, unlessOff),
    refreshTokenRotation: parsed(options.refreshTokenRotation, isOn),
    refreshTokens: options.refreshTokens,
    idTokenAlg: options.idTokenAlg,
    policy: options.policy,
    rateLimit: parsed(options.rateLimit, (text) => (text === 'off' ? null : parseRateLimit(text))),
    queryCredentials: parsed(options.queryCredentials, isOn),
    clientCredentialsRefresh: parsed(options.clientCredentialsRefresh, isOn),
    apiKeyRequired: parsed(options.apiKey, isOn),
  }
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined))
}
