import { type Command, Option } from 'commander'
import { APPLICATION_TYPE_VALUES } from '../../clients/application-types.ts'
import { ACCESS_ATTRIBUTES, CLIENT_ATTRIBUTES } from '../../clients/client-attributes.ts'
import type { ClientSettings } from '../../clients/client-settings.ts'
import { readAccount } from '../../management/account-operations.ts'
import { archiveApplication, restoreApplication, updateApplication } from '../../management/application-operations.ts'
import { listClients } from '../../management/client-list.ts'
import { readClientRefusals } from '../../management/client-usage-operations.ts'
import { deleteApplication } from '../../management/deletion-operations.ts'
import { createApplication } from '../../management/new-applications.ts'
import { invalidInput } from '../../shared/errors.ts'
import { readAllPages } from '../all-pages.ts'
import { addAttributeOptions, optionValues, timeIn, wholeNumber } from '../attribute-options.ts'
import { addCredentialOptions, type CredentialOptions, credentialsIn } from '../credential-options.ts'
import { addDryRun, type DryRunOption, runOrDescribe } from '../dry-run-commands.ts'
import { table } from '../output.ts'
import { resultOfTransaction, withInstance } from '../run.ts'
import { addSecretCommands, EXPIRY_HELP } from './client-secret-commands.ts'
import { readClientView, viewClient } from './client-view.ts'

const EXAMPLE = `
Options left out take their default in create and stay unchanged in update.

Examples:
  npm run -s keywright -- client create --account ID --name 'Night job' --type service --json
  npm run -s keywright -- client create --account ID --name 'Our app' --grants 'authorization_code refresh_token' \\
    --redirect-uri https://app.example.com/callback --post-logout-redirect-uri https://app.example.com/ \\
    --consent skip_own_account --refresh-tokens offline_access --default-scopes 'openid read'
  npm run -s keywright -- client update CLIENT_ID --rate-limit 600/min --policy single`

export function addClientCommands(client: Command): void {
  addCreate(client)
  addUpdate(client)
  addReads(client)
  addRefusals(client)
  addStatusChanges(client)
  addDelete(client)
  addSecretCommands(client)
}

interface CreateOptions extends CredentialOptions {
  account?: string
  instance?: boolean
  type?: string
  secretExpiresAt?: Date
}

/** The account's ID; null for an application of the instance. @throws KeywrightError `invalid_input` */
function accountOf({ account, instance }: CreateOptions): string | null {
  if ((account === undefined) === (instance === undefined)) {
    throw invalidInput('name the account with --account, or use --instance for an application of the instance')
  }
  return account ?? null
}

/** A type has grant types. */
const CREATION_ATTRIBUTES = {
  ...CLIENT_ATTRIBUTES,
  grants: { ...CLIENT_ATTRIBUTES.grants, initial: [] },
  ...ACCESS_ATTRIBUTES,
}

function addCreate(client: Command): void {
  const command = client
    .command('create')
    .description('Register an application; prints its client secret once')
    .option('--account <id>', 'Account that owns it')
    .option('--instance', 'The instance owns it, and no account')
    .addOption(
      new Option(
        `--type <${APPLICATION_TYPE_VALUES.join('|')}>`,
        'What it is, which gives --grants and --public their values if they are left out',
      ).choices(APPLICATION_TYPE_VALUES),
    )
    .option('--secret-expires-at <time>', EXPIRY_HELP, timeIn)
    .addHelpText('after', EXAMPLE)
  addAttributeOptions(addCredentialOptions(command), CREATION_ATTRIBUTES, 'create').action(
    withInstance<CreateOptions>(async (context, options) => {
      // Commander has rejected a command without the required ones.
      const settings = optionValues(CLIENT_ATTRIBUTES, options) as ClientSettings
      const { secretExpiresAt, type } = options
      const access = optionValues(ACCESS_ATTRIBUTES, options)
      const request = {
        accountId: accountOf(options),
        settings,
        type,
        secretExpiresAt,
        ...credentialsIn(options),
        ...access,
      }
      return await resultOfTransaction(context, async (within) => {
        const created = await createApplication(within.management, within.principal, request)
        const { client, clientSecret, apiKey } = created
        return { ...(await readClientView(within, client.clientId)), client_secret: clientSecret, api_key: apiKey }
      })
    }),
  )
}

