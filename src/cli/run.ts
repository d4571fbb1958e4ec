import type { Command } from 'commander'
import type { Knex } from 'knex'
import type { Actor } from '../audit/audit-log.ts'
import { type Config, loadConfig } from '../config/load-config.ts'
import { openInstance } from '../instance.ts'
import type { EncryptionKeys } from '../shared/encryption-keys.ts'
import { type Answer, writeAnswer } from './output.ts'

export interface CommandContext {
  readonly knex: Knex
  readonly encryptionKeys: EncryptionKeys
  readonly actor: Actor
  readonly config: Config
}

export const notice = (message: string): void => {
  process.stderr.write(`${message}\n`)
}

/**
 * The answer of a command that changes something. All that the answer needs is read before the commit, because a secret
 * in it is shown once: a database that fails after the commit must not lose it.
 */
export async function answerInTransaction(
  knex: Knex,
  work: (trx: Knex) => Promise<Record<string, unknown>>,
): Promise<Answer> {
  return { json: await knex.transaction(work) }
}

/**
 * Turns an act on the database into a command's action, for which commander hands over the arguments. An act that answers
 * nothing has written what it has to say.
 */
export function withInstance<Options>(
  // biome-ignore lint/suspicious/noConfusingVoidType: an act without an answer returns nothing
  act: (context: CommandContext, options: Options, ...args: string[]) => Promise<Answer | void>,
) {
  return async (...given: unknown[]): Promise<void> => {
    const command = given.at(-1) as Command
    const options = command.optsWithGlobals() as Options & { json?: boolean }
    const config = loadConfig(process.env)
    const instance = await openInstance(config, { role: 'command', onNotice: notice })
    try {
      const { encryptionKeys, database } = instance
      const actor: Actor = { type: 'cli', id: process.env.USER }
      const context = { knex: database.knex, encryptionKeys, actor, config }
      const answer = await act(context, options, ...(given.slice(0, -2) as string[]))
      if (answer) writeAnswer(answer, options.json === true)
    } finally {
      await instance.close().catch(({ message }: Error) => notice(`the database was not closed cleanly: ${message}`))
    }
  }
}
