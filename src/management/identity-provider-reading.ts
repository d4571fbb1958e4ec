import type { Knex } from 'knex'
import { PERMISSIONS } from '../accounts/permissions.ts'
import {
  DOMAINS_OF_PROVIDER,
  type DomainsRow,
  type EmailDomain,
  listDomains,
  toDomains,
} from '../identity-providers/email-domains.ts'
import {
  type IdentityProvider,
  type IdentityProviderRow,
  toIdentityProvider,
} from '../identity-providers/identity-providers.ts'
import { notFound } from '../shared/errors.ts'
import { isId } from '../shared/ids.ts'
import { type Bounded, boundedCountOf, toBounded } from './bounded-counts.ts'
import { idKey, momentKey } from './list-order.ts'
import { operation } from './operation.ts'
import { type PagedRow, type PageOf, type PageRequest, readPage } from './paging.ts'
import type { Principal } from './principal.ts'
import { accountInScope, checkTenant } from './tenant-isolation.ts'

/** An identity provider with the name of its account; null: it is of the instance. */
export interface IdentityProviderOfAccount extends IdentityProvider {
  readonly accountName: string | null
}

type ViewRow = IdentityProviderRow & PagedRow & { account_name: string | null }

const toView = (row: ViewRow): IdentityProviderOfAccount => ({
  ...toIdentityProvider(row),
  accountName: row.account_name,
})

const ORDER = { keys: [momentKey('p.created_at'), idKey('p.id')], isDescending: true }

const withAccount = (query: Knex.QueryBuilder): Knex.QueryBuilder =>
  query.leftJoin('accounts AS a', 'a.id', 'p.account_id').select('p.*', 'a.name AS account_name')

/** Newest first: those of the own account; for an operator those of the instance and of all accounts, or of the named one. */
export const listIdentityProviders = operation<
  PageRequest & { accountId?: string | undefined },
  PageOf<IdentityProviderOfAccount>
>(PERMISSIONS.viewIdentityProviders, async ({ knex }, principal, { accountId, ...request }) => {
  const base = knex('identity_providers AS p')
  const account = accountInScope(principal, accountId)
  if (account !== undefined) base.where('p.account_id', account)
  return await readPage<ViewRow, IdentityProviderOfAccount>(knex, { base, order: ORDER }, request, withAccount, toView)
})

export interface IdentityProviderSelector {
  readonly providerId: string
}

/** An identity provider with its email domains. */
export interface IdentityProviderDetails extends IdentityProvider {
  readonly domains: readonly EmailDomain[]
}

export const withDomains = async (
  db: Knex,
  { role }: Principal,
  provider: IdentityProvider,
): Promise<IdentityProviderDetails> => ({
  ...provider,
  domains: await listDomains(db, provider.id, role === 'operator'),
})

/** An identity provider as its page shows it. */
export interface IdentityProviderOverview extends IdentityProviderDetails, IdentityProviderOfAccount {
  /** Users who are connected with it. */
  readonly users: Bounded
}

const OVERVIEW = `${DOMAINS_OF_PROVIDER} AS domains,
  (${boundedCountOf('user_identities i WHERE i.provider_id = p.id')}) AS users`

/** @throws KeywrightError `not_found` */
export const readIdentityProvider = operation<IdentityProviderSelector, IdentityProviderOverview>(
  PERMISSIONS.viewIdentityProviders,
  async ({ knex }, principal, { providerId }) => {
    const overview = knex.raw(OVERVIEW, { seesAll: principal.role === 'operator' })
    const row: (ViewRow & { domains: DomainsRow; users: number }) | undefined = isId(providerId)
      ? await withAccount(knex('identity_providers AS p').where('p.id', providerId)).first(overview)
      : undefined
    if (!row) throw notFound('identity provider', providerId)
    checkTenant(principal, row.account_id, 'identity provider', providerId)
    return { ...toView(row), domains: toDomains(row.domains), users: toBounded(row.users) }
  },
)
