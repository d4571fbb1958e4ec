import type { Command } from 'commander'
import { AVAILABILITY_ATTRIBUTES, INSTANCE_ATTRIBUTES } from '../../clients/instance-attributes.ts'
import type { InstanceSettings } from '../../clients/instance-settings.ts'
import { readInstance, setInstanceApi, updateInstance } from '../../management/instance-operations.ts'
import { invalidInput } from '../../shared/errors.ts'
import { addAttributeOptions, optionValues, printedValues } from '../attribute-options.ts'
import { addDryRun, type DryRunOption, dryRunResult } from '../dry-run-commands.ts'
import type { CommandResult } from '../output.ts'
import { type CommandContext, resultOfTransaction, withInstance } from '../run.ts'

const ATTRIBUTES = { ...INSTANCE_ATTRIBUTES, ...AVAILABILITY_ATTRIBUTES }

const viewOf = (settings: InstanceSettings) => printedValues(ATTRIBUTES, settings)

const EXAMPLE = `
Example:
  npm run -s keywright -- instance update --name 'ACME ID' --accent '#0a7d4f' --logo acme.svg`

/** Only switching the API off stops callers. @throws KeywrightError `invalid_input` */
async function describeUpdate({ management, principal }: CommandContext, options: object): Promise<CommandResult> {
  if (optionValues(AVAILABILITY_ATTRIBUTES, options).apiEnabled !== false)
    throw invalidInput('--dry-run describes what switching the API off would affect')
  return dryRunResult(await setInstanceApi.dryRun(management, principal, {}))
}

export function addInstanceCommands(instance: Command): void {
  instance
    .command('show')
    .description('Show the settings')
    .action(
      withInstance(async ({ management, principal }) => ({
        json: viewOf(await readInstance(management, principal, {})),
      })),
    )

  const update = addDryRun(instance.command('update'))
    .description('Update the settings that the options name; pages follow within seconds')
    .addHelpText('after', EXAMPLE)
  addAttributeOptions(update, ATTRIBUTES, 'update').action(
    withInstance<DryRunOption>(async (context, { dryRun, ...options }) => {
      if (dryRun) return await describeUpdate(context, options)
      const changes = optionValues(INSTANCE_ATTRIBUTES, options)
      const { apiEnabled } = optionValues(AVAILABILITY_ATTRIBUTES, options)
      const hasChanges = Object.keys(changes).length > 0
      return await resultOfTransaction(context, async ({ management, principal }) => {
        if (apiEnabled !== undefined) await setInstanceApi(management, principal, { enabled: apiEnabled })
        if (hasChanges || apiEnabled === undefined) await updateInstance(management, principal, { changes })
        return viewOf(await readInstance(management, principal, {}))
      })
    }),
  )
}
