import type { Command } from 'commander'
import { generateKeyPair } from '../../management/key-pair-operations.ts'
import { findUser } from '../../management/user-operations.ts'
import { withInstance } from '../run.ts'

export function addKeyPairCommands(keyPair: Command): void {
  keyPair
    .command('generate')
    .description("make a new pair in place of the user's earlier one, which is dead at once with all its tokens")
    .requiredOption('--user <id|email>', 'whose pair it is')
    .option('--api <uri...>', "the APIs it may call, the default first; else the earlier pair's, or the default API")
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
