import type { Knex } from 'knex'
import type { SettableStatus } from '../accounts/account-attributes.ts'
import {
  type Account,
  type AccountRow,
  type AccountValues,
  addAccount,
  type NewAccount,
  toAccount,
} from '../accounts/accounts.ts'
import { PERMISSIONS } from '../accounts/permissions.ts'
import { type OwnerUse, QUOTA_USES_OF_ACCOUNT, type QuotaUse, usesOfAccount } from '../clients/quotas.ts'
import { invalidInput, notFound } from '../shared/errors.ts'
import { isId } from '../shared/ids.ts'
import { changeAccountApi, changeAccountStatus, changeAccountValues } from './account-changes.ts'
import { activeTokensOf, type Bounded, boundedCountOf, ofAccount, toBounded } from './bounded-counts.ts'
import { type AffectedCallers, type AffectedClientCaller, readAffected, toAffectedCallers } from './dry-run.ts'
import { accountTarget, CALLERS_OF_ACCOUNT } from './dry-run-owner-targets.ts'
import { idKey, momentKey, orderOf, type Sort, textKey } from './list-order.ts'
import { destructiveOperation, operation } from './operation.ts'
import { type PagedRow, type PageOf, type PageRequest, readPage } from './paging.ts'
import { narrowByWordsOrExternalId } from './search.ts'
import { checkTenant } from './tenant-isolation.ts'

/** An account with the number of its users and applications. */
export interface AccountSummary extends Account {
  readonly users: Bounded
  readonly applications: Bounded
}

export interface AccountDetails extends AccountSummary {
  /** Active admins. */
  readonly admins: number
  readonly keyPairs: number
  /** Of the account, not of the instance. */
  readonly identityProviders: number
  /** Callers of its clients, if they were asked for. */
  readonly affected?: AffectedCallers
  /** Active access tokens of its key pairs and applications. */
  readonly activeTokens: Bounded
  /** The use of its quotas in the present hour and day. */
  readonly quotas: readonly QuotaUse[]
}

export interface AccountQuery extends PageRequest {
  /** Prefixes of words of the name, or a whole ID or external ID. */
  readonly search?: string | undefined
  readonly status?: Account['status'] | undefined
  readonly externalId?: string | undefined
  readonly sort?: Sort<'name' | 'added'> | undefined
}

interface SummaryRow extends AccountRow {
  users: number
  applications: number
}

const toSummary = (row: SummaryRow): AccountSummary => ({
  ...toAccount(row),
  users: toBounded(row.users),
  applications: toBounded(row.applications),
})

const COUNTS = `
  (${boundedCountOf(`memberships m WHERE ${ofAccount('m.account_id', 'accounts.id')}`)}) AS users,
  (${boundedCountOf(`clients c WHERE ${ofAccount('c.account_id', 'accounts.id')} AND c.kind = 'application'`)}) AS applications`

const ORDERS = {
  name: [textKey('lower(accounts.name)'), idKey('accounts.id')],
  added: [momentKey('accounts.created_at'), idKey('accounts.id')],
}

/** Applies the search term by an index. */
function narrow(query: Knex.QueryBuilder, typed: string | undefined): void {
  if (typed !== undefined && isId(typed))
    query.where((either) => either.where('accounts.id', typed).orWhere('accounts.external_id', typed))
  else narrowByWordsOrExternalId(query, 'accounts.name', typed, { table: 'accounts' })
}

/** Sorted by name unless `sort` says otherwise. */
export const listAccounts = operation<AccountQuery, PageOf<AccountSummary>>(
  PERMISSIONS.viewAccounts,
  async ({ knex }, _principal, { search, status, externalId, sort = 'name', ...request }) => {
    const base = knex('accounts')
    const typed = search?.trim() || undefined
    narrow(base, typed)
    if (externalId !== undefined) base.where('accounts.external_id', externalId)
    const list = {
      base,
      filters: status ? [knex.raw('accounts.status = ?', [status])] : [],
      order: orderOf(ORDERS, sort),
    }
    const select = (query: Knex.QueryBuilder) => query.select('accounts.*', knex.raw(COUNTS))
    return await readPage<SummaryRow & PagedRow, AccountSummary>(knex, list, request, select, toSummary)
  },
)

interface AccountSelector {
  readonly accountId: string
}

