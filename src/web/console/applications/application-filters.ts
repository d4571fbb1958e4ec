import { findGrantType, GRANT_TYPES } from '../../../clients/grant-types.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import { findAccount } from '../../../management/account-operations.ts'
import type { ClientFilters } from '../../../management/client-filters.ts'
import { accountIn } from '../kit/account-filter.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import type { Filter, FilterField } from '../kit/list-page.ts'
import { choiceIn, givenIn } from '../kit/query-fields.ts'
import { createdByIn } from './creator-filter.ts'

const kindFilter = (t: ConsoleTranslate): Filter => ({
  name: 'kind',
  label: t('Type'),
  choices: [
    { value: '', label: t('All types') },
    { value: 'application', label: t('Applications') },
    { value: 'key_pair', label: t('Key pairs') },
  ],
})

const statusFilter = (t: ConsoleTranslate): Filter => ({
  name: 'status',
  label: t('Status'),
  choices: [
    { value: '', label: t('All statuses') },
    { value: 'active', label: t('Active') },
    { value: 'archived', label: t('Archived') },
  ],
})

const grantFilter = (t: ConsoleTranslate): Filter => ({
  name: 'grant',
  label: t('Grant type'),
  choices: [
    { value: '', label: t('All grant types') },
    ...GRANT_TYPES.map(({ value, label }) => ({ value, label: t.declared(label) })),
  ],
})

/** Days. */
const UNUSED = ['90', '365'] as const

const useFilter = (t: ConsoleTranslate): Filter => ({
  name: 'unused',
  label: t('Last use'),
  choices: [
    { value: '', label: t('Used at any time') },
    ...UNUSED.map((days) => ({ value: days, label: t('Unused for {days} days', { days }) })),
  ],
})

/** Days. */
const EXPIRING = ['30', '90'] as const

const expiryFilter = (t: ConsoleTranslate): Filter => ({
  name: 'expiring',
  label: t('Secret expiry'),
  choices: [
    { value: '', label: t('Any secret expiry') },
    ...EXPIRING.map((days) => ({ value: days, label: t('Secret expires within {days} days', { days }) })),
  ],
})

/** The filters of the list of applications, in the order of the page. */
export const applicationFilters = (t: ConsoleTranslate): readonly Filter[] => [
  kindFilter(t),
  statusFilter(t),
  grantFilter(t),
  useFilter(t),
  expiryFilter(t),
]

export const ownerField = (t: ConsoleTranslate, isOperator: boolean): FilterField => ({
  name: 'owner',
  label: t('Owner'),
  type: 'text',
  placeholder: isOperator ? t('Email or account') : t('Email address'),
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
