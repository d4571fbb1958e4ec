import type { Command } from 'commander'
import { listTokens, revokeAllOfClient, revokeAllOfUser, revokeTokenByJti } from '../../management/token-operations.ts'
import { findUser } from '../../management/user-operations.ts'
import { invalidInput } from '../../shared/errors.ts'
import { addDryRun, type DryRunOption, runOrDescribe } from '../dry-run-commands.ts'
import { type CommandResult, table } from '../output.ts'
import { type CommandContext, withInstance } from '../run.ts'

interface RevokeOptions extends DryRunOption {
  jti?: string
  client?: string
  user?: string
}

/** At most so many tokens are listed. */
const MAX_LISTED = 1000

const asJson = (revoked: { readonly revoked: number | null }) => ({ ...revoked })

async function revoke(context: CommandContext, options: RevokeOptions): Promise<CommandResult> {
  const { jti, client, user } = options
  if ([jti, client, user].filter(Boolean).length !== 1)
    throw invalidInput('name exactly one of --jti, --client and --user')
  if (jti) return await runOrDescribe(context, options, revokeTokenByJti, { jti }, asJson)
  if (client) return await runOrDescribe(context, options, revokeAllOfClient, { clientId: client }, asJson)
  const { id: userId } = await findUser(context.management, context.principal, { idOrEmail: user! })
  return await runOrDescribe(context, options, revokeAllOfUser, { userId }, asJson)
}

export function addTokenCommands(token: Command): void {
  token
    .command('list')
    .description('List the active access tokens of a client, newest first, at most 1000')
    .requiredOption('--client <id>', 'Client ID')
    .action(
      withInstance<{ client: string }>(async ({ management, principal }, { client: clientId }) => {
        const { items } = await listTokens(management, principal, { clientId, limit: MAX_LISTED })
        const tokens = items.map((one) => ({
          jti: one.jti,
          audience: one.api,
          subject: one.userId ?? clientId,
          scope: one.scope,
          issued_at: one.issuedAt,
          expires_at: one.expiresAt,
        }))
        return { json: { tokens }, text: table(tokens) }
      }),
    )

  addDryRun(token.command('revoke'))
    .description('Revoke one token, or all of a client or user; prints how many were active')
    .option('--jti <jti>', 'One access token, by its jti claim')
    .option('--client <id>', 'All access and refresh tokens of a client')
    .option('--user <id|email>', 'All tokens of a user and of their key pair; the user is signed out')
    .action(withInstance<RevokeOptions>(revoke))
}
