import type { Command } from 'commander'
import { generateKeyPair } from '../../management/key-pair-operations.ts'
import { findUser } from '../../management/user-operations.ts'
import { withInstance } from '../run.ts'

export function addKeyPairCommands(keyPair: Command): void {
  keyPair
    .command('generate')
    .description('Generate a key pair; the former one of the user stops working at once, and its tokens are revoked')
    .requiredOption('--user <id|email>', 'Admin who owns the key pair')
    .option(
      '--api <uri...>',
      "APIs that it may call, the default first; default: the former pair's, or the default API",
    )
    .action(
      withInstance<{ user: string; api?: string[] }>(async ({ management, principal }, { user, api: apis }) => {
        const { id: userId } = await findUser(management, principal, { idOrEmail: user })
        const { clientId, clientSecret, apiKey, revoked } = await generateKeyPair(management, principal, {
          userId,
          apis,
        })
        return { json: { client_id: clientId, client_secret: clientSecret, api_key: apiKey, revoked } }
      }),
    )
}
