import type { Command } from 'commander'
import { getAccount } from '../../accounts/accounts.ts'
import { DEFAULT_SETTINGS } from '../../clients/client-settings.ts'
import { getClient, listClients } from '../../clients/clients.ts'
import { changeClientStatus, createClient, rotateSecret, updateClient } from '../../tokens/client-changes.ts'
import { table } from '../output.ts'
import { withInstance } from '../run.ts'
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

export function addClientCommands(program: Command): void {
  const client = program
    .command('client')
    .description("applications, and the settings of any client, key pairs' included")
  addCreate(client)
  addUpdate(client)
  addReads(client)
  addStatusChanges(client)
  addRotate(client)
}

function addCreate(client: Command): void {
  const command = client
    .command('create')
    .description('register an application; its secret is answered this once')
    .requiredOption('--account <id>', 'the account it belongs to')
    .requiredOption('--name <name>', 'what people will be told is asking')
    .requiredOption('--grants <list>', GRANTS)
    .option('--redirect-uri <uri...>', 'where codes may be sent to, exactly')
    .option('--public', 'it cannot keep a secret: it gets none')
    .addHelpText('after', EXAMPLE)
  addClientOptions(command).action(
    withInstance<ClientOptions & { account: string; public?: boolean }>(async ({ knex, actor }, options) => {
      const account = await getAccount(knex, options.account)
      const settings = {
        ...DEFAULT_SETTINGS,
        name: '',
        grants: [],
        isPublic: options.public ?? false,
        ...settingsOf(options),
      }
      const scopes = options.scopes === undefined ? null : words(options.scopes)
      const request = { accountId: account.id, settings, apis: options.api ?? [], scopes }
      const made = await createClient(knex, request, actor)
      const secrets = { client_secret: made.clientSecret, api_key: made.apiKey }
      return { json: { ...(await viewClientWhole(knex, made.client)), ...secrets } }
    }),
  )
}

function addUpdate(client: Command): void {
  const command = client
    .command('update <id>')
    .description('change what the options name, and leave the rest')
    .option('--name <name>', 'what people will be told is asking')
    .option('--grants <list>', GRANTS)
    .option('--redirect-uri <uri...>', 'where codes may be sent to, exactly')
    .addHelpText('after', EXAMPLE)
  addClientOptions(command).action(
    withInstance<ClientOptions>(async ({ knex, actor }, options, id) => {
      const scopes = options.scopes === undefined ? undefined : words(options.scopes)
      const change = { settings: settingsOf(options), apis: options.api, scopes }
      const changed = await updateClient(knex, id!, change, actor)
      return { json: { ...(await viewClientWhole(knex, changed.client)), api_key: changed.apiKey } }
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
  for (const [verb, status] of [
    ['archive', 'archived'],
    ['restore', 'active'],
  ] as const) {
    client
      .command(`${verb} <id>`)
      .description(
        verb === 'archive'
          ? 'stop a client at once: its secret, its tokens and its refresh tokens are dead'
          : 'let an archived client work again; what died stays dead',
      )
      .action(
        withInstance(async ({ knex, actor }, _options, id) => {
          return { json: viewClient(await changeClientStatus(knex, id!, status, actor)) }
        }),
      )
  }
}

function addRotate(client: Command): void {
  client
    .command('rotate-secret <id>')
    .description('a new secret; the present one ends at once, or after the overlap, and its tokens end with it')
    .option('--overlap <seconds>', 'how long the present secret still works', seconds, 0)
    .action(
      withInstance<{ overlap: number }>(async ({ knex, actor }, { overlap }, id) => {
        const made = await rotateSecret(knex, id!, overlap, actor)
        const whole = await viewClientWhole(knex, made.client)
        return {
          json: {
            client_id: made.client.clientId,
            client_secret: made.clientSecret,
            api_key: made.apiKey,
            secrets: whole.secrets,
          },
        }
      }),
    )
}
