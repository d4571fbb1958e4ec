import type { Knex } from 'knex'
import { PERMISSIONS } from '../accounts/permissions.ts'
import { unusedSinceOf } from '../clients/client-last-uses.ts'
import { type Client, type ClientRow, toClient } from '../clients/clients.ts'
import { notFound } from '../shared/errors.ts'
import { isId } from '../shared/ids.ts'
import {
  type ClientFilters,
  conditionsOf,
  filteredOrder,
  type ListedKind,
  narrowByIndex,
  ofKind,
} from './client-filters.ts'
import { lastUseOf } from './client-parts.ts'
import { dayKey, momentKey, numberKey, orderOf, type Sort, textKey } from './list-order.ts'
import { type Management, operation, requirePermission } from './operation.ts'
import { checkMayFilterByExternalId } from './operator-attributes.ts'
import { type PagedRow, type PageOf, type PageRequest, readPage } from './paging.ts'
import type { Principal } from './principal.ts'
import { accountInScope } from './tenant-isolation.ts'

/** A client as lists show it. */
export interface ClientSummary extends Client {
  readonly kind: ListedKind
  /** Null for an application of the instance. */
  readonly accountName: string | null
  /** The email address of the admin who owns the key pair; null for an application. */
  readonly ownerEmail: string | null
  /** When it last obtained a token or authenticated; for a public client within the last 30 days. */
  readonly lastUsedAt: Date | null
  /** The earliest expiry of its current client secret and API key; null: none of them expires. */
  readonly secretExpiresAt: Date | null
  /** It registered itself (RFC 7591). */
  readonly isDynamic: boolean
}

interface ApplicationQuery extends PageRequest, ClientFilters {
  readonly accountId?: string | undefined
  /** Not used with `unusedDays` or `expiringDays`, which have an order of their own. */
  readonly sort?: Sort<'added' | 'name'> | undefined
}

interface ClientQuery extends ApplicationQuery {
  /** Absent: applications and key pairs. */
  readonly kind?: ListedKind | undefined
}

interface SummaryRow extends ClientRow, PagedRow {
  account_name: string | null
  owner_email: string | null
  last_used_at: Date | null
  secret_expires_at: Date | null
  is_dynamic: boolean
}

const toSummary = (row: SummaryRow): ClientSummary => ({
  ...toClient(row),
  kind: row.kind as ListedKind,
  accountName: row.account_name,
  ownerEmail: row.owner_email,
  lastUsedAt: row.last_used_at,
  secretExpiresAt: row.secret_expires_at,
  isDynamic: row.is_dynamic,
})

const ORDERS = {
  added: [numberKey('clients.id')],
  name: [textKey('lower(clients.name)'), numberKey('clients.id')],
  unused: [dayKey(unusedSinceOf('clients')), numberKey('clients.id')],
  expiring: [momentKey('clients.secret_expires_at'), numberKey('clients.id')],
}

/** Newest first unless `sort` says otherwise. Replaced key pairs are left out. */
async function readClients(
  { knex }: Management,
  principal: Principal,
  { kind, sort = '-added', accountId: wanted, ...request }: ClientQuery,
): Promise<PageOf<ClientSummary>> {
  const accountId = accountInScope(principal, wanted)
  if (accountId !== undefined && !isId(accountId)) throw notFound('account', accountId)
  const base = ofKind(knex, kind, request)
  if (accountId !== undefined) base.where('clients.account_id', accountId)
  checkMayFilterByExternalId(principal, request.externalId)
  narrowByIndex(base, principal, request)
  const order = orderOf(ORDERS, filteredOrder(request) ?? sort)
  const list = { base, filters: conditionsOf(knex, request), order }
  const lastUse = knex.raw(`${lastUseOf('clients')} AS last_used_at`)
  // Not a join, for which the planner would read all users.
  const ownerEmail = knex.raw('(SELECT o.email FROM users o WHERE o.id = clients.user_id) AS owner_email')
  // Not EXISTS, for which the planner would read all registrations.
  const isDynamic = knex.raw(
    '(SELECT d.client_id FROM dynamic_registrations d WHERE d.client_id = clients.id) IS NOT NULL AS is_dynamic',
  )
  const select = (query: Knex.QueryBuilder) =>
    query
      .leftJoin('accounts', 'accounts.id', 'clients.account_id')
      .select('clients.*', 'accounts.name AS account_name', ownerEmail, lastUse, isDynamic)
  return await readPage<SummaryRow, ClientSummary>(knex, list, request, select, toSummary)
}

export const listApplications = operation<ApplicationQuery, PageOf<ClientSummary>>(
  PERMISSIONS.viewApplications,
  (management, principal, query) => readClients(management, principal, { ...query, kind: 'application' }),
)

/** Applications and key pairs. An access token also needs the scope for key pairs. */
export const listClients = operation<ClientQuery, PageOf<ClientSummary>>(
  PERMISSIONS.viewApplications,
  async (management, principal, query) => {
    requirePermission(principal, PERMISSIONS.viewKeyPairs)
    return await readClients(management, principal, query)
  },
)
