import type { Command } from 'commander'
import { ACCESS_ATTRIBUTES, CLIENT_ATTRIBUTES } from '../../clients/client-attributes.ts'
import type { ClientSettings } from '../../clients/client-settings.ts'
import { readAccount } from '../../management/account-operations.ts'
import {
  archiveApplication,
  restoreApplication,
  retireApplicationSecret,
  rotateApplicationSecret,
  updateApplication,
} from '../../management/application-operations.ts'
import { listClients } from '../../management/client-operations.ts'
import { createApplication } from '../../management/new-applications.ts'
import { invalidInput } from '../../shared/errors.ts'
import { readAllPages } from '../all-pages.ts'
import { addAttributeOptions, optionValues, seconds } from '../attribute-options.ts'
import { table } from '../output.ts'
import { resultOfTransaction, withInstance } from '../run.ts'
import { readClientView, viewClient } from './client-view.ts'

const EXAMPLE = `
Options left out take their default in create and stay unchanged in update.

Examples:
  npm run -s keywright -- client create --account ID --name 'Night job' --grants client_credentials --json
  npm run -s keywright -- client create --account ID --name 'Our app' --grants 'authorization_code refresh_token' \\
    --redirect-uri https://app.example.com/callback --post-logout-redirect-uri https://app.example.com/ \\
    --consent skip_own_account --refresh-tokens offline_access --default-scopes 'openid read'
  npm run -s keywright -- client update CLIENT_ID --rate-limit 600/min --policy single`

export function addClientCommands(client: Command): void {
  addCreate(client)
  addUpdate(client)
  addReads(client)
  addStatusChanges(client)
  addRotate(client)
  addRetire(client)
}

interface CreateOptions {
  account?: string
  instance?: boolean
}

/** The account's ID; null for an application of the instance. @throws KeywrightError `invalid_input` */
function accountOf({ account, instance }: CreateOptions): string | null {
  if ((account === undefined) === (instance === undefined)) {
    throw invalidInput('name the account with --account, or use --instance for an application of the instance')
  }
  return account ?? null
}

function addCreate(client: Command): void {
  const command = client
    .command('create')
    .description('Register an application; prints its client secret once')
    .option('--account <id>', 'Account that owns it')
    .option('--instance', 'The instance owns it, and no account')
    .addHelpText('after', EXAMPLE)
  addAttributeOptions(command, { ...CLIENT_ATTRIBUTES, ...ACCESS_ATTRIBUTES }, 'create').action(
    withInstance<CreateOptions>(async (context, options) => {
      // Commander has rejected a command without the required ones.
      const settings = optionValues(CLIENT_ATTRIBUTES, options) as ClientSettings
      const request = { accountId: accountOf(options), settings, ...optionValues(ACCESS_ATTRIBUTES, options) }
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

function addReads(client: Command): void {
  client
    .command('show <id>')
    .description('Show a client with its APIs and secrets: last four characters, age, last use')
    .action(withInstance(async (context, _options, id) => ({ json: await readClientView(context, id!) })))

  client
    .command('list')
    .description('List applications and key pairs')
    .option('--account <id>', 'Only those of this account')
    .action(
      withInstance<{ account?: string }>(async ({ management, principal }, { account: accountId }) => {
        if (accountId !== undefined) await readAccount(management, principal, { accountId })
        const listed = await readAllPages((page) => listClients(management, principal, { accountId, ...page }))
        const short = listed.map(({ clientId, name, kind, status }) => ({ client_id: clientId, name, kind, status }))
        return { json: { clients: listed.map(viewClient) }, text: table(short) }
      }),
    )
}

function addStatusChanges(client: Command): void {
  client
    .command('archive <id>')
    .description('Archive a client: its client secret stops working, and all its tokens are revoked')
    .action(
      withInstance(async ({ management, principal }, _options, id) => ({
        json: viewClient(await archiveApplication(management, principal, { clientId: id! })),
      })),
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

function addRetire(client: Command): void {
  client
    .command('retire-secret <id>')
    .description('Retire previous client secrets before their overlap ends, and revoke their tokens; the newest stays')
    .option('--secret <secret-id>', 'Only this secret, by the ID that show lists')
    .action(
      withInstance<{ secret?: string }>(async (context, { secret }, id) => {
        if (secret !== undefined && !/^\d{1,15}$/.test(secret))
          throw invalidInput('--secret takes the ID of a secret, which is a number')
        const secretId = secret === undefined ? undefined : Number(secret)
        return await resultOfTransaction(context, async (within) => {
          await retireApplicationSecret(within.management, within.principal, { clientId: id!, secretId })
          return await readClientView(within, id!)
        })
      }),
    )
}

function addRotate(client: Command): void {
  client
    .command('rotate-secret <id>')
    .description('Rotate the client secret; the current one and its tokens end at once or after the overlap')
    .option('--overlap <seconds>', 'Time for which the current secret still works', seconds, 0)
    .action(
      withInstance<{ overlap: number }>(async (context, { overlap }, id) => {
        return await resultOfTransaction(context, async (within) => {
          const change = { clientId: id!, overlap }
          const { client, clientSecret, apiKey } = await rotateApplicationSecret(
            within.management,
            within.principal,
            change,
          )
          const { secrets } = await readClientView(within, id!)
          return { client_id: client.clientId, client_secret: clientSecret, api_key: apiKey, secrets }
        })
      }),
    )
}