const DETAILS = `
  (SELECT count(*)::int FROM memberships m JOIN users u ON u.id = m.user_id
    WHERE m.account_id = accounts.id AND m.role = 'admin' AND m.status = 'active' AND u.status = 'active') AS admins,
  (SELECT count(*)::int FROM clients c
    WHERE c.account_id = accounts.id AND c.kind = 'key_pair' AND c.status = 'active') AS key_pairs,
  (SELECT count(*)::int FROM identity_providers p WHERE p.account_id = accounts.id) AS identity_providers,
  (${activeTokensOf('t.account_id = accounts.id')}) AS active_tokens,
  (${QUOTA_USES_OF_ACCOUNT}) AS quotas`

const CALLERS = `(${CALLERS_OF_ACCOUNT}) AS affected_callers`

interface DetailsRow extends SummaryRow {
  affected_callers?: AffectedClientCaller[] | null
  admins: number
  key_pairs: number
  identity_providers: number
  active_tokens: number
  quotas: OwnerUse[] | null
}

const toDetails = (row: DetailsRow): AccountDetails => ({
  ...toSummary(row),
  admins: row.admins,
  keyPairs: row.key_pairs,
  identityProviders: row.identity_providers,
  activeTokens: toBounded(row.active_tokens),
  ...(row.affected_callers !== undefined && { affected: toAffectedCallers(row.affected_callers) }),
  quotas: usesOfAccount(row.quotas),
})

/** Admins may read their own account. */
export const readAccount = operation<AccountSelector & { withCallers?: boolean }, AccountDetails>(
  PERMISSIONS.viewAccount,
  async ({ knex }, principal, { accountId, withCallers }) => {
    checkTenant(principal, accountId, 'account', accountId)
    const row: DetailsRow | undefined = isId(accountId)
      ? await knex('accounts')
          .where({ id: accountId })
          .first('accounts.*', knex.raw(COUNTS), knex.raw(withCallers ? `${DETAILS}, ${CALLERS}` : DETAILS))
      : undefined
    if (!row) throw notFound('account', accountId)
    return toDetails(row)
  },
)

const noAccount = (message: string) => invalidInput(message, 'accountId')

/**
 * The account with this ID or exact name.
 * @throws KeywrightError `invalid_input` at `accountId`: no account has it, or several have the name
 */
export const findAccount = operation<{ named: string }, Account>(
  PERMISSIONS.viewAccounts,
  async ({ knex }, _principal, { named }) => {
    const query = knex<AccountRow>('accounts').limit(2)
    if (isId(named)) query.where({ id: named })
    // `lower(name)` has the index.
    else query.whereRaw('lower(name) = lower(:named) AND name = :named', { named })
    const [row, another] = await query
    if (!row) throw noAccount('no account has this ID or name')
    if (another) throw noAccount('several accounts have this name; use the ID of the account')
    return toAccount(row)
  },
)

export const createAccount = operation<NewAccount, Account>(
  PERMISSIONS.manageAccounts,
  async ({ knex }, principal, values) => await addAccount(knex, values, principal.actor),
)

interface AccountChange extends AccountSelector, Partial<AccountValues> {
  readonly revision?: number | undefined
}

/** Changes the given attributes. @throws KeywrightError also `stale` */
export const updateAccount = operation<AccountChange, Account>(
  PERMISSIONS.manageAccounts,
  async ({ knex }, principal, { accountId, revision, ...values }) =>
    await changeAccountValues(knex, accountId, values, principal.actor, revision),
)

/** Disabling revokes all tokens and sessions of the account's users and clients at once. */
export const setAccountStatus = destructiveOperation<
  AccountSelector & { status: SettableStatus },
  Account,
  AccountSelector
>(PERMISSIONS.manageAccounts, {
  run: async ({ knex }, principal, { accountId, status }) =>
    await changeAccountStatus(knex, accountId, status, principal.actor),
  affected: ({ knex }, principal, { accountId }) =>
    readAffected(knex, principal, accountTarget(accountId, { users: true })),
})

/** Disabling the API revokes all tokens of the account's clients; its users can still sign in. */
export const setAccountApi = destructiveOperation<AccountSelector & { enabled: boolean }, Account, AccountSelector>(
  PERMISSIONS.manageAccounts,
  {
    run: async ({ knex }, principal, { accountId, enabled }) =>
      await changeAccountApi(knex, accountId, enabled, principal.actor),
    affected: ({ knex }, principal, { accountId }) =>
      readAffected(knex, principal, accountTarget(accountId, { users: false })),
  },
)
