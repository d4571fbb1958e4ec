import type { Command } from 'commander'
import type { ScimToken } from '../../accounts/scim-tokens.ts'
import { ACCOUNT_ROLE, type AccountRole } from '../../accounts/user-attributes.ts'
import { generateScimToken, listScimTokens, revokeScimToken } from '../../management/scim-token-operations.ts'
import { attributeOption, wholeNumber } from '../attribute-options.ts'
import { table } from '../output.ts'
import { withInstance } from '../run.ts'

const viewOf = ({ id, ...token }: ScimToken) => ({
  scim_token_id: id,
  account_id: token.accountId,
  last_four: token.lastFour,
  role: token.role,
  created_at: token.createdAt,
  expires_at: token.expiresAt,
  last_used_at: token.lastUsedAt,
})

function addGenerate(scimToken: Command): void {
  scimToken
    .command('generate')
    .description('Generate a SCIM token of an account; prints it once')
    .requiredOption('--account <id>', 'Account whose users the identity provider manages')
    .addOption(
      attributeOption('role', {
        ...ACCOUNT_ROLE,
        option: { help: 'Role of users whom the identity provider adds without one; default: member' },
      }),
    )
    .option('--days <days>', 'Days until it expires, 1 to 730', wholeNumber, 365)
    .action(
      withInstance<{ account: string; role?: AccountRole; days: number }>(
        async ({ management, principal }, options) => {
          const { account: accountId, ...settings } = options
          const { token, secret } = await generateScimToken(management, principal, { accountId, ...settings })
          return { json: { ...viewOf(token), token: secret } }
        },
      ),
    )
}

export function addScimTokenCommands(scimToken: Command): void {
  addGenerate(scimToken)
  scimToken
    .command('list')
    .description('List the SCIM tokens of an account that work')
    .requiredOption('--account <id>', 'Account of the tokens')
    .action(
      withInstance<{ account: string }>(async ({ management, principal }, { account: accountId }) => {
        const tokens = (await listScimTokens(management, principal, { accountId })).map(viewOf)
        return { json: { scim_tokens: tokens }, text: table(tokens) }
      }),
    )
  scimToken
    .command('revoke <id>')
    .description('Revoke a SCIM token; it stops working at once')
    .action(
      withInstance(async ({ management, principal }, _options, id) => ({
        json: viewOf(await revokeScimToken(management, principal, { tokenId: id! })),
      })),
    )
}
