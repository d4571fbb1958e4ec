import { readFileSync } from 'node:fs'
import { inspect } from 'node:util'
import { Command, CommanderError } from 'commander'
import { isDatabaseUnavailable } from '../database/unavailable.ts'
import { refuseNul } from '../http/request-check.ts'
import { KeywrightError } from '../shared/errors.ts'
import { calledCommand, TOP_LEVEL_COMMANDS } from './top-level-commands.ts'

/** Exit codes of DESIGN.md. */
const FAILED = 1
const USAGE = 2

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))

const START_HERE = `
Get started:
  npm start                                              start a server, which sets itself up and prints its credentials
  npm run -s keywright -- key-pair generate --user EMAIL  replace the key pair of an admin
  npm run -s keywright -- token list --client CLIENT_ID   list the active tokens of a client

With --json a command prints one JSON object to standard output; messages go to standard error.
Exit codes: 0 success, 1 failure, 2 usage error.`

/** Accepts `--json` anywhere on the command line. */
function acceptJson(command: Command): void {
  if (command.commands.length === 0) command.option('--json', 'Print one JSON object')
  command.commands.forEach(acceptJson)
}

async function createProgram(args: readonly string[]): Promise<Command> {
  const program = new Command('keywright')
    .description('OAuth 2.0 and OpenID Connect authorization server')
    .version(version, '-V, --version', 'Print the version')
    .helpOption('-h, --help', 'Show help')
    .helpCommand('help [command]', 'Show help for a command')
    .option('--json', 'Print one JSON object')
    .showHelpAfterError('(use --help for usage)')
    .addHelpText('after', START_HERE)
    // Commander throws instead of exiting. Commands inherit both settings.
    .exitOverride()
    .configureOutput({ writeErr: (text) => process.stderr.write(text) })
  const calledName = calledCommand(args)
  for (const { name, description, define } of TOP_LEVEL_COMMANDS) {
    const command = program.command(name).description(description)
    if (name !== calledName) continue
    await define(command, TOP_LEVEL_COMMANDS)
    acceptJson(command)
  }
  return program
}

function messageOf(error: unknown): string {
  if (isDatabaseUnavailable(error)) return `the database cannot be reached: ${(error as Error).message}`
  if (error instanceof KeywrightError) return error.message
  // An unexpected error is printed with its stack and its causes.
  return inspect(error)
}

/** Runs one command and returns its exit code. */
export async function runProgram(args: readonly string[]): Promise<number> {
  try {
    args.forEach(refuseNul)
    const program = await createProgram(args)
    await program.parseAsync(args, { from: 'user' })
    return 0
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USAGE
    process.stderr.write(`keywright: ${messageOf(error)}\n`)
    return error instanceof KeywrightError && error.code === 'invalid_input' ? USAGE : FAILED
  }
}
