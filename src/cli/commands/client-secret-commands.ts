import { type Command, InvalidArgumentError, Option } from 'commander'
import { AUTH_METHODS, type AuthMethod } from '../../clients/authentication-attributes.ts'
import { rotateApplicationSecret } from '../../management/application-operations.ts'
import { addApplicationKeys } from '../../management/client-key-addition.ts'
import { fetchApplicationKeys } from '../../management/client-key-fetch.ts'
import { readApplicationSecrets } from '../../management/client-secrets-reading.ts'
import { addApplicationTrust } from '../../management/client-trust-addition.ts'
import { updateApplicationTrust } from '../../management/client-trust-update.ts'
import { planApplicationSecretRetirement, retireApplicationSecret } from '../../management/secret-retirement.ts'
import { checkWorkloadToken } from '../../management/workload-token-check.ts'
import { invalidInput } from '../../shared/errors.ts'
import { LONGEST_ASSERTION } from '../../shared/longest-assertion.ts'
import { toWire } from '../../shared/wire-names.ts'
import { seconds, textFile, timeIn } from '../attribute-options.ts'
import {
  addCredentialOptions,
  addTrustChangeOptions,
  addTrustOptions,
  type CredentialOptions,
  credentialsIn,
  JWKS_HELP,
  type TrustChangeOptions,
  trustChangeOf,
  trustOf,
} from '../credential-options.ts'
import { addDryRun, type DryRunOption, dryRunResult } from '../dry-run-commands.ts'
import { table } from '../output.ts'
import { type CommandContext, resultOfTransaction, withInstance } from '../run.ts'
import { readStandardInput } from '../standard-input.ts'
import { readClientView, timeOf, viewSecret } from './client-view.ts'

export function addSecretCommands(client: Command): void {
  addSecrets(client)
  addRotate(client)
  addKeysCommand(client)
  addFetchKeysCommand(client)
  addTrustCommand(client)
  addUpdateTrust(client)
  addCheckTokenCommand(client)
  addRetire(client)
}

function addSecrets(client: Command): void {
  client
    .command('secrets <id>')
    .description('Show the valid client secrets and API keys of a client, each with its callers of the last 30 days')
    .action(
      withInstance(async ({ management, principal }, _options, id) => {
        const { asOf, secrets } = await readApplicationSecrets(management, principal, { clientId: id! })
        const shown = secrets.map(({ callers, ...secret }) => ({
          ...viewSecret(secret),
          callers: callers.map(({ ip, api, userAgent, firstUsedAt, lastUsedAt }) => ({
            ip,
            api,
            user_agent: userAgent,
            first_used_at: timeOf(firstUsedAt),
            last_used_at: timeOf(lastUsedAt),
          })),
        }))
        const callers = shown.flatMap((secret) => secret.callers.map((caller) => ({ secret: secret.id, ...caller })))
        const rows = shown.map(({ callers: _, ...secret }) => secret)
        return { json: { client_id: id, as_of: asOf, secrets: shown }, text: `${table(rows)}\n\n${table(callers)}` }
      }),
    )
}

export const EXPIRY_HELP =
  'When the new secret expires, such as 2027-06-30T00:00:00Z; default: after the longest allowed lifetime'

function hours(text: string): number {
  if (!/^\d{1,5}$/.test(text)) throw new InvalidArgumentError('Use a whole number of hours.')
  return Number(text)
}

interface RotateOptions extends DryRunOption, CredentialOptions {
  overlap: number
  expiresAt?: Date
  unusedHours?: number
  jwksUri?: string
  authMethod?: AuthMethod
}

