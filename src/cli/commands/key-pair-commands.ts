import type { Command } from 'commander'
import { generateKeyPair } from '../../management/key-pair-generation.ts'
import { withInstance } from '../run.ts'

export function addKeyPairCommands(keyPair: Command): void {
  keyPair
    .command('generate')
    .description("make a new pair in place of the user's earlier one, which is dead at once with all its tokens")
    .requiredOption('--user <id|email>', 'whose pair it is')
    .option('--api <uri...>', "the APIs it may call, the default first; else the earlier pair's, or the default API")
    .action(
      withInstance<{ user: string; api?: string[] }>(async ({ knex, actor }, options) => {
        const made = await generateKeyPair(knex, { user: options.user, apis: options.api ?? [] }, actor)
        return {
          json: {
            client_id: made.client.clientId,
            client_secret: made.clientSecret,
            api_key: made.apiKey,
            revoked: made.revoked,
          },
        }
      }),
    )
}
