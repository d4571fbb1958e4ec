import type { Command } from 'commander'
import {
  IDENTITY_PROVIDER_ATTRIBUTES,
  IDENTITY_PROVIDER_STATUS,
} from '../../identity-providers/identity-provider-attributes.ts'
import type { IdentityProvider, IdentityProviderValues } from '../../identity-providers/identity-providers.ts'
import { addEmailDomain, removeEmailDomain, verifyEmailDomain } from '../../management/email-domain-operations.ts'
import {
  createIdentityProvider,
  deleteIdentityProvider,
  setIdentityProviderStatus,
  testIdentityProvider,
  updateIdentityProvider,
} from '../../management/identity-provider-operations.ts'
import {
  type IdentityProviderDetails,
  listIdentityProviders,
  readIdentityProvider,
} from '../../management/identity-provider-reading.ts'
import type { Management, Operation } from '../../management/operation.ts'
import { invalidInput } from '../../shared/errors.ts'
import { toWire } from '../../shared/wire-names.ts'
import { readAllPages } from '../all-pages.ts'
import { addAttributeOptions, optionValues, printedValues } from '../attribute-options.ts'
import { table } from '../output.ts'
import { withInstance } from '../run.ts'

const viewProvider = ({ upstream }: Management, provider: IdentityProvider) => ({
  provider_id: provider.id,
  account_id: provider.accountId,
  ...printedValues({ ...IDENTITY_PROVIDER_ATTRIBUTES, ...IDENTITY_PROVIDER_STATUS }, provider),
  redirect_uri: upstream!.redirectUri(provider.id),
  backchannel_logout_uri: upstream!.logoutUri(provider.id),
  post_logout_redirect_uri: upstream!.postLogoutUri(provider.id),
  created_at: provider.createdAt,
})

const viewDetails = (management: Management, details: IdentityProviderDetails) => ({
  ...viewProvider(management, details),
  domains: details.domains.map((domain) => toWire(domain)),
})

interface SecretOption {
  readonly clientSecret?: string
}

const SECRET = ['--client-secret <secret>', 'Client secret of Keywright at the provider'] as const

function addCreate(provider: Command): void {
  const command = provider
    .command('create')
    .description(
      'Let users sign in through an OpenID provider, of the instance or of an account; its metadata is read first',
    )
    .option('--account <id>', 'Account whose users it signs in; default: the instance')
    .requiredOption(...SECRET)
    .addHelpText(
      'after',
      '\nExample:\n  npm run -s keywright -- identity-provider create --name Acme --issuer https://login.example.com --client-id keywright --client-secret SECRET\n\nGive the redirect_uri that is printed to the provider.',
    )
  addAttributeOptions(command, IDENTITY_PROVIDER_ATTRIBUTES, 'create').action(
    withInstance<{ account?: string } & SecretOption>(async ({ management, principal }, options) => {
      const values = optionValues(IDENTITY_PROVIDER_ATTRIBUTES, options) as IdentityProviderValues
      const request = { ...values, accountId: options.account, clientSecret: options.clientSecret! }
      return { json: viewDetails(management, await createIdentityProvider(management, principal, request)) }
    }),
  )
}

function addUpdate(provider: Command): void {
  const command = provider
    .command('update <id>')
    .description('Update the settings that the options name')
    .option(...SECRET)
    .addHelpText('after', '\nOptions left out stay unchanged.')
  addAttributeOptions(command, IDENTITY_PROVIDER_ATTRIBUTES, 'update').action(
    withInstance<SecretOption>(async ({ management, principal }, options, id) => {
      const { clientSecret } = options
      const changes = optionValues(IDENTITY_PROVIDER_ATTRIBUTES, options)
      if (Object.keys(changes).length === 0 && clientSecret === undefined)
        throw invalidInput('name at least one setting to change')
      const request = { providerId: id!, clientSecret, ...changes }
      return { json: viewDetails(management, await updateIdentityProvider(management, principal, request)) }
    }),
  )
}

function addReading(provider: Command): void {
  provider
    .command('list')
    .description('List identity providers, newest first')
    .option('--account <id>', 'Only those of this account')
    .action(
      withInstance<{ account?: string }>(async ({ management, principal }, { account: accountId }) => {
        const all = await readAllPages((page) => listIdentityProviders(management, principal, { ...page, accountId }))
        const providers = all.map((one) => viewProvider(management, one))
        return { json: { identity_providers: providers }, text: table(providers) }
      }),
    )
}

type OnProvider = Operation<{ providerId: string }, IdentityProviderDetails>

function addStep(provider: Command, verb: string, description: string, run: OnProvider): void {
  provider
    .command(`${verb} <id>`)
    .description(description)
    .action(
      withInstance(async ({ management, principal }, _options, id) => ({
        json: viewDetails(management, await run(management, principal, { providerId: id! })),
      })),
    )
}

const setStatus = (status: IdentityProvider['status']): OnProvider =>
  Object.assign(
    (management: Management, principal: Parameters<OnProvider>[1], selector: { providerId: string }) =>
      setIdentityProviderStatus(management, principal, { ...selector, status }),
    { permission: setIdentityProviderStatus.permission },
  )

function addDomainStep(provider: Command, verb: string, description: string, run: typeof addEmailDomain): void {
  provider
    .command(`${verb} <id> <domain>`)
    .description(description)
    .action(
      withInstance(async ({ management, principal }, _options, id, domain) => ({
        json: viewDetails(management, await run(management, principal, { providerId: id!, domain: domain! })),
      })),
    )
}

export function addIdentityProviderCommands(provider: Command): void {
  addCreate(provider)
  addUpdate(provider)
  addReading(provider)
  addStep(provider, 'show', 'Show an identity provider', readIdentityProvider)
  addStep(provider, 'test', 'Read the metadata of an identity provider', testIdentityProvider)
  addStep(
    provider,
    'disable',
    'Disable an identity provider, and end the sessions that began with it',
    setStatus('disabled'),
  )
  addStep(provider, 'enable', 'Enable an identity provider', setStatus('enabled'))
  provider
    .command('delete <id>')
    .description('Delete an identity provider, and end the sessions that began with it; the users stay')
    .action(
      withInstance(async ({ management, principal }, _options, id) => {
        await deleteIdentityProvider(management, principal, { providerId: id! })
        return { json: { provider_id: id, status: 'deleted' } }
      }),
    )
  addDomainStep(provider, 'add-domain', 'Add an email domain, which is not verified', addEmailDomain)
  addDomainStep(
    provider,
    'verify-domain',
    'Assert that an email domain belongs to the account of the provider',
    verifyEmailDomain,
  )
  addDomainStep(provider, 'remove-domain', 'Remove an email domain', removeEmailDomain)
}
