import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Command } from 'commander'
import { DOCUMENTS } from '../../documents.ts'
import { KeywrightError } from '../../shared/errors.ts'

export function addDocsCommand(command: Command): void {
  command
    .option('--check', 'Write nothing; exit 1 if a document is out of date')
    .action((options: { check?: boolean }) => {
      const stale = DOCUMENTS.filter(({ name, text }) => isOutOfDate(name, text()))
      if (!options.check) for (const { name, text } of stale) writeFileSync(pathOf(name), text())
      else if (stale.length > 0) {
        const names = stale.map(({ name }) => `docs/${name}`).join(', ')
        throw new KeywrightError('misconfigured', `out of date: ${names}; run: npm run docs`)
      }
    })
}

const pathOf = (name: string): string => fileURLToPath(new URL(`../../../docs/${name}`, import.meta.url))

const isOutOfDate = (name: string, text: string): boolean =>
  !existsSync(pathOf(name)) || readFileSync(pathOf(name), 'utf8') !== text