function addUpdate(client: Command): void {
  const command = client
    .command('update <id>')
    .description(
      'Update the settings that the options name; tokens that exceed the new rights are revoked, others stay valid',
    )
    .addHelpText('after', EXAMPLE)
  addAttributeOptions(command, { ...CLIENT_ATTRIBUTES, ...ACCESS_ATTRIBUTES }, 'update').action(
    withInstance<object>(async (context, options, id) => {
      const change = {
        clientId: id!,
        settings: optionValues(CLIENT_ATTRIBUTES, options),
        ...optionValues(ACCESS_ATTRIBUTES, options),
      }
      return await resultOfTransaction(context, async (within) => {
        const { apiKey } = await updateApplication(within.management, within.principal, change)
        return { ...(await readClientView(within, id!)), api_key: apiKey }
      })
    }),
  )
}

interface ListOptions {
  account?: string
  kind?: 'application' | 'key_pair'
  status?: 'active' | 'archived'
  search?: string
  grant?: string
  externalId?: string
  unusedDays?: number
  expiringDays?: number
  owner?: string
}

function addReads(client: Command): void {
  client
    .command('show <id>')
    .description('Show a client with its APIs and secrets: last four characters, age, last use')
    .action(withInstance(async (context, _options, id) => ({ json: await readClientView(context, id!) })))

  client
    .command('list')
    .description('List applications and key pairs')
    .option('--account <id>', 'Only those of this account')
    .option('--external-id <id>', 'Only the client with this external ID')
    .addOption(
      new Option('--kind <application|key_pair>', 'Only clients of this kind').choices(['application', 'key_pair']),
    )
    .addOption(
      new Option('--status <active|archived>', 'Only clients with this status').choices(['active', 'archived']),
    )
    .option('--grant <type>', 'Only clients that may use this grant type')
    .option('--unused-days <days>', 'Only active clients that were not used for so many days', wholeNumber)
    .option(
      '--expiring-days <days>',
      'Only active clients whose client secret or API key expires within so many days',
      wholeNumber,
    )
    .option('--owner <email>', 'Only key pairs that this user owns, and applications that this user created')
    .option('--search <text>', "Beginnings of words of the name, a client ID, or a key pair owner's email address")
    .action(
      withInstance<ListOptions>(async ({ management, principal }, { account: accountId, ...filter }) => {
        if (accountId !== undefined) await readAccount(management, principal, { accountId })
        const listed = await readAllPages((page) =>
          listClients(management, principal, { accountId, ...filter, sort: 'added', ...page }),
        )
        const short = listed.map(({ clientId, name, kind, status }) => ({ client_id: clientId, name, kind, status }))
        const clients = listed.map((one) => ({ ...viewClient(one), secret_expires_at: one.secretExpiresAt }))
        return { json: { clients }, text: table(short) }
      }),
    )
}

function addRefusals(client: Command): void {
  client
    .command('refusals <id>')
    .description('Show the refused requests of a client by reason, with the latest samples')
    .option('--days <days>', 'The last day (1) or the last seven days (7)', '1')
    .action(
      withInstance<{ days: string }>(async ({ management, principal }, { days }, id) => {
        if (days !== '1' && days !== '7') throw invalidInput('--days takes 1 or 7')
        const request = { clientId: id!, days: days === '7' ? 7 : 1 } as const
        const { reasons, samples } = await readClientRefusals(management, principal, request)
        const shown = samples.map(({ userAgent, requestId, ...sample }) => ({
          ...sample,
          user_agent: userAgent,
          request_id: requestId,
        }))
        const text = `${table(reasons.map((one) => ({ ...one })))}\n\n${table(shown)}`
        return { json: { client_id: id, reasons, samples: shown }, text }
      }),
    )
}

function addStatusChanges(client: Command): void {
  addDryRun(client.command('archive <id>'))
    .description('Archive a client: its client secret stops working, and all its tokens are revoked')
    .action(
      withInstance<DryRunOption>((context, options, id) =>
        runOrDescribe(context, options, archiveApplication, { clientId: id! }, viewClient),
      ),
    )
  client
    .command('restore <id>')
    .description('Restore an archived client with a new client secret; revoked tokens stay revoked')
    .option('--keep-secret', 'Keep the former client secret, if it cannot have leaked')
    .action(
      withInstance<{ keepSecret?: boolean }>(async ({ management, principal }, { keepSecret = false }, id) => {
        const restored = await restoreApplication(management, principal, { clientId: id!, keepSecret })
        const { clientSecret, apiKey } = restored
        return { json: { ...viewClient(restored.client), client_secret: clientSecret, api_key: apiKey } }
      }),
    )
}

function addDelete(client: Command): void {
  addDryRun(client.command('delete <id>'))
    .description('Delete an archived application; its client ID is not used again, and its tokens stay revoked')
    .action(
      withInstance<DryRunOption>((context, options, id) =>
        runOrDescribe(context, options, deleteApplication, { clientId: id! }, (status) => ({ client_id: id, status })),
      ),
    )
}
