import { readFileSync } from 'node:fs'
import { type Command, Option } from 'commander'
import type { ApplicationDefaults, InstanceChanges, InstanceSettings } from '../../accounts/instance-settings.ts'
import { readInstance, setInstanceApi, updateInstance } from '../../management/instance-operations.ts'
import { invalidInput } from '../../shared/errors.ts'
import { formatRateLimit, parseRateLimit } from '../../shared/rate-limit-format.ts'
import { seconds, words } from '../attribute-options.ts'
import { resultOfTransaction, withInstance } from '../run.ts'

interface InstanceOptions {
  name?: string
  accent?: string
  logo?: string
  api?: 'on' | 'off'
  redirectSchemes?: string
  defaultAccessTokenTtl?: number | 'off'
  defaultRefreshTokenTtl?: number | 'off'
  defaultConsent?: ApplicationDefaults['consent']
  defaultRateLimit?: string
}

const secondsOrOff = (text: string) => (text === 'off' ? text : seconds(text))

const unlessOff = <Value>(value: Value | 'off') => (value === 'off' ? null : value)

const viewOf = ({ name, accent, logo, apiEnabled, redirectSchemes, defaults }: InstanceSettings) => ({
  name,
  accent,
  logo: logo && { type: logo.type, size: logo.bytes.length, etag: logo.etag },
  api: apiEnabled ? 'on' : 'off',
  redirect_schemes: redirectSchemes.join(' '),
  default_access_token_ttl: defaults.accessTokenTtl,
  default_refresh_token_ttl: defaults.refreshTokenTtl,
  default_consent: defaults.consent,
  default_rate_limit: defaults.rateLimit && formatRateLimit(defaults.rateLimit),
})

/** @throws KeywrightError `invalid_input` */
function logoOf(path: string): { bytes: Buffer } | null {
  if (path === 'off') return null
  try {
    return { bytes: readFileSync(path) }
  } catch (error) {
    throw invalidInput(`cannot read ${path} (${(error as NodeJS.ErrnoException).code})`)
  }
}

/** The defaults of new applications that the options name; undefined if they name none. */
function defaultsOf(options: InstanceOptions): Partial<ApplicationDefaults> | undefined {
  const { defaultAccessTokenTtl: access, defaultRefreshTokenTtl: refresh, defaultConsent: consent } = options
  const limit = options.defaultRateLimit
  const named = {
    ...(access !== undefined && { accessTokenTtl: unlessOff(access) }),
    ...(refresh !== undefined && { refreshTokenTtl: unlessOff(refresh) }),
    ...(consent && { consent }),
    ...(limit !== undefined && { rateLimit: limit === 'off' ? null : parseRateLimit(limit) }),
  }
  return Object.keys(named).length > 0 ? named : undefined
}

function changesOf(options: InstanceOptions): InstanceChanges {
  const { name, accent, logo, redirectSchemes: schemes } = options
  return {
    name,
    accent,
    logo: logo === undefined ? undefined : logoOf(logo),
    defaults: defaultsOf(options),
    ...(schemes !== undefined && { redirectSchemes: schemes === 'off' ? [] : words(schemes) }),
  }
}

function addDefaultOptions(command: Command): Command {
  return command
    .option(
      '--default-access-token-ttl <seconds|off>',
      "Access token lifetime of new applications; off: the API's",
      secondsOrOff,
    )
    .option(
      '--default-refresh-token-ttl <seconds|off>',
      'Refresh token lifetime of new applications; off: 30 days',
      secondsOrOff,
    )
    .addOption(
      new Option('--default-consent <show|skip_own_account>', 'Consent page of new applications').choices([
        'show',
        'skip_own_account',
      ]),
    )
    .option('--default-rate-limit <N/s|N/min|N/h|off>', 'Rate limit of new applications; off: none')
}

const EXAMPLE = `
Example:
  npm run -s keywright -- instance update --name 'ACME ID' --accent '#0a7d4f' --logo acme.svg`

export function addInstanceCommands(instance: Command): void {
  instance
    .command('show')
    .description('Show the settings')
    .action(
      withInstance(async ({ management, principal }) => ({
        json: viewOf(await readInstance(management, principal, {})),
      })),
    )

  const update = instance
    .command('update')
    .description('Update the settings that the options name; pages follow within seconds')
    .option('--name <name>', 'Name on the sign-in page, 1 to 60 characters; initially Keywright')
    .option('--accent <#rrggbb>', 'Colour of buttons and links; initially #1f5fbf')
    .option('--logo <file|off>', 'PNG, JPEG, WebP or SVG file of at most 256 KiB; off: no logo')
    .addOption(
      new Option('--api <on|off>', 'off: no client gets a token, and all tokens are revoked').choices(['on', 'off']),
    )
    .option(
      '--redirect-schemes <list|off>',
      'Schemes without a dot that redirect URIs may use, such as "cursor vscode"; off: none',
    )
    .addHelpText('after', EXAMPLE)
  addDefaultOptions(update).action(
    withInstance<InstanceOptions>(async (context, { api, ...options }) => {
      const changes = changesOf(options)
      const named = Object.values(changes).some((change) => change !== undefined)
      return await resultOfTransaction(context, async ({ management, principal }) => {
        if (api) await setInstanceApi(management, principal, { enabled: api === 'on' })
        if (named || !api) await updateInstance(management, principal, { changes })
        return viewOf(await readInstance(management, principal, {}))
      })
    }),
  )
}
