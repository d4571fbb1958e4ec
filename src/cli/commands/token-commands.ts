import type { Command } from 'commander'
import { getClient } from '../../clients/clients.ts'
import { invalidInput } from '../../shared/errors.ts'
import { listActiveTokens } from '../../tokens/active-tokens.ts'
import { revokeToken, revokeTokensOfClient, revokeTokensOfUser } from '../../tokens/revocation.ts'
import { table } from '../output.ts'
import { type CommandContext, withInstance } from '../run.ts'

interface RevokeOptions {
  jti?: string
  client?: string
  user?: string
}

async function revoke({ knex, actor }: CommandContext, { jti, client, user }: RevokeOptions): Promise<number | null> {
  if ([jti, client, user].filter(Boolean).length !== 1) throw invalidInput('name one of --jti, --client, --user')
  if (jti) return await revokeToken(knex, jti, actor)
  return client ? await revokeTokensOfClient(knex, client, actor) : await revokeTokensOfUser(knex, user!, actor)
}

export function addTokenCommands(token: Command): void {
  token
    .command('list')
    .description("a client's live tokens, newest first, at most 1000")
    .requiredOption('--client <id>', 'the client that they were issued to')
    .action(
      withInstance<{ client: string }>(async ({ knex }, options) => {
        const client = await getClient(knex, options.client)
        const tokens = (await listActiveTokens(knex, client.key)).map((one) => ({
          jti: one.jti,
          audience: one.audience,
          subject: one.subject || client.clientId,
          scope: one.scope,
          issued_at: one.issuedAt,
          expires_at: one.expiresAt,
        }))
        return { json: { tokens }, text: table(tokens) }
      }),
    )

  token
    .command('revoke')
    .description('end one token, or all of a client or a user; answers how many live ones that were')
    .option('--jti <jti>', 'one token, by the id in its claims')
    .option('--client <id>', 'every token of a client, refresh tokens included')
    .option('--user <id|email>', 'every token of a person and of their key pair; they must sign in again')
    .action(
      withInstance<RevokeOptions>(async (context, options) => ({ json: { revoked: await revoke(context, options) } })),
    )
}
