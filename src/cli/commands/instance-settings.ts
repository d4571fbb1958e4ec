import { readFileSync } from 'node:fs'
import { type Command, Option } from 'commander'
import {
  getInstanceSettings,
  type InstanceChanges,
  type InstanceSettings,
  updateInstanceSettings,
} from '../../accounts/instance-settings.ts'
import { invalidInput } from '../../shared/errors.ts'
import { changeApiEnabled } from '../../tokens/instance-changes.ts'
import { withInstance } from '../run.ts'

interface InstanceOptions {
  name?: string
  accent?: string
  logo?: string
  api?: 'on' | 'off'
}

const viewOf = ({ name, accent, logo, apiEnabled }: InstanceSettings) => ({
  name,
  accent,
  logo: logo && { type: logo.type, size: logo.bytes.length, etag: logo.etag },
  api: apiEnabled ? 'on' : 'off',
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

const changesOf = ({ name, accent, logo }: InstanceOptions): InstanceChanges => ({
  name,
  accent,
  logo: logo === undefined ? undefined : logoOf(logo),
})

const EXAMPLE = `
Example:
  npm run -s keywright -- instance update --name 'ACME ID' --accent '#0a7d4f' --logo acme.svg`

export function addInstanceSettingsCommands(program: Command): void {
  const instance = program
    .command('instance')
    .description('what holds for the whole instance: how its pages look, and whether its API is on')

  instance
    .command('show')
    .description('its settings')
    .action(withInstance(async ({ knex }) => ({ json: viewOf(await getInstanceSettings(knex)) })))

  instance
    .command('update')
    .description('change what the options name, and leave the rest; pages follow within seconds')
    .option('--name <name>', 'what people see that they sign in to, 1 to 60 characters; at first Keywright')
    .option('--accent <#rrggbb>', 'the colour of buttons and links; at first #1f5fbf')
    .option('--logo <file|off>', 'a PNG, JPEG, WebP or SVG of at most 256 KiB; off: none')
    .addOption(
      new Option('--api <on|off>', 'off: no client gets anything more, and every token is dead').choices(['on', 'off']),
    )
    .addHelpText('after', EXAMPLE)
    .action(
      withInstance<InstanceOptions>(async ({ knex, actor }, { api, ...look }) => {
        const changes = changesOf(look)
        const named = Object.values(changes).some((change) => change !== undefined)
        if (api) await changeApiEnabled(knex, api === 'on', actor)
        if (named || !api) await knex.transaction((trx) => updateInstanceSettings(trx, changes, actor))
        return { json: viewOf(await getInstanceSettings(knex)) }
      }),
    )
}
