import { allowedNetworksError } from '../shared/allowed-networks.ts'
import { attribute, choice, either, nullable, text, words } from '../shared/attributes.ts'
import { externalAttributes } from '../shared/external-attributes.ts'
import { nameError } from '../shared/names.ts'
import { quotaAttributes } from '../shared/quota-attributes.ts'
import { maxSecretLifetimeAttribute } from '../shared/secret-lifetimes.ts'
import { SECOND_FACTOR_IN_ACCOUNT } from './second-factor-requirement.ts'

/** The status that an account or a user can get and lose again. */
export type SettableStatus = 'active' | 'disabled'

export const SETTABLE_STATUSES: readonly SettableStatus[] = ['active', 'disabled']

/** Whether an account or a user is active; operations of their own change it. */
export const statusAttribute = (description: string) =>
  attribute({
    type: choice<SettableStatus | 'deleting'>([
      { value: 'active', label: 'Active' },
      { value: 'disabled', label: 'Disabled' },
      { value: 'deleting', label: 'Deleting' },
    ]),
    initial: 'active',
    section: 'status',
    label: 'Status',
    description,
  })

/**
 * The attributes of an account, each declared once. Its column, the fields of the API, the form and the detail page, the CLI
 * option, and *old → new* in the activity log derive from it. To add one: a migration with its column, its declaration here,
 * and the code that acts on it.
 */
export const ACCOUNT_ATTRIBUTES = {
  name: attribute({
    type: text(200),
    section: 'account',
    label: 'Name',
    hint: 'Shown to users of the account and on the allow/deny screen of its applications.',
    description: 'The name of the customer',
    example: 'ACME Corp',
    option: { help: 'Name of the customer' },
    validate: (name) => nameError('an account name', name, 200),
  }),
  /** In addition to those of each client. */
  allowedNetworks: attribute({
    type: nullable(words, 'any network'),
    initial: null,
    section: 'account',
    label: 'Allowed networks',
    hint: 'Addresses or networks (CIDR) that token requests of all its applications and key pairs may come from, separated by spaces. Leave empty for any network. Removing a network revokes their access tokens.',
    placeholder: '192.0.2.0/24 2001:db8::/32',
    description:
      'Networks in CIDR notation that token requests of its clients may come from; null: any network. Removing a network revokes their access tokens',
    example: ['192.0.2.0/24'],
    option: {
      help: 'Networks (CIDR) that token requests of its clients may come from, space-separated; default: off',
      nullWord: 'off',
    },
    validate: allowedNetworksError,
  }),
  maxSecretLifetime: maxSecretLifetimeAttribute({
    section: 'account',
    secrets: 'client secrets of its applications and key pairs',
  }),
  /** In addition to those of each client. */
  ...quotaAttributes({ section: 'account', getter: 'all its applications and key pairs together get' }),
  leakedCredentials: attribute({
    type: choice<'revoke' | 'report'>([
      { value: 'revoke', label: 'Revoke at once', hint: 'A leaked client secret, API key or token stops working.' },
      { value: 'report', label: 'Report only', hint: 'Admins see the report. The credential keeps working.' },
    ]),
    initial: 'revoke',
    section: 'account',
    label: 'Leaked credentials',
    hint: 'What happens when GitHub or another scanner reports a client secret, API key or token of the account.',
    description:
      'What a report of a leaked client secret, API key or token does: `revoke` it at once, or only `report` it',
    option: {
      help: 'revoke (default): reported client secrets, API keys and tokens stop working; report: they keep working',
    },
  }),
  secondFactorRequired: SECOND_FACTOR_IN_ACCOUNT,
  ...externalAttributes({ what: 'account', section: 'account' }),
}

/** What operations of their own change. */
export const ACCOUNT_STATUS_ATTRIBUTES = {
  status: statusAttribute(
    'disabled: its users cannot sign in, and all its tokens are revoked; deleting: disabled, and being deleted with all that it has',
  ),
  apiEnabled: attribute({
    type: either({ value: 'on', label: 'Enabled' }, { value: 'off', label: 'Disabled' }),
    initial: true,
    section: 'status',
    label: 'API',
    description: 'false: no client of the account works; its users can still sign in',
    option: { jsonName: 'api', help: 'off: its clients get no tokens, and their tokens are revoked' },
  }),
}
