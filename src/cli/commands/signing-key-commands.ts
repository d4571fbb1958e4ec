import type { Command } from 'commander'
import { listSigningKeys, rotateSigningKeys } from '../../keys/signing-keys.ts'
import { table } from '../output.ts'
import { type CommandContext, withInstance } from '../run.ts'

async function keysOf({ knex }: CommandContext) {
  return (await listSigningKeys(knex)).map((key) => ({
    kid: key.kid,
    algorithm: key.alg,
    state: key.state,
    age: key.age,
    signs_from: key.signsFrom,
  }))
}

export function addSigningKeyCommands(signingKey: Command): void {
  signingKey
    .command('list')
    .description('all keys with algorithm, state and age in seconds')
    .action(
      withInstance(async (context) => {
        const keys = await keysOf(context)
        return { json: { keys }, text: table(keys) }
      }),
    )

  signingKey
    .command('rotate')
    .description('let the next keys sign; the present ones stay published until nothing they signed can be valid')
    .action(
      withInstance(async (context) => {
        const { rotated, keys } = await context.knex.transaction(async (knex) => {
          const changed = await rotateSigningKeys(knex, context.encryptionKeys, { actor: context.actor })
          return { rotated: changed, keys: await keysOf({ ...context, knex }) }
        })
        return { json: { rotated, keys }, text: table(keys) }
      }),
    )
}
