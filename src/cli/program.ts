import { readFileSync } from 'node:fs'
import { inspect } from 'node:util'
import { Command, CommanderError } from 'commander'
import { isDatabaseUnavailable } from '../database/unavailable.ts'
import { refuseNul } from '../http/request-check.ts'
import { KeywrightError } from '../shared/errors.ts'
import { calledCommand, TOP_LEVEL_COMMANDS } from './top-level-commands.ts'

/** Exit codes of DESIGN.md. */
const FAILED = 1
const CALLED_WRONGLY = 2

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))

const START_HERE = `
Start here:
  npm start                                              a server, set up and explained at its first start
  npm run -s keywright -- key-pair generate --user EMAIL  replace an admin's key pair
  npm run -s keywright -- token list --client CLIENT_ID   what is live

With --json a command answers one JSON object on standard output; messages go to standard error.
Exit codes: 0 done, 1 failed, 2 called wrongly.`

/** `--json` may stand anywhere in the call. */
function acceptJson(command: Command): void {
  if (command.commands.length === 0) command.option('--json', 'answer one JSON object')
  command.commands.forEach(acceptJson)
}

async function createProgram(args: readonly string[]): Promise<Command> {
  const program = new Command('keywright')
    .description('OAuth 2.0 and OpenID Connect authorization server')
    .version(version)
    .option('--json', 'answer one JSON object')
    .showHelpAfterError('(add --help for how to call it)')
    .addHelpText('after', START_HERE)
    // Commander throws instead of ending the process; commands inherit both settings.
    .exitOverride()
    .configureOutput({ writeErr: (text) => process.stderr.write(text) })
  const called = calledCommand(args)
  for (const { name, description, define } of TOP_LEVEL_COMMANDS) {
    const command = program.command(name).description(description)
    if (name !== called) continue
    await define(command)
    acceptJson(command)
  }
  return program
}

function explain(error: unknown): string {
  if (isDatabaseUnavailable(error)) return `the database cannot be reached: ${(error as Error).message}`
  if (error instanceof KeywrightError) return error.message
  // Something nobody foresaw: everything known about it, causes included.
  return inspect(error)
}

/** Runs one call of the command line; answers the exit code. */
export async function runProgram(args: readonly string[]): Promise<number> {
  try {
    args.forEach(refuseNul)
    const program = await createProgram(args)
    await program.parseAsync(args, { from: 'user' })
    return 0
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : CALLED_WRONGLY
    process.stderr.write(`keywright: ${explain(error)}\n`)
    return error instanceof KeywrightError && error.code === 'invalid_input' ? CALLED_WRONGLY : FAILED
  }
}
