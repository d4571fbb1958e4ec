import { type Command, Option } from 'commander'
import { readKeyPairDetails, stopKeyPair } from '../../management/key-pair-details.ts'
import {
  type GeneratedKeyPair,
  generateKeyPair,
  type KeyPairSummary,
  listKeyPairs,
} from '../../management/key-pair-operations.ts'
import { findUser } from '../../management/user-operations.ts'
import { ENVIRONMENTS, type Environment } from '../../shared/environments.ts'
import { timeIn } from '../attribute-options.ts'
import { addDryRun, type DryRunOption, runOrDescribe } from '../dry-run-commands.ts'
import { table } from '../output.ts'
import { withInstance } from '../run.ts'
import { EXPIRY_HELP } from './client-secret-commands.ts'

export function addKeyPairCommands(keyPair: Command): void {
  addGenerate(keyPair)
  addList(keyPair)
  addShow(keyPair)
  addDryRun(keyPair.command('stop <id>'))
    .description('Stop a key pair for good: its client secret stops working at once, and its tokens are revoked')
    .action(
      withInstance<DryRunOption>((context, options, id) =>
        runOrDescribe(context, options, stopKeyPair, { clientId: id! }, ({ client, revoked }) => ({
          client_id: client.clientId,
          status: client.status,
          revoked,
        })),
      ),
    )
}

interface GenerateOptions extends DryRunOption {
  user: string
  api?: string[]
  name?: string
  environment?: Environment
  secretExpiresAt?: Date
}

const viewGenerated = ({ clientId, clientSecret, apiKey, revoked }: GeneratedKeyPair) => ({
  client_id: clientId,
  client_secret: clientSecret,
  api_key: apiKey,
  revoked,
})

function addGenerate(keyPair: Command): void {
  addDryRun(keyPair.command('generate'))
    .description(
      'Generate a key pair; the former one of the user, or of this name, stops working at once, and its tokens are revoked',
    )
    .requiredOption('--user <id|email>', 'Admin who owns the key pair')
    .option('--name <name>', 'Name of a further key pair, if its APIs allow named ones; default: the default key pair')
    .addOption(
      new Option('--environment <live|test>', 'Environment of a new named key pair, if its APIs have them').choices(
        ENVIRONMENTS,
      ),
    )
    .option('--secret-expires-at <time>', EXPIRY_HELP, timeIn)
    .option(
      '--api <uri...>',
      "APIs that it may call, the default first; default: the former pair's, or the default API",
    )
    .action(
      withInstance<GenerateOptions>(
        async (context, { user, api: apis, name, environment, secretExpiresAt, ...options }) => {
          const { id: userId } = await findUser(context.management, context.principal, { idOrEmail: user })
          const request = { userId, apis, pairName: name, environment, secretExpiresAt }
          return await runOrDescribe(context, options, generateKeyPair, request, viewGenerated)
        },
      ),
    )
}

const toJson = ({ client, apis, lastFour, lastUsedAt }: KeyPairSummary) => ({
  client_id: client.clientId,
  pair_name: client.pairName,
  environment: client.environment,
  status: client.status,
  apis: apis.map(({ identifier }) => identifier),
  last_four: lastFour,
  last_used_at: lastUsedAt,
  created_at: client.createdAt,
})

function addList(keyPair: Command): void {
  keyPair
    .command('list')
    .description('List the key pairs of an admin, the default one first')
    .requiredOption('--user <id|email>', 'Admin who owns the key pairs')
    .action(
      withInstance<{ user: string }>(async ({ management, principal }, { user }) => {
        const { id: userId } = await findUser(management, principal, { idOrEmail: user })
        const pairs = (await listKeyPairs(management, principal, { userId })).map(toJson)
        return { json: { key_pairs: pairs }, text: table(pairs) }
      }),
    )
}

function addShow(keyPair: Command): void {
  keyPair
    .command('show <id>')
    .description('Show a key pair with its owner, APIs and use')
    .action(
      withInstance(async ({ management, principal }, _options, id) => {
        const pair = await readKeyPairDetails(management, principal, { clientId: id! })
        const { client, owner, apis, secrets, activeTokens } = pair
        const [newest] = secrets.filter(({ kind }) => kind === 'secret')
        const lastUsedAt = newest?.lastUsedAt ? new Date(newest.lastUsedAt) : null
        const summary = toJson({ client, apis, lastFour: newest?.lastFour ?? null, lastUsedAt })
        return { json: { ...summary, user_id: owner.id, email: owner.email, active_tokens: activeTokens.count } }
      }),
    )
}
