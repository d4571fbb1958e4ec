import { Argument, type Command, InvalidArgumentError, Option } from 'commander'
import { parseRateLimit } from '../../clients/client-rate-limits.ts'
import { DEVICE_CODE_GRANT } from '../../clients/client-rules.ts'
import type { AccessType, ClientSettings, Consent, RefreshTokens } from '../../clients/client-settings.ts'
import { ID_TOKEN_ALGS, type IdTokenAlg } from '../../shared/algorithms.ts'

type OnOff = 'on' | 'off'

/** The options of DESIGN.md that say how a client works. */
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
  if (!/^\d{1,10}$/.test(text)) throw new InvalidArgumentError('It is a whole number of seconds.')
  return Number(text)
}

export const secondsOrOff = (text: string) => (text === 'off' ? text : seconds(text))

export const words = (text: string): string[] => text.split(/\s+/).filter(Boolean)

function choice(flag: string, values: readonly string[], doc: string): Option {
  return new Option(`${flag} <${values.join('|')}>`, doc).choices(values)
}

export const onOffArgument = (doc: string) => new Argument('<on|off>', doc).choices(['on', 'off'])

const onOffOption = (flag: string, doc: string) => choice(flag, ['on', 'off'], doc)

function addTokenOptions(command: Command): void {
  command
    .option('--access-token-ttl <seconds>', "the life of its access tokens, 60 to 2592000; default the API's", seconds)
    .addOption(choice('--policy', ['none', 'single'], "single: a new token ends the earlier one; default the API's"))
    .option('--refresh-token-ttl <seconds>', 'the life of its refresh tokens, 60 to 31622400; default 30 days', seconds)
    .option(
      '--refresh-token-max-age <seconds|off>',
      'how long after the sign-in they end, however used, 60 to 315360000; default off: never',
      secondsOrOff,
    )
    .addOption(onOffOption('--refresh-token-rotation', 'off: one serves until it ends (not if --public); default on'))
    .addOption(
      choice(
        '--refresh-tokens',
        ['always', 'offline_access'],
        'which requests without the scope openid get one; offline_access: those that ask for it; default always',
      ),
    )
}

function addSignInOptions(command: Command): void {
  command
    .addOption(choice('--id-token-alg', ID_TOKEN_ALGS, 'what its ID tokens are signed with; default RS256'))
    .addOption(
      choice(
        '--consent',
        ['show', 'skip', 'skip_own_account'],
        'the allow/deny page; skip: for nobody; skip_own_account: not for people of its own account; default show',
      ),
    )
    .addOption(
      choice(
        '--pkce',
        ['required', 'optional'],
        'optional: codes without PKCE too (not if --public); default required',
      ),
    )
    .option(
      '--post-logout-redirect-uri <uri...>',
      'where people may be sent after signing out, exactly; default off: nowhere',
    )
    .option('--backchannel-logout-uri <uri|off>', 'what is called when a person signs out, https; default off')
}

function addApiOptions(command: Command): void {
  command
    .option('--api <uri...>', "the APIs it may call, its default first; default the instance's default API")
    .option('--scopes <list>', 'narrow it to these scopes of its APIs, space-separated; default all')
    .option(
      '--default-scopes <list|all>',
      'what a request without scope gets, space-separated; default all that it has',
    )
    .addOption(
      choice(
        '--access-type',
        ['user', 'client', 'both'],
        'for whom it may act: people who sign in to it, itself, or both; narrowed, it loses every token; default both',
      ),
    )
    .option('--rate-limit <N/s|N/min|N/h|off>', 'the most token requests, 429 beyond them; default off')
}

function addLegacyOptions(command: Command): void {
  command
    .addOption(
      onOffOption('--query-credentials', 'allow parameters and credentials in the URL (against RFC 6749); default off'),
    )
    .addOption(
      onOffOption('--client-credentials-refresh', 'answer client_credentials with a refresh token too; default off'),
    )
    .addOption(onOffOption('--api-key', 'require an x-api-key header beside the secret; default off'))
}

export function addClientOptions(command: Command): Command {
  addTokenOptions(command)
  addSignInOptions(command)
  addApiOptions(command)
  addLegacyOptions(command)
  return command
}

const given = <Text, Value>(text: Text | undefined, read: (text: Text) => Value): Value | undefined =>
  text === undefined ? undefined : read(text)

const isOn = (value: OnOff) => value === 'on'
export const unlessOff = <Value>(value: Value | 'off') => (value === 'off' ? null : value)

/** `device_code` is short for the grant type's whole name. */
const grantsOf = (text: string) => words(text).map((grant) => (grant === 'device_code' ? DEVICE_CODE_GRANT : grant))

/** The settings that the options name; what they leave out is left out here too. */
export function settingsOf(options: ClientOptions): Partial<ClientSettings> {
  const settings: Partial<ClientSettings> = {
    name: options.name,
    grants: given(options.grants, grantsOf),
    redirectUris: options.redirectUri,
    postLogoutRedirectUris: given(options.postLogoutRedirectUri, (uris) => (uris.join() === 'off' ? [] : uris)),
    backchannelLogoutUri: given(options.backchannelLogoutUri, unlessOff),
    pkceRequired: given(options.pkce, (word) => word === 'required'),
    consent: options.consent,
    accessType: options.accessType,
    defaultScopes: given(options.defaultScopes, (text) => (text === 'all' ? null : words(text))),
    accessTokenTtl: options.accessTokenTtl,
    refreshTokenTtl: options.refreshTokenTtl,
    refreshTokenMaxAge: given(options.refreshTokenMaxAge, unlessOff),
    refreshTokenRotation: given(options.refreshTokenRotation, isOn),
    refreshTokens: options.refreshTokens,
    idTokenAlg: options.idTokenAlg,
    policy: options.policy,
    rateLimit: given(options.rateLimit, (text) => (text === 'off' ? null : parseRateLimit(text))),
    queryCredentials: given(options.queryCredentials, isOn),
    clientCredentialsRefresh: given(options.clientCredentialsRefresh, isOn),
    apiKeyRequired: given(options.apiKey, isOn),
  }
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined))
}
