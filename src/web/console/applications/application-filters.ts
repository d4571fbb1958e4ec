import { findGrantType, GRANT_TYPES } from '../../../clients/grant-types.ts'
import { findAccount } from '../../../management/account-operations.ts'
import type { ClientFilters } from '../../../management/client-filters.ts'
import { accountIn } from '../kit/account-filter.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import type { Filter, FilterField } from '../kit/list-page.ts'
import { choiceIn, givenIn } from '../kit/query-fields.ts'
import { createdByIn } from './creator-filter.ts'

const KINDS: Filter = {
  name: 'kind',
  label: 'Type',
  choices: [
    { value: '', label: 'All types' },
    { value: 'application', label: 'Applications' },
    { value: 'key_pair', label: 'Key pairs' },
  ],
}

const STATUSES: Filter = {
  name: 'status',
  label: 'Status',
  choices: [
    { value: '', label: 'All statuses' },
    { value: 'active', label: 'Active' },
    { value: 'archived', label: 'Archived' },
  ],
}

const GRANTS: Filter = {
  name: 'grant',
  label: 'Grant type',
  choices: [{ value: '', label: 'All grant types' }, ...GRANT_TYPES.map(({ value, label }) => ({ value, label }))],
}

/** Days. */
const UNUSED = ['90', '365'] as const

const USES: Filter = {
  name: 'unused',
  label: 'Last use',
  choices: [
    { value: '', label: 'Used at any time' },
    ...UNUSED.map((days) => ({ value: days, label: `Unused for ${days} days` })),
  ],
}

/** Days. */
const EXPIRING = ['30', '90'] as const

const EXPIRIES: Filter = {
  name: 'expiring',
  label: 'Secret expiry',
  choices: [
    { value: '', label: 'Any secret expiry' },
    ...EXPIRING.map((days) => ({ value: days, label: `Secret expires within ${days} days` })),
  ],
}

/** The filters of the list of applications, in the order of the page. */
export const APPLICATION_FILTERS: readonly Filter[] = [KINDS, STATUSES, GRANTS, USES, EXPIRIES]

export const ownerField = (isOperator: boolean): FilterField => ({
  name: 'owner',
  label: 'Owner',
  type: 'text',
  placeholder: isOperator ? 'Email or account' : 'Email address',
})

/** A user by email address; for an operator also an account by ID or name. @throws KeywrightError `invalid_input` */
async function ownerIn({ management, who, query }: ConsoleCall): Promise<{ owner?: string; accountId?: string }> {
  const owner = givenIn(query, 'owner')
  if (owner === undefined) return {}
  if (who.role !== 'operator' || owner.includes('@')) return { owner }
  return { accountId: (await findAccount(management, who, { named: owner })).id }
}

/** What the address of the list asks for, without its order and its page. @throws KeywrightError `invalid_input` */
export async function clientQueryIn(
  call: ConsoleCall,
): Promise<ClientFilters & { kind?: 'application' | 'key_pair' | undefined; accountId?: string | undefined }> {
  const { query, who } = call
  const grant = choiceIn(
    query,
    'grant',
    GRANT_TYPES.map(({ value }) => value),
  )
  const unused = choiceIn(query, 'unused', UNUSED)
  const expiring = choiceIn(query, 'expiring', EXPIRING)
  return {
    kind: choiceIn(query, 'kind', ['application', 'key_pair']),
    search: givenIn(query, 'search'),
    status: choiceIn(query, 'status', ['active', 'archived']),
    grant: grant && findGrantType(grant)?.value,
    unusedDays: unused === undefined ? undefined : Number(unused),
    expiringDays: expiring === undefined ? undefined : Number(expiring),
    createdBy: createdByIn(call),
    accountId: who.role === 'operator' ? accountIn(call) : undefined,
    ...(await ownerIn(call)),
  }
}
