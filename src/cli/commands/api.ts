import { type Command, Option } from 'commander'
import { listApis, type TokenPolicy } from '../../clients/apis.ts'
import { ensureSigningKeys } from '../../keys/signing-keys.ts'
import { SIGNING_ALGS, type SigningAlg } from '../../shared/algorithms.ts'
import { createApi, generateKeyPair } from '../../tokens/client-changes.ts'
import { table } from '../output.ts'
import { withInstance } from '../run.ts'
import { seconds, words } from './client-options.ts'

interface ApiOptions {
  identifier: string
  scopes: string
  tokenTtl: number
  policy: TokenPolicy
  alg: SigningAlg
  default?: boolean
}

export function addApiCommands(program: Command): void {
  const api = program.command('api').description('APIs: what tokens are for')

  api
    .command('create')
    .description("declare an API; answers the API's own credentials, with which it asks whether a token is good")
    .requiredOption('--identifier <uri>', 'the audience of its tokens: an absolute URI, such as its address')
    .requiredOption('--scopes <list>', 'what its tokens can allow, space-separated')
    .option('--token-ttl <seconds>', 'the life of its access tokens, 60 to 2592000', seconds, 3600)
    .addOption(
      new Option('--policy <policy>', 'single: a new token ends the earlier one of its client and subject')
        .choices(['none', 'single'])
        .default('none'),
    )
    .addOption(new Option('--alg <alg>', 'how its tokens are signed').choices(SIGNING_ALGS).default('ES256'))
    .option('--default', 'what is meant by clients that name no API')
    .addHelpText(
      'after',
      "\nExample:\n  npm run -s keywright -- api create --identifier https://api.example.com --scopes 'read write' --default",
    )
    .action(
      withInstance<ApiOptions>(async ({ knex, actor, encryptionKeys }, options) => {
        await ensureSigningKeys(knex, options.alg, encryptionKeys)
        const made = await createApi(
          knex,
          {
            identifier: options.identifier,
            scopes: words(options.scopes),
            tokenTtl: options.tokenTtl,
            policy: options.policy,
            signingAlg: options.alg,
            isDefault: options.default ?? false,
          },
          actor,
        )
        return {
          json: {
            identifier: made.api.identifier,
            scopes: made.api.scopes.join(' '),
            token_ttl: made.api.tokenTtl,
            policy: made.api.policy,
            alg: made.api.signingAlg,
            default: made.api.isDefault,
            client_id: made.client.clientId,
            client_secret: made.clientSecret,
          },
        }
      }),
    )

  api
    .command('list')
    .description('all APIs')
    .action(
      withInstance(async ({ knex }) => {
        const apis = (await listApis(knex)).map((one) => ({
          identifier: one.identifier,
          scopes: one.scopes.join(' '),
          token_ttl: one.tokenTtl,
          policy: one.policy,
          alg: one.signingAlg,
          default: one.isDefault,
        }))
        return { json: { apis }, text: table(apis) }
      }),
    )
}

export function addKeyPairCommands(program: Command): void {
  program
    .command('key-pair')
    .description("an admin's own client id and secret")
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
