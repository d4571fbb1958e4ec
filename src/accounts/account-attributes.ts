import { attribute, choice, either, text } from '../shared/attributes.ts'
import { nameError } from '../shared/names.ts'

/** Whether an account or a user is active; operations of their own change it. */
export const statusAttribute = (description: string) =>
  attribute({
    type: choice<'active' | 'disabled'>([
      { value: 'active', label: 'Active' },
      { value: 'disabled', label: 'Disabled' },
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
}

/** What operations of their own change. */
export const ACCOUNT_STATUS_ATTRIBUTES = {
  status: statusAttribute('disabled: its users cannot sign in, and all its tokens are revoked'),
  apiEnabled: attribute({
    type: either({ value: 'on', label: 'Enabled' }, { value: 'off', label: 'Disabled' }),
    initial: true,
    section: 'status',
    label: 'API',
    description: 'false: no client of the account works; its users can still sign in',
    option: { jsonName: 'api', help: 'off: its clients get no tokens, and their tokens are revoked' },
  }),
}
