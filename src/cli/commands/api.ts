import { type Command, Option } from 'commander'
import { recordAudit } from '../../audit/audit-log.ts'
import { type Api, listApis, type TokenPolicy } from '../../clients/apis.ts'
import { describeScope, type ScopeText, scopeTexts } from '../../clients/scope-texts.ts'
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

/** An API in the words of its options. */
const viewApi = (api: Api) => ({
  identifier: api.identifier,
  scopes: api.scopes.join(' '),
  token_ttl: api.tokenTtl,
  policy: api.policy,
  alg: api.signingAlg,
  default: api.isDefault,
})

export function addApiCommands(program: Command): void {
  const api = program.command('api').description('APIs: what tokens are for')
  addCreate(api)
  addDescribeScope(api)
  addList(api)
}

function addCreate(api: Command): void {
  api
    .command('create')
    .description("declare an API; answers the API's own credentials, with which it asks whether a token is good")
    .requiredOption('--identifier <uri>', 'the audience of its tokens: an absolute URI, such as its address')
    .requiredOption(
      '--scopes <list>',
      'what its tokens can allow, space-separated; not openid, profile, email or offline_access',
    )
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
        const credentials = { client_id: made.client.clientId, client_secret: made.clientSecret }
        return { json: { ...viewApi(made.api), ...credentials } }
      }),
    )
}

function addDescribeScope(api: Command): void {
  api
    .command('describe-scope <identifier> <scope>')
    .description('say what a scope of an API means, for the page where people allow it; without, it shows its name')
    .requiredOption('--title <title>', 'what it allows, in up to 100 characters')
    .option('--description <text>', 'what that means, in up to 500 characters', '')
    .addHelpText(
      'after',
      "\nExample:\n  npm run -s keywright -- api describe-scope https://api.example.com read --title 'See your orders'",
    )
    .action(
      withInstance<ScopeText>(async ({ knex, actor }, { title, description }, identifier, scope) => {
        const text = { title, description }
        await knex.transaction(async (trx) => {
          await describeScope(trx, identifier!, scope!, text)
          const target = { type: 'api', id: identifier! }
          await recordAudit(trx, actor, { action: 'api.scope_described', target, detail: { scope, ...text } })
        })
        return { json: { identifier, scope, ...text } }
      }),
    )
}

function addList(api: Command): void {
  api
    .command('list')
    .description('all APIs, and what people read of their scopes')
    .action(
      withInstance(async ({ knex }) => {
        const apis = await listApis(knex)
        const texts = await scopeTexts(knex, Object.fromEntries(apis.map((one) => [one.identifier, one.scopes])))
        const textsOf = ({ identifier }: Api) =>
          texts.filter((text) => text.api === identifier).map(({ api, ...text }) => text)
        const json = { apis: apis.map((one) => ({ ...viewApi(one), scope_texts: textsOf(one) })) }
        return { json, text: `${table(apis.map(viewApi))}\n\n${table(texts.map((text) => ({ ...text })))}` }
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
