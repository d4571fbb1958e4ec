import { type Command, Option } from 'commander'
import type { Api, ApiSettings, TokenPolicy } from '../../apis/apis.ts'
import type { ScopeText } from '../../apis/scope-texts.ts'
import { changeApi, declareApi, listApis } from '../../management/api-operations.ts'
import { SIGNING_ALGS, type SigningAlg, TOKEN_TYPES, type TokenType } from '../../shared/algorithms.ts'
import { invalidInput } from '../../shared/errors.ts'
import { readAllPages } from '../all-pages.ts'
import { table } from '../output.ts'
import { withInstance } from '../run.ts'
import { seconds, words } from './client-options.ts'

interface ApiOptions {
  identifier: string
  scopes: string
  tokenTtl: number
  policy: TokenPolicy
  alg: SigningAlg
  tokenType: TokenType
  default?: boolean
}

/** An API in the words of its options. */
const viewApi = (api: Api) => ({
  identifier: api.identifier,
  scopes: api.scopes.join(' '),
  token_ttl: api.tokenTtl,
  policy: api.policy,
  alg: api.signingAlg,
  token_type: api.tokenType,
  default: api.isDefault,
})

export function addApiCommands(api: Command): void {
  addCreate(api)
  addUpdate(api)
  addDescribeScope(api)
  addList(api)
}

const tokenTypeOption = () =>
  new Option(
    '--token-type <typ>',
    'the typ of its tokens; JWT for resource servers that refuse at+jwt (RFC 9068)',
  ).choices(TOKEN_TYPES)

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
    .addOption(tokenTypeOption().default('at+jwt'))
    .option('--default', 'what is meant by clients that name no API')
    .addHelpText(
      'after',
      "\nExample:\n  npm run -s keywright -- api create --identifier https://api.example.com --scopes 'read write' --default",
    )
    .action(
      withInstance<ApiOptions>(async ({ management, principal }, options) => {
        const { api, clientId, clientSecret } = await declareApi(management, principal, {
          identifier: options.identifier,
          scopes: words(options.scopes),
          tokenTtl: options.tokenTtl,
          policy: options.policy,
          signingAlg: options.alg,
          tokenType: options.tokenType,
          isDefault: options.default ?? false,
        })
        return { json: { ...viewApi(api), client_id: clientId, client_secret: clientSecret } }
      }),
    )
}

const changesOf = ({ scopes, tokenTtl, policy, alg, tokenType, default: isDefault }: Partial<ApiOptions>) => ({
  ...(scopes !== undefined && { scopes: words(scopes) }),
  ...(tokenTtl !== undefined && { tokenTtl }),
  ...(policy && { policy }),
  ...(alg && { signingAlg: alg }),
  ...(tokenType && { tokenType }),
  ...(isDefault && { isDefault }),
})

function addUpdate(api: Command): void {
  api
    .command('update <identifier>')
    .description(
      'change what the options name; tokens with a scope that is removed are revoked, others stay as they are',
    )
    .option('--scopes <list>', 'all that its tokens can allow from now on, space-separated')
    .option('--token-ttl <seconds>', 'the life of its access tokens, 60 to 2592000', seconds)
    .addOption(
      new Option('--policy <policy>', 'single: a new token ends the earlier one of its client and subject').choices([
        'none',
        'single',
      ]),
    )
    .addOption(new Option('--alg <alg>', 'how its tokens are signed').choices(SIGNING_ALGS))
    .addOption(tokenTypeOption())
    .option('--default', 'what is meant by clients that name no API, in place of the present one')
    .action(
      withInstance<Partial<ApiOptions>>(async ({ management, principal }, options, identifier) => {
        const changes: Partial<ApiSettings> = changesOf(options)
        if (Object.keys(changes).length === 0) throw invalidInput('nothing was named to change')
        return { json: viewApi(await changeApi(management, principal, { identifier: identifier!, changes })) }
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
      withInstance<ScopeText>(async ({ management, principal }, { title, description }, identifier, scope) => {
        const text = { title, description }
        const texts = { [scope!]: text }
        await changeApi(management, principal, { identifier: identifier!, changes: {}, texts })
        return { json: { identifier, scope, ...text } }
      }),
    )
}

function addList(api: Command): void {
  api
    .command('list')
    .description('all APIs, and what people read of their scopes')
    .action(
      withInstance(async ({ management, principal }) => {
        const listed = await readAllPages((page) => listApis(management, principal, page))
        const apis = listed.map(({ api, scopes }) => ({ ...viewApi(api), scope_texts: scopes }))
        const texts = listed.flatMap(({ api, scopes }) => scopes.map((text) => ({ api: api.identifier, ...text })))
        return { json: { apis }, text: `${table(listed.map(({ api }) => viewApi(api)))}\n\n${table(texts)}` }
      }),
    )
}
