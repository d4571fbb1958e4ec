import type { Command } from 'commander'
import { listEncryptionKeys, rotateEncryptionKey } from '../../encryption-key-rotation.ts'
import { table } from '../output.ts'
import { type CommandContext, withInstance } from '../run.ts'

async function keysOf({ management: { knex, encryptionKeys } }: CommandContext) {
  return (await listEncryptionKeys(knex, encryptionKeys)).map(({ id, isSealing, isHeld, values, nodes }) => ({
    id,
    state: isSealing ? 'current' : values > 0 ? 'previous' : 'unused',
    held: isHeld,
    values,
    nodes,
  }))
}

export function addEncryptionKeyCommands(encryptionKey: Command): void {
  encryptionKey
    .command('list')
    .description(
      'List the keys by ID: state (current encrypts new values), encrypted values, and running nodes that have the key',
    )
    .action(
      withInstance(async (context) => {
        const keys = await keysOf(context)
        return { json: { keys }, text: table(keys) }
      }),
    )

  encryptionKey
    .command('rotate')
    .description('Encrypt everything with the first key of ENCRYPTION_KEY; fails while a running node lacks that key')
    .option('--force', 'Rotate anyway; a node that lacks the key is not ready from then on')
    .action(
      withInstance<{ force?: boolean }>(async (context, { force = false }) => {
        const { knex, encryptionKeys } = context.management
        const { actor } = context.principal
        const { resealed } = await rotateEncryptionKey(knex, encryptionKeys, { actor, force })
        const keys = await keysOf(context)
        const count = Object.values(resealed).reduce((sum, one) => sum + one, 0)
        return {
          json: { resealed, keys },
          text: `${count} values were encrypted with the current key\n\n${table(keys)}`,
        }
      }),
    )
}
