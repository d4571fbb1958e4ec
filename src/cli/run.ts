import type { Command } from 'commander'
import { type Config, loadConfig } from '../config/load-config.ts'
import { openInstance } from '../instance.ts'
import { mailSummary } from '../mail/mail-summary.ts'
import type { Management } from '../management/operation.ts'
import { commandLinePrincipal, type Principal } from '../management/principal.ts'
import { commandKeyFetch } from './command-key-fetch.ts'
import { commandTokenCheck } from './command-token-check.ts'
import { commandUpstreamCheck } from './command-upstream-check.ts'
import { type CommandResult, writeResult } from './output.ts'

/** What a command works with: it calls operations with `management` and `principal`. */
export interface CommandContext {
  readonly management: Management
  readonly principal: Principal
  readonly config: Config
}

export const notice = (message: string): void => {
  process.stderr.write(`${message}\n`)
}

/**
 * Runs operations in one transaction and returns the command's JSON. All that the JSON needs is read before the commit: a
 * generated secret is shown once, and must not be lost to a database that fails after the commit.
 */
export async function resultOfTransaction(
  context: CommandContext,
  work: (context: CommandContext) => Promise<Record<string, unknown>>,
): Promise<CommandResult> {
  const { management } = context
  const json = await management.knex.transaction((knex) => work({ ...context, management: { ...management, knex } }))
  return { json }
}

/**
 * Makes a commander action from a function that works on an open instance. Commander passes the command's arguments, its
 * options and the command. A function that returns nothing has written its own output.
 */
export function withInstance<Options>(
  // biome-ignore lint/suspicious/noConfusingVoidType: a function that writes its own output returns nothing
  run: (context: CommandContext, options: Options, ...args: string[]) => Promise<CommandResult | void>,
) {
  return async (...given: unknown[]): Promise<void> => {
    const command = given.at(-1) as Command
    const options = command.optsWithGlobals() as Options & { json?: boolean }
    const config = loadConfig(process.env)
    const instance = await openInstance(config, { role: 'command', onNotice: notice })
    try {
      const { encryptionKeys, database } = instance
      const upstream = commandUpstreamCheck(config)
      const checkWorkloadToken = commandTokenCheck(config, database)
      const shared = { knex: database.knex, encryptionKeys, mail: mailSummary(config.mail) }
      const management = { ...shared, upstream, checkWorkloadToken, fetchKeys: commandKeyFetch(config, database) }
      const context = { management, principal: commandLinePrincipal(process.env.USER), config }
      const result = await run(context, options, ...(given.slice(0, -2) as string[]))
      if (result) writeResult(result, options.json === true)
    } finally {
      await instance
        .close()
        .catch(({ message }: Error) => notice(`the database connection did not close cleanly: ${message}`))
    }
  }
}
