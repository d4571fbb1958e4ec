import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Command } from 'commander'
import { DOCUMENTS, type GeneratedDocument } from '../../documents.ts'
import { KeywrightError } from '../../shared/errors.ts'
import { describeCommandLine } from '../cli-reference.ts'
import type { TopLevelCommand } from '../top-level-command.ts'

export function addDocsCommand(command: Command, commands: readonly TopLevelCommand[]): void {
  command
    .option('--check', 'Write nothing; exit 1 if a document is out of date')
    .action(async (options: { check?: boolean }) => {
      const cliReference = await describeCommandLine(commands)
      const outdated = [...DOCUMENTS, { name: 'cli.md', text: () => cliReference }].filter(isOutOfDate)
      if (options.check) rejectOutdated(outdated)
      else for (const { name, text } of outdated) writeFileSync(pathOf(name), text())
    })
}

function rejectOutdated(outdated: readonly GeneratedDocument[]): void {
  if (outdated.length === 0) return
  const names = outdated.map(({ name }) => `docs/${name}`).join(', ')
  throw new KeywrightError('misconfigured', `out of date: ${names}; run: npm run docs`)
}

const pathOf = (name: string): string => fileURLToPath(new URL(`../../../docs/${name}`, import.meta.url))

const isOutOfDate = ({ name, text }: GeneratedDocument): boolean =>
  !existsSync(pathOf(name)) || readFileSync(pathOf(name), 'utf8') !== text()
