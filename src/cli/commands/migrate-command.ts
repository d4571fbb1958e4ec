import type { Command } from 'commander'
import { loadConfig } from '../../config/load-config.ts'
import { migrateInstance } from '../../instance.ts'
import { writeResult } from '../output.ts'
import { notice } from '../run.ts'

export function addMigrateCommand(command: Command): void {
  command.action(async () => {
    const applied = await migrateInstance(loadConfig(process.env), { role: 'command', onNotice: notice })
    const text = applied.length > 0 ? `applied:\n${applied.join('\n')}` : 'The schema is up to date.'
    writeResult({ json: { applied }, text }, command.optsWithGlobals().json === true)
  })
}
