import { type Command, Option } from 'commander'
import type { Api, ApiSettings, TokenPolicy } from '../../apis/apis.ts'
import type { ScopeText } from '../../apis/scope-texts.ts'
import { changeApi, declareApi, listApis } from '../../management/api-operations.ts'
import { SIGNING_ALGS, type SigningAlg, TOKEN_TYPES, type TokenType } from '../../shared/algorithms.ts'
import { invalidInput } from '../../shared/errors.ts'
import { readAllPages } from '../all-pages.ts'
import { seconds, words } from '../attribute-options.ts'
import { table } from '../output.ts'
import { withInstance } from '../run.ts'

interface ApiOptions {
  identifier: string
  scopes: string
  tokenTtl: number
  policy: TokenPolicy
  alg: SigningAlg
  tokenType: TokenType
  default?: boolean
}

/** An API with its settings named after the options. */
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
    'typ header of its access tokens; JWT for resource servers that reject at+jwt (RFC 9068)',
  ).choices(TOKEN_TYPES)

function addCreate(api: Command): void {
  api
    .command('create')
    .description('Create an API; prints the client ID and secret with which it introspects tokens')
    .requiredOption('--identifier <uri>', 'Audience of its tokens: an absolute URI, such as its address')
    .requiredOption('--scopes <list>', 'Scopes, space-separated; not openid, profile, email or offline_access')
    .option('--token-ttl <seconds>', 'Access token lifetime, 60 to 2592000', seconds, 3600)
    .addOption(
      new Option('--policy <policy>', 'single: a new token revokes the earlier one of the same client and subject')
        .choices(['none', 'single'])
        .default('none'),
    )
    .addOption(new Option('--alg <alg>', 'Algorithm that signs its tokens').choices(SIGNING_ALGS).default('ES256'))
    .addOption(tokenTypeOption().default('at+jwt'))
    .option('--default', 'Make it the default API, for clients that name none')
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
      'Update the settings that the options name; tokens with a removed scope are revoked, others stay valid',
    )
    .option('--scopes <list>', 'All scopes that it has from now on, space-separated')
    .option('--token-ttl <seconds>', 'Access token lifetime, 60 to 2592000', seconds)
    .addOption(
      new Option(
        '--policy <policy>',
        'single: a new token revokes the earlier one of the same client and subject',
      ).choices(['none', 'single']),
    )
    .addOption(new Option('--alg <alg>', 'Algorithm that signs its tokens').choices(SIGNING_ALGS))
    .addOption(tokenTypeOption())
    .option('--default', 'Make it the default API in place of the current one')
    .action(
      withInstance<Partial<ApiOptions>>(async ({ management, principal }, options, identifier) => {
        const changes: Partial<ApiSettings> = changesOf(options)
        if (Object.keys(changes).length === 0) throw invalidInput('name at least one setting to change')
        return { json: viewApi(await changeApi(management, principal, { identifier: identifier!, changes })) }
      }),
    )
}

function addDescribeScope(api: Command): void {
  api
    .command('describe-scope <identifier> <scope>')
    .description('Set the text of a scope on the consent page; without one, the page shows the name of the scope')
    .requiredOption('--title <title>', 'What the scope allows, at most 100 characters')
    .option('--description <text>', 'Details, at most 500 characters', '')
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
    .description('List all APIs and the texts of their scopes')
    .action(
      withInstance(async ({ management, principal }) => {
        const listed = await readAllPages((page) => listApis(management, principal, page))
        const apis = listed.map(({ api, scopes }) => ({ ...viewApi(api), scope_texts: scopes }))
        const texts = listed.flatMap(({ api, scopes }) => scopes.map((text) => ({ api: api.identifier, ...text })))
        return { json: { apis }, text: `${table(listed.map(({ api }) => viewApi(api)))}\n\n${table(texts)}` }
      }),
    )
}