function addRotate(client: Command): void {
  addCredentialOptions(addDryRun(client.command('rotate-secret <id>')))
    .description('Rotate the client secret; the current one and its tokens end at once or after the overlap')
    .option('--overlap <seconds>', 'Time for which the current secret still works', seconds, 0)
    .option('--expires-at <time>', EXPIRY_HELP, timeIn)
    .addOption(
      new Option('--auth-method <method>', 'How the client authenticates from now on; default: as before').choices(
        AUTH_METHODS,
      ),
    )
    .option(
      '--jwks-uri <url>',
      'Where the client publishes its public keys from now on, instead of --jwks; without both, known keys are fetched anew',
    )
    .option('--unused-hours <hours>', 'The current secret also ends after so many hours without a use', hours)
    .action(
      withInstance<RotateOptions>(async (context, { dryRun, ...options }, id) => {
        const { management, principal } = context
        if (dryRun) return dryRunResult(await rotateApplicationSecret.dryRun(management, principal, { clientId: id! }))
        return await resultOfTransaction(context, async (within) => {
          const { overlap, expiresAt, unusedHours, jwksUri, authMethod } = options
          const rotation = { overlap, expiresAt, unusedHours, jwksUri, authMethod }
          const change = { clientId: id!, ...rotation, ...credentialsIn(options) }
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

function addKeysCommand(client: Command): void {
  client
    .command('add-keys <id>')
    .description('Add public keys to those of a client that authenticates by its private key; the others stay')
    .requiredOption('--jwks <file>', JWKS_HELP, textFile)
    .option('--expires-at <time>', 'When the new keys expire; default: after the longest allowed lifetime', timeIn)
    .action(
      withInstance<{ jwks: string; expiresAt?: Date }>(async (context, options, id) =>
        resultOfTransaction(context, async (within) => {
          await addApplicationKeys(within.management, within.principal, { clientId: id!, ...options })
          return await readClientView(within, id!)
        }),
      ),
    )
}

function addFetchKeysCommand(client: Command): void {
  client
    .command('fetch-keys <id>')
    .description('Fetch the public keys of a client with jwks_uri now; at most once a minute')
    .action(
      withInstance(async (context, _options, id) => {
        await fetchApplicationKeys(context.management, context.principal, { clientId: id! })
        return { json: await readClientView(context, id!) }
      }),
    )
}

function addTrustCommand(client: Command): void {
  addTrustOptions(client.command('add-trust <id>'))
    .description('Add a trust in an issuer to those of a client with workload identity; the others stay')
    .option('--expires-at <time>', 'When the trust expires; default: after the longest allowed lifetime', timeIn)
    .action(
      withInstance<CredentialOptions & { expiresAt?: Date }>(async (context, { expiresAt, ...options }, id) => {
        const trust = trustOf(options)
        if (!trust) throw invalidInput('name the issuer with --trust-issuer, or the platform with --trust-preset')
        return await resultOfTransaction(context, async (within) => {
          await addApplicationTrust(within.management, within.principal, { clientId: id!, trust, expiresAt })
          return await readClientView(within, id!)
        })
      }),
    )
}

/** @throws KeywrightError `invalid_input` */
function idIn(text: string, message: string): number {
  if (!/^\d{1,15}$/.test(text)) throw invalidInput(message)
  return Number(text)
}

function addUpdateTrust(client: Command): void {
  addTrustChangeOptions(client.command('update-trust <id> <trust>'))
    .description(
      'Change a trust of a client, by the ID that show lists, but not its issuer; unless it accepts every token that it accepted before, the tokens that it obtained are revoked',
    )
    .action(
      withInstance<TrustChangeOptions>(async (context, options, id, trust) => {
        const trustId = idIn(trust!, 'the command takes the ID of a trust, which is a number')
        const change = trustChangeOf(options)
        return await resultOfTransaction(context, async (within) => {
          await updateApplicationTrust(within.management, within.principal, { clientId: id!, trustId, change })
          return await readClientView(within, id!)
        })
      }),
    )
}

const TOKEN_HELP = `
With - the token is read from standard input, so that it does not stay in the history of the shell.`

function addCheckTokenCommand(client: Command): void {
  client
    .command('check-token <id> <token>')
    .description(
      'Compare the token (JWT) of a workload to the trusts of a client, claim by claim; nothing is issued or stored',
    )
    .addHelpText('after', TOKEN_HELP)
    .action(
      withInstance(async ({ management, principal }, _options, id, given) => {
        const token = given === '-' ? await readStandardInput(LONGEST_ASSERTION) : given!
        const { isMet, trusts } = await checkWorkloadToken(management, principal, { clientId: id!, token })
        const rows = trusts.flatMap(({ id, failure, checks }) => [
          ...(failure === null ? [] : [{ trust: id, claim: '', is_met: false, found: failure, required: '' }]),
          ...checks.map(({ claim, isMet, found, required }) => ({ trust: id, claim, is_met: isMet, found, required })),
        ])
        const text = `${isMet ? 'The token meets a trust.' : 'The token meets no trust.'}\n\n${table(rows)}`
        return { json: { client_id: id, is_met: isMet, trusts: toWire(trusts) }, text }
      }),
    )
}

interface RetireOptions extends DryRunOption {
  secret?: string
  unusedHours?: number
  atLatest?: number
}

/** @throws KeywrightError `invalid_input` */
function secretIdIn({ secret, unusedHours, atLatest }: RetireOptions): number | undefined {
  const id = secret === undefined ? undefined : idIn(secret, '--secret takes the ID of a secret, which is a number')
  if (unusedHours !== undefined && secret === undefined) throw invalidInput('--unused-hours needs --secret')
  if (atLatest !== undefined && unusedHours === undefined) throw invalidInput('--at-latest needs --unused-hours')
  return id
}

async function retire({ management, principal }: CommandContext, clientId: string, options: RetireOptions) {
  const secretId = secretIdIn(options)
  const { unusedHours, atLatest } = options
  if (unusedHours === undefined) return await retireApplicationSecret(management, principal, { clientId, secretId })
  const latestAt = atLatest === undefined ? undefined : new Date(Date.now() + atLatest * 1000)
  const plan = { clientId, secretId: secretId!, unusedHours, latestAt }
  return await planApplicationSecretRetirement(management, principal, plan)
}

function addRetire(client: Command): void {
  addDryRun(client.command('retire-secret <id>'))
    .description(
      'Retire previous client secrets before their overlap ends, or one of several public keys, and revoke their tokens',
    )
    .option('--secret <secret-id>', 'Only this secret, by the ID that show lists')
    .option('--unused-hours <hours>', 'Not now, but after so many hours without a use', hours)
    .option(
      '--at-latest <seconds>',
      'With --unused-hours: at the latest after this time; default: its overlap',
      seconds,
    )
    .action(
      withInstance<RetireOptions>(async (context, options, id) => {
        const { management, principal } = context
        const secret = { clientId: id!, secretId: secretIdIn(options) }
        if (options.dryRun) return dryRunResult(await retireApplicationSecret.dryRun(management, principal, secret))
        return await resultOfTransaction(context, async (within) => {
          await retire(within, id!, options)
          return await readClientView(within, id!)
        })
      }),
    )
}
