import { type Command, InvalidArgumentError, Option } from 'commander'
import type { ClientSettings } from '../../clients/clients.ts'
import { parseRateLimit } from '../../clients/rate-limits.ts'

type OnOff = 'on' | 'off'

/** The options of DESIGN.md that say how a client works. */
export interface ClientOptions {
  accessTokenTtl?: number
  refreshTokenTtl?: number
  consent?: 'show' | 'skip'
  policy?: 'none' | 'single'
  rateLimit?: string
  queryCredentials?: OnOff
  clientCredentialsRefresh?: OnOff
  apiKey?: OnOff
  api?: string[]
  scopes?: string
  name?: string
  grants?: string
  redirectUri?: string[]
}

export function seconds(text: string): number {
  if (!/^\d{1,10}$/.test(text)) throw new InvalidArgumentError('It is a whole number of seconds.')
  return Number(text)
}

export const words = (text: string): string[] => text.split(/\s+/).filter(Boolean)

const onOffOption = (flag: string, doc: string) => new Option(`${flag} <on|off>`, doc).choices(['on', 'off'])

export function addClientOptions(command: Command): Command {
  return command
    .option('--access-token-ttl <seconds>', "the life of its access tokens, 60 to 2592000; else the API's", seconds)
    .option('--refresh-token-ttl <seconds>', 'the life of its refresh tokens, 60 to 31622400; else 30 days', seconds)
    .addOption(new Option('--consent <show|skip>', 'whether the allow/deny page is shown').choices(['show', 'skip']))
    .addOption(
      new Option('--policy <none|single>', "single: a new token ends the earlier one; else the API's").choices([
        'none',
        'single',
      ]),
    )
    .option('--rate-limit <N/s|N/min|N/h|off>', 'the most token requests; 429 beyond them')
    .addOption(onOffOption('--query-credentials', 'allow parameters and credentials in the URL (against RFC 6749)'))
    .addOption(onOffOption('--client-credentials-refresh', 'answer client_credentials with a refresh token too'))
    .addOption(onOffOption('--api-key', 'demand an x-api-key header beside the secret'))
    .option('--api <uri...>', 'the APIs it may call, the default first')
    .option('--scopes <list>', 'narrow it to these scopes of its APIs, space-separated')
}

const flag = (value: OnOff | undefined) => (value === undefined ? undefined : value === 'on')

/** The settings that the options name; what they leave out is left out here too. */
export function settingsOf(options: ClientOptions): Partial<ClientSettings> {
  const settings = {
    name: options.name,
    grants: options.grants === undefined ? undefined : words(options.grants),
    redirectUris: options.redirectUri,
    accessTokenTtl: options.accessTokenTtl,
    refreshTokenTtl: options.refreshTokenTtl,
    consent: options.consent,
    policy: options.policy,
    rateLimit:
      options.rateLimit === undefined
        ? undefined
        : options.rateLimit === 'off'
          ? null
          : parseRateLimit(options.rateLimit),
    queryCredentials: flag(options.queryCredentials),
    clientCredentialsRefresh: flag(options.clientCredentialsRefresh),
    apiKeyRequired: flag(options.apiKey),
  }
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined))
}
