import { readFileSync } from 'node:fs'
import { inspect } from 'node:util'
import { Command, CommanderError } from 'commander'
import { isDatabaseUnavailable } from '../database/unavailable.ts'
import { refuseNul } from '../http/request-check.ts'
import { KeywrightError } from '../shared/errors.ts'
import { addAccountCommands } from './commands/account.ts'
import { addApiCommands, addKeyPairCommands } from './commands/api.ts'
import { addAuditCommands } from './commands/audit.ts'
import { addClientCommands } from './commands/client.ts'
import { addEncryptionKeyCommands } from './commands/encryption-key.ts'
import { addInstanceCommands } from './commands/instance.ts'
import { addInstanceSettingsCommands } from './commands/instance-settings.ts'
import { addServeCommand } from './commands/serve.ts'
import { addSigningKeyCommands, addTokenCommands } from './commands/token.ts'
import { addUserCommands } from './commands/user.ts'

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

function createProgram(): Command {
  const program = new Command('keywright')
    .description('OAuth 2.0 and OpenID Connect authorization server')
    .version(version)
    .option('--json', 'answer one JSON object')
    .showHelpAfterError('(add --help for how to call it)')
    .addHelpText('after', START_HERE)
  addServeCommand(program)
  addInstanceCommands(program)
  addInstanceSettingsCommands(program)
  addAccountCommands(program)
  addUserCommands(program)
  addApiCommands(program)
  addKeyPairCommands(program)
  addClientCommands(program)
  addTokenCommands(program)
  addSigningKeyCommands(program)
  addEncryptionKeyCommands(program)
  addAuditCommands(program)
  return program
}

/** `--json` may stand anywhere in the call, and commander throws instead of ending the process. */
function prepare(command: Command): void {
  command.exitOverride().configureOutput({ writeErr: (text) => process.stderr.write(text) })
  for (const child of command.commands) {
    if (child.commands.length === 0) child.option('--json', 'answer one JSON object')
    prepare(child)
  }
}

function explain(error: unknown): string {
  if (isDatabaseUnavailable(error)) return `the database cannot be reached: ${(error as Error).message}`
  if (error instanceof KeywrightError) return error.message
  // Something nobody foresaw: everything known about it, causes included.
  return inspect(error)
}

/** Runs one call of the command line; answers the exit code. */
export async function runProgram(args: readonly string[]): Promise<number> {
  const program = createProgram()
  prepare(program)
  try {
    args.forEach(refuseNul)
    await program.parseAsync(args, { from: 'user' })
    return 0
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : CALLED_WRONGLY
    process.stderr.write(`keywright: ${explain(error)}\n`)
    return error instanceof KeywrightError && error.code === 'invalid_input' ? CALLED_WRONGLY : FAILED
  }
}
