import type { Command } from 'commander'
import { inspect } from '../../management/inspection-operations.ts'
import { LONGEST_INSPECTED } from '../../shared/longest-inspected.ts'
import { toSnake } from '../../shared/snake-case.ts'
import { withInstance } from '../run.ts'
import { readStandardInput } from '../standard-input.ts'

interface InspectOptions {
  api?: string
  scope?: string
}

/** The value with snake_case names at every level. */
function withSnakeNames(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withSnakeNames)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [toSnake(name), withSnakeNames(one)]))
}

const HELP = `
TEXT is a JWT, its jti, a client ID, a client secret or API key or its last four characters, an application name or an
email address. With - the text is read from standard input, so that a secret does not stay in the history of the shell.`

export function addInspectCommand(command: Command): void {
  command
    .argument('<text>', 'The text to look up; - reads standard input')
    .option('--api <identifier>', 'The API that refused the token')
    .option('--scope <scope>', 'A scope that the API needs')
    .addHelpText('after', HELP)
    .action((text: string, ...rest: unknown[]) =>
      withInstance<InspectOptions>(async ({ management, principal }, { api, scope }) => {
        const typed = text === '-' ? await readStandardInput(LONGEST_INSPECTED) : text
        const found = await inspect(management, principal, { text: typed, api, scope })
        return { json: withSnakeNames(found) as Record<string, unknown> }
      })(...rest),
    )
}
