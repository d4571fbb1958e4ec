import type { Command } from 'commander'
import type { InitialAccessToken } from '../../clients/initial-access-tokens.ts'
import { INITIAL_ACCESS_TOKEN_ATTRIBUTES } from '../../clients/registration-attributes.ts'
import {
  generateInitialAccessToken,
  listInitialAccessTokens,
  revokeInitialAccessToken,
} from '../../management/initial-access-token-operations.ts'
import { addAttributeOptions, optionValues, printedValues, wholeNumber } from '../attribute-options.ts'
import { table } from '../output.ts'
import { withInstance } from '../run.ts'

const viewOf = ({ id, accountId, lastFour, uses, ...token }: InitialAccessToken) => ({
  initial_access_token_id: id,
  account_id: accountId,
  last_four: lastFour,
  ...printedValues(INITIAL_ACCESS_TOKEN_ATTRIBUTES, token),
  uses,
  created_at: token.createdAt,
  expires_at: token.expiresAt,
  last_used_at: token.lastUsedAt,
})

interface GenerateOptions {
  readonly account: string
  readonly days: number
}

export function addInitialAccessTokenCommands(initialAccessToken: Command): void {
  const generate = initialAccessToken
    .command('generate')
    .description('Generate an initial access token of an account; prints it once')
    .requiredOption('--account <id>', 'Account to which the applications belong')
    .option('--days <days>', 'Days until it expires, 1 to 365', wholeNumber, 7)
  addAttributeOptions(generate, INITIAL_ACCESS_TOKEN_ATTRIBUTES, 'create').action(
    withInstance<GenerateOptions>(async ({ management, principal }, { account: accountId, days, ...options }) => {
      const input = { accountId, days, ...optionValues(INITIAL_ACCESS_TOKEN_ATTRIBUTES, options) }
      const { token, secret } = await generateInitialAccessToken(management, principal, input)
      return { json: { ...viewOf(token), token: secret } }
    }),
  )
  initialAccessToken
    .command('list')
    .description('List the initial access tokens of an account')
    .requiredOption('--account <id>', 'Account of the tokens')
    .action(
      withInstance<{ account: string }>(async ({ management, principal }, { account: accountId }) => {
        const { tokens, isEnabled } = await listInitialAccessTokens(management, principal, { accountId })
        const shown = tokens.map(viewOf)
        return { json: { is_enabled: isEnabled, initial_access_tokens: shown }, text: table(shown) }
      }),
    )
  initialAccessToken
    .command('revoke <id>')
    .description('Revoke an initial access token; registered applications stay')
    .action(
      withInstance(async ({ management, principal }, _options, id) => ({
        json: viewOf(await revokeInitialAccessToken(management, principal, { initialAccessTokenId: id! })),
      })),
    )
}
