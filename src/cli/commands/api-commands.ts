import type { Command } from 'commander'
import { API_ATTRIBUTES } from '../../apis/api-attributes.ts'
import type { NewApi } from '../../apis/api-settings.ts'
import type { Api } from '../../apis/apis.ts'
import type { ScopeTextChange } from '../../apis/scope-texts.ts'
import { changeApi, declareApi, listApis } from '../../management/api-operations.ts'
import { deleteApi } from '../../management/deletion-operations.ts'
import { invalidInput } from '../../shared/errors.ts'
import { readAllPages } from '../all-pages.ts'
import { addAttributeOptions, optionValues, printedValues, textFile } from '../attribute-options.ts'
import { JWKS_HELP } from '../credential-options.ts'
import { addDryRun, type DryRunOption, runOrDescribe } from '../dry-run-commands.ts'
import { table } from '../output.ts'
import { withInstance } from '../run.ts'

/** An API with its settings named after the options. */
const viewApi = (api: Api) => printedValues(API_ATTRIBUTES, api)

export function addApiCommands(api: Command): void {
  addCreate(api)
  addUpdate(api)
  addDescribeScope(api)
  addList(api)
  addDelete(api)
}

function addCreate(api: Command): void {
  const command = api
    .command('create')
    .description(
      'Create an API; prints the client ID and secret with which it introspects tokens, or takes its public keys',
    )
    .addHelpText(
      'after',
      "\nOptions left out take their default.\n\nExample:\n  npm run -s keywright -- api create --identifier https://api.example.com --scopes 'read write' --default",
    )
  addAttributeOptions(command, API_ATTRIBUTES, 'create')
    .option('--jwks <file>', `${JWKS_HELP}; instead of a client secret`, textFile)
    .option('--jwks-uri <url>', 'Where the API publishes its public keys, instead of --jwks')
  command.action(
    withInstance<{ jwks?: string; jwksUri?: string }>(async ({ management, principal }, options) => {
      // Commander has rejected a command without the required ones.
      const { jwks, jwksUri } = options
      const declared = { ...(optionValues(API_ATTRIBUTES, options) as NewApi), jwks, jwksUri }
      const { api, clientId, clientSecret } = await declareApi(management, principal, declared)
      return { json: { ...viewApi(api), client_id: clientId, client_secret: clientSecret } }
    }),
  )
}

function addUpdate(api: Command): void {
  const command = api
    .command('update <identifier>')
    .description(
      'Update the settings that the options name; tokens with a removed scope are revoked, others stay valid',
    )
    .addHelpText('after', '\nOptions left out stay unchanged.')
  addAttributeOptions(command, API_ATTRIBUTES, 'update').action(
    withInstance<object>(async ({ management, principal }, options, identifier) => {
      const changes = optionValues(API_ATTRIBUTES, options)
      if (Object.keys(changes).length === 0) throw invalidInput('name at least one setting to change')
      return { json: viewApi(await changeApi(management, principal, { identifier: identifier!, changes })) }
    }),
  )
}

interface DescribeOptions {
  readonly title?: string
  readonly description?: string
  readonly language?: string
  readonly remove?: boolean
}

/** @throws KeywrightError `invalid_input` (options that do not belong together) */
function textChangeOf({ title, description = '', language, remove = false }: DescribeOptions): ScopeTextChange {
  if (remove && language === undefined) throw invalidInput('--remove removes the text of a --language')
  if (remove !== (title === undefined)) throw invalidInput('name either --title or --remove')
  const text = title === undefined ? null : { title, description }
  return language === undefined ? text! : { translations: { [language]: text } }
}

function addDescribeScope(api: Command): void {
  api
    .command('describe-scope <identifier> <scope>')
    .description('Set the text of a scope on the consent page; without one, the page shows the name of the scope')
    .option('--title <title>', 'What the scope allows, at most 100 characters')
    .option('--description <text>', 'Details, at most 500 characters; default: none')
    .option('--language <tag>', 'Language of the text (RFC 5646), such as de; default: shown in every other language')
    .option('--remove', 'Remove the text in the language')
    .addHelpText(
      'after',
      "\nExamples:\n  npm run -s keywright -- api describe-scope https://api.example.com read --title 'See your orders'\n  npm run -s keywright -- api describe-scope https://api.example.com read --title 'Ihre Bestellungen sehen' --language de",
    )
    .action(
      withInstance<DescribeOptions>(async ({ management, principal }, options, identifier, scope) => {
        const change = textChangeOf(options)
        await changeApi(management, principal, { identifier: identifier!, changes: {}, texts: { [scope!]: change } })
        return { json: { identifier, scope, ...change } }
      }),
    )
}

function addDelete(api: Command): void {
  addDryRun(api.command('delete <identifier>'))
    .description('Delete an API that no client may call and whose tokens have expired')
    .action(
      withInstance<DryRunOption>((context, options, identifier) =>
        runOrDescribe(context, options, deleteApi, { identifier: identifier! }, () => ({
          identifier,
          status: 'deleted',
        })),
      ),
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
        const texts = listed.flatMap(({ api, scopes }) =>
          scopes.map(({ translations, ...text }) => ({
            api: api.identifier,
            ...text,
            languages: Object.keys(translations).join(' '),
          })),
        )
        return { json: { apis }, text: `${table(listed.map(({ api }) => viewApi(api)))}\n\n${table(texts)}` }
      }),
    )
}
