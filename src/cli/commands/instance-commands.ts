import type { Command } from 'commander'
import { AVAILABILITY_ATTRIBUTES, INSTANCE_ATTRIBUTES } from '../../clients/instance-attributes.ts'
import type { InstanceSettings } from '../../clients/instance-settings.ts'
import { readInstance, setInstanceApi, updateInstance } from '../../management/instance-operations.ts'
import { addAttributeOptions, optionValues, printedValues } from '../attribute-options.ts'
import { resultOfTransaction, withInstance } from '../run.ts'

const ATTRIBUTES = { ...INSTANCE_ATTRIBUTES, ...AVAILABILITY_ATTRIBUTES }

const viewOf = (settings: InstanceSettings) => printedValues(ATTRIBUTES, settings)

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
    .addHelpText('after', EXAMPLE)
  addAttributeOptions(update, ATTRIBUTES, 'update').action(
    withInstance<object>(async (context, options) => {
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
