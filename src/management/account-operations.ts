import type { Knex } from 'knex'
import { type Account, type AccountRow, addAccount, renameAccount, toAccount } from '../accounts/accounts.ts'
import { invalidInput, notFound } from '../shared/errors.ts'
import { isId } from '../shared/ids.ts'
import { changeAccountApi, changeAccountStatus } from './account-changes.ts'
import { idKey, momentKey, orderOf, type Sort, textKey } from './list-order.ts'
import { type Bounded, boundedCountOf, liveTokensOf, ofAccount, toBounded } from './live-tokens.ts'
import { operation } from './operation.ts'
import { type PagedRow, type PageOf, type PageRequest, readPage } from './paging.ts'
import { narrowBySearch } from './search.ts'
import { checkTenant } from './tenant-isolation.ts'

/** With how much it has. */
export interface AccountSummary extends Account {
  readonly users: Bounded
  readonly applications: Bounded
}

export interface AccountDetails extends AccountSummary {
  /** Active ones, who can sign in. */
  readonly admins: number
  readonly keyPairs: number
  /** Of its key pairs and applications. */
  readonly liveTokens: Bounded
}

export interface AccountQuery extends PageRequest {
  /** Beginnings of words of the name, or a whole id. */
  readonly search?: string | undefined
  readonly status?: 'active' | 'disabled' | undefined
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
  (${boundedCountOf(`users u WHERE ${ofAccount('u.account_id', 'accounts.id')}`)}) AS users,
  (${boundedCountOf(`clients c WHERE ${ofAccount('c.account_id', 'accounts.id')} AND c.kind = 'application'`)}) AS applications`

const ORDERS = {
  name: [textKey('lower(accounts.name)'), idKey('accounts.id')],
  added: [momentKey('accounts.created_at'), idKey('accounts.id')],
}

/** What is searched for has an index of its own. */
function narrow(query: Knex.QueryBuilder, typed: string | undefined): void {
  if (typed !== undefined && isId(typed)) query.where('accounts.id', typed)
  else narrowBySearch(query, 'accounts.name', typed)
}

/** In the order of their names, unless it is sorted otherwise. */
export const listAccounts = operation<AccountQuery, PageOf<AccountSummary>>(
  { role: 'operator', scope: 'accounts:read' },
  async ({ knex }, _who, { search, status, sort = 'name', ...request }) => {
    const base = knex('accounts')
    const typed = search?.trim() || undefined
    narrow(base, typed)
    const list = {
      base,
      filters: status ? [knex.raw('accounts.status = ?', [status])] : [],
      order: orderOf(ORDERS, sort),
    }
    const select = (query: Knex.QueryBuilder) => query.select('accounts.*', knex.raw(COUNTS))
    return await readPage<SummaryRow & PagedRow, AccountSummary>(knex, list, request, select, toSummary)
  },
)

interface Which {
  readonly accountId: string
}

const DETAILS = `
  (SELECT count(*)::int FROM users u
    WHERE u.account_id = accounts.id AND u.role = 'admin' AND u.status = 'active') AS admins,
  (SELECT count(*)::int FROM users u JOIN clients c ON c.user_id = u.id AND c.kind = 'key_pair' AND c.status = 'active'
    WHERE u.account_id = accounts.id) AS key_pairs,
  (${liveTokensOf('t.account_id = accounts.id')}) AS live_tokens`

interface DetailsRow extends SummaryRow {
  admins: number
  key_pairs: number
  live_tokens: number
}

const toDetails = (row: DetailsRow): AccountDetails => ({
  ...toSummary(row),
  admins: row.admins,
  keyPairs: row.key_pairs,
  liveTokens: toBounded(row.live_tokens),
})

/** Admins may read their own. */
export const readAccount = operation<Which, AccountDetails>(
  { role: 'admin', scope: 'accounts:read' },
  async ({ knex }, who, { accountId }) => {
    checkTenant(who, accountId, 'account', accountId)
    const row: DetailsRow | undefined = isId(accountId)
      ? await knex('accounts').where({ id: accountId }).first('accounts.*', knex.raw(COUNTS), knex.raw(DETAILS))
      : undefined
    if (!row) throw notFound('account', accountId)
    return toDetails(row)
  },
)

const noAccount = (message: string) => invalidInput(message, 'accountId')

/**
 * The account of this id or exact name, as operators type it.
 * @throws KeywrightError `invalid_input` at `accountId`: there is none, or several have the name
 */
export const findAccount = operation<{ named: string }, Account>(
  { role: 'operator', scope: 'accounts:read' },
  async ({ knex }, _who, { named }) => {
    const query = knex<AccountRow>('accounts').limit(2)
    if (isId(named)) query.where({ id: named })
    // By the lists' index first.
    else query.whereRaw('lower(name) = lower(:named) AND name = :named', { named })
    const [row, another] = await query
    if (!row) throw noAccount('there is no account with this id or name')
    if (another) throw noAccount('several accounts have this name; give the id of the one that is meant')
    return toAccount(row)
  },
)

export const createAccount = operation<{ name: string }, Account>(
  { role: 'operator', scope: 'accounts:write' },
  async ({ knex }, who, { name }) => await addAccount(knex, { name }, who.actor),
)

/** @throws KeywrightError also `stale` */
export const updateAccount = operation<Which & { name: string; revision?: number | undefined }, Account>(
  { role: 'operator', scope: 'accounts:write' },
  async ({ knex }, who, { accountId, name, revision }) =>
    await renameAccount(knex, accountId, { name }, who.actor, revision),
)

/** Off ends everything that the account's people and clients hold, at once. */
export const setAccountStatus = operation<Which & { status: 'active' | 'disabled' }, Account>(
  { role: 'operator', scope: 'accounts:write' },
  async ({ knex }, who, { accountId, status }) => await changeAccountStatus(knex, accountId, status, who.actor),
)

/** Off ends what its clients hold; its people may still sign in. */
export const setAccountApi = operation<Which & { enabled: boolean }, Account>(
  { role: 'operator', scope: 'accounts:write' },
  async ({ knex }, who, { accountId, enabled }) => await changeAccountApi(knex, accountId, enabled, who.actor),
)
