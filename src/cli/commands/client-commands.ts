import type { Command } from 'commander'
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
import { table } from '../output.ts'
import { answerInTransaction, withInstance } from '../run.ts'
import { addClientOptions, type ClientOptions, seconds, settingsOf, words } from './client-options.ts'
import { readClientView, viewClient } from './client-view.ts'

const GRANTS = 'authorization_code, refresh_token, client_credentials, device_code; space-separated'

const EXAMPLE = `
A default holds until an option says otherwise; update leaves alone what no option names.

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

interface CreateOptions extends ClientOptions {
  name: string
  grants: string
  account?: string
  instance?: boolean
  public?: boolean
}

/** The id of the account; null for an application of the instance. @throws KeywrightError `invalid_input` */
function accountOf({ account, instance }: CreateOptions): string | null {
  if ((account === undefined) === (instance === undefined)) {
    throw invalidInput("--account names the account it belongs to; or say --instance, for one of the instance's own")
  }
  return account ?? null
}

/** The APIs and scopes that the options name. */
const accessOf = ({ api: apis, scopes }: ClientOptions) => ({
  apis,
  scopes: scopes === undefined ? undefined : words(scopes),
})

function addCreate(client: Command): void {
  const command = client
    .command('create')
    .description('register an application; its secret is answered this once')
    .option('--account <id>', 'the account it belongs to')
    .option('--instance', "the instance's own: it belongs to no account")
    .requiredOption('--name <name>', 'what people will be told is asking')
    .requiredOption('--grants <list>', GRANTS)
    .option('--redirect-uri <uri...>', 'where codes may be sent to, exactly')
    .option('--public', 'it cannot keep a secret: it gets none')
    .addHelpText('after', EXAMPLE)
  addClientOptions(command).action(
    withInstance<CreateOptions>(async (context, options) => {
      const required = { name: options.name, grants: [] }
      const settings = { ...required, ...settingsOf(options), isPublic: options.public ?? false }
      const request = { accountId: accountOf(options), settings, ...accessOf(options) }
      return await answerInTransaction(context, async (within) => {
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
    .description('change what the options name; tokens that exceed the new rights are revoked, others stay active')
    .option('--name <name>', 'what people will be told is asking')
    .option('--grants <list>', GRANTS)
    .option('--redirect-uri <uri...>', 'where codes may be sent to, exactly')
    .addHelpText('after', EXAMPLE)
  addClientOptions(command).action(
    withInstance<ClientOptions>(async (context, options, id) => {
      const change = { clientId: id!, settings: settingsOf(options), ...accessOf(options) }
      return await answerInTransaction(context, async (within) => {
        const { apiKey } = await updateApplication(within.management, within.principal, change)
        return { ...(await readClientView(within, id!)), api_key: apiKey }
      })
    }),
  )
}

function addReads(client: Command): void {
  client
    .command('show <id>')
    .description('one client with its APIs and secrets: last four characters, age, last use')
    .action(withInstance(async (context, _options, id) => ({ json: await readClientView(context, id!) })))

  client
    .command('list')
    .description('all clients')
    .option('--account <id>', 'only those of one account')
    .action(
      withInstance<{ account?: string }>(async ({ management, principal }, { account: accountId }) => {
        if (accountId !== undefined) await readAccount(management, principal, { accountId })
        const listed = await readAllPages((page) => listClients(management, principal, { accountId, ...page }))
        const clients = listed.map(viewClient)
        const short = clients.map(({ client_id, name, kind, status }) => ({ client_id, name, kind, status }))
        return { json: { clients }, text: table(short) }
      }),
    )
}

function addStatusChanges(client: Command): void {
  client
    .command('archive <id>')
    .description('stop a client at once: its secret, its tokens and its refresh tokens are dead')
    .action(
      withInstance(async ({ management, principal }, _options, id) => ({
        json: viewClient(await archiveApplication(management, principal, { clientId: id! })),
      })),
    )
  client
    .command('restore <id>')
    .description('let an archived client work again, with a new secret; its earlier tokens stay dead')
    .option('--keep-secret', 'let the archived secret work again; only when nobody else can have it')
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
    .description('end previous secrets before their overlap is over, with their tokens; the newest one stays')
    .option('--secret <secret-id>', 'this one alone, by the id that show lists')
    .action(
      withInstance<{ secret?: string }>(async (context, { secret }, id) => {
        if (secret !== undefined && !/^\d{1,15}$/.test(secret)) throw invalidInput('a secret id is a number')
        const secretId = secret === undefined ? undefined : Number(secret)
        return await answerInTransaction(context, async (within) => {
          await retireApplicationSecret(within.management, within.principal, { clientId: id!, secretId })
          return await readClientView(within, id!)
        })
      }),
    )
}

function addRotate(client: Command): void {
  client
    .command('rotate-secret <id>')
    .description('a new secret; the present one ends at once, or after the overlap, and its tokens end with it')
    .option('--overlap <seconds>', 'how long the present secret still works', seconds, 0)
    .action(
      withInstance<{ overlap: number }>(async (context, { overlap }, id) => {
        return await answerInTransaction(context, async (within) => {
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
