import type { Command } from 'commander'
import type { Knex } from 'knex'
import { getAccount } from '../../accounts/accounts.ts'
import { getInstanceSettings } from '../../accounts/instance-settings.ts'
import { DEFAULT_SETTINGS } from '../../clients/client-settings.ts'
import { getClient, listClients } from '../../clients/clients.ts'
import { createClient, updateClient } from '../../management/client-registration.ts'
import { retireSecret, rotateSecret } from '../../management/client-secret-rotation.ts'
import { changeClientStatus, restoreClient } from '../../management/client-status.ts'
import { invalidInput } from '../../shared/errors.ts'
import { table } from '../output.ts'
import { answerInTransaction, withInstance } from '../run.ts'
import { addClientOptions, type ClientOptions, seconds, settingsOf, words } from './client-options.ts'
import { viewClient, viewClientWhole } from './client-view.ts'

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
  account?: string
  instance?: boolean
  public?: boolean
}

/** The account's id; null for an application of the instance's own. @throws KeywrightError `invalid_input`, `not_found` */
async function ownerOf(knex: Knex, { account, instance }: CreateOptions): Promise<string | null> {
  if ((account === undefined) === (instance === undefined)) {
    throw invalidInput("--account names the account it belongs to; or say --instance, for one of the instance's own")
  }
  return account === undefined ? null : (await getAccount(knex, account)).id
}

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
    withInstance<CreateOptions>(async ({ knex, actor }, options) => {
      const accountId = await ownerOf(knex, options)
      const { defaults } = await getInstanceSettings(knex)
      const isPublic = options.public ?? false
      const settings = { ...DEFAULT_SETTINGS, ...defaults, name: '', grants: [], isPublic, ...settingsOf(options) }
      const scopes = options.scopes === undefined ? null : words(options.scopes)
      const request = { accountId, settings, apis: options.api ?? [], scopes }
      return await answerInTransaction(knex, async (trx) => {
        const { client, clientSecret, apiKey } = await createClient(trx, request, actor)
        return { ...(await viewClientWhole(trx, client)), client_secret: clientSecret, api_key: apiKey }
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
    withInstance<ClientOptions>(async ({ knex, actor }, options, id) => {
      const scopes = options.scopes === undefined ? undefined : words(options.scopes)
      const change = { settings: settingsOf(options), apis: options.api, scopes }
      return await answerInTransaction(knex, async (trx) => {
        const changed = await updateClient(trx, id!, change, actor)
        return { ...(await viewClientWhole(trx, changed.client)), api_key: changed.apiKey }
      })
    }),
  )
}

function addReads(client: Command): void {
  client
    .command('show <id>')
    .description('one client with its APIs and secrets: last four characters, age, last use')
    .action(
      withInstance(async ({ knex }, _options, id) => ({
        json: await viewClientWhole(knex, await getClient(knex, id!)),
      })),
    )

  client
    .command('list')
    .description('all clients')
    .option('--account <id>', 'only those of one account')
    .action(
      withInstance<{ account?: string }>(async ({ knex }, options) => {
        const clients = (await listClients(knex, { accountId: options.account })).map(viewClient)
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
      withInstance(async ({ knex, actor }, _options, id) => ({
        json: viewClient(await changeClientStatus(knex, id!, 'archived', actor)),
      })),
    )
  client
    .command('restore <id>')
    .description('let an archived client work again, with a new secret; its earlier tokens stay dead')
    .option('--keep-secret', 'let the archived secret work again; only when nobody else can have it')
    .action(
      withInstance<{ keepSecret?: boolean }>(async ({ knex, actor }, { keepSecret = false }, id) => {
        const { client: restored, clientSecret, apiKey } = await restoreClient(knex, id!, { keepSecret }, actor)
        return { json: { ...viewClient(restored), client_secret: clientSecret, api_key: apiKey } }
      }),
    )
}

function addRetire(client: Command): void {
  client
    .command('retire-secret <id>')
    .description('end previous secrets before their overlap is over, with their tokens; the newest one stays')
    .option('--secret <secret-id>', 'this one alone, by the id that show lists')
    .action(
      withInstance<{ secret?: string }>(async ({ knex, actor }, { secret }, id) => {
        if (secret !== undefined && !/^\d{1,15}$/.test(secret)) throw invalidInput('a secret id is a number')
        const changed = await retireSecret(knex, id!, secret === undefined ? undefined : Number(secret), actor)
        return { json: await viewClientWhole(knex, changed) }
      }),
    )
}

function addRotate(client: Command): void {
  client
    .command('rotate-secret <id>')
    .description('a new secret; the present one ends at once, or after the overlap, and its tokens end with it')
    .option('--overlap <seconds>', 'how long the present secret still works', seconds, 0)
    .action(
      withInstance<{ overlap: number }>(async ({ knex, actor }, { overlap }, id) => {
        return await answerInTransaction(knex, async (trx) => {
          const { client, clientSecret, apiKey } = await rotateSecret(trx, id!, overlap, actor)
          const { secrets } = await viewClientWhole(trx, client)
          return { client_id: client.clientId, client_secret: clientSecret, api_key: apiKey, secrets }
        })
      }),
    )
}
