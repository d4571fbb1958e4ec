import type { Knex } from 'knex'
import { ROLE_OF_USER } from '../accounts/memberships.ts'
import { PERMISSIONS } from '../accounts/permissions.ts'
import type { Role } from '../accounts/user-attributes.ts'
import type { User } from '../accounts/users.ts'
import { addressKeyOf } from '../database/address-keys.ts'
import { searchedEmails } from '../shared/email-addresses.ts'
import { idKey, type Key, momentKey, orderOf, type Sort, textKey } from './list-order.ts'
import { operation } from './operation.ts'
import { checkMayFilterByExternalId } from './operator-attributes.ts'
import { type PagedRow, type PageOf, type PageRequest, readPage } from './paging.ts'
import type { Principal } from './principal.ts'
import { narrowBySearch, narrowByWordsOrExternalId } from './search.ts'
import { accountInScope } from './tenant-isolation.ts'
import { toSummary, type UserSubjectRow, type UserSummary } from './user-views.ts'

type UserSort = 'email' | 'name' | 'added'

export interface UserQuery extends PageRequest {
  /** Prefixes of words of the name and email address; for operators also a whole external ID. */
  readonly search?: string | undefined
  readonly role?: Role | undefined
  readonly status?: User['status'] | undefined
  readonly accountId?: string | undefined
  /** Only for operators. */
  readonly externalId?: string | undefined
  readonly sort?: Sort<UserSort> | undefined
}

/** Where a list reads users, and what it says of each. */
interface Source {
  /** The rows, with `users` joined. */
  readonly from: (knex: Knex) => Knex.QueryBuilder
  readonly orders: Readonly<Record<UserSort, readonly Key[]>>
  /** SQL of what is shown. */
  readonly role: string
  readonly status: string
  readonly accountId: string
}

/** Every user once, in their first account. */
const ALL: Source = {
  from: (knex) => knex('users'),
  orders: {
    email: [textKey(addressKeyOf('users')), idKey('users.id')],
    name: [textKey('lower(coalesce(users.name, users.email))'), idKey('users.id')],
    added: [momentKey('users.created_at'), idKey('users.id')],
  },
  role: ROLE_OF_USER,
  status: 'users.status',
  accountId: 'users.account_id',
}

/**
 * The users of an account, as they are there. Triggers keep the sort keys in `memberships`. The left join lets a count without
 * conditions read no users.
 */
const ofMembers = (accountId: string): Source => ({
  from: (knex) =>
    knex('memberships').leftJoin('users', 'users.id', 'memberships.user_id').where('memberships.account_id', accountId),
  orders: {
    email: [textKey('memberships.email_key'), idKey('memberships.user_id')],
    name: [textKey('memberships.name_key'), idKey('memberships.user_id')],
    added: [momentKey('memberships.user_created_at'), idKey('memberships.user_id')],
  },
  role: 'memberships.role',
  status: `CASE WHEN users.status = 'active' THEN memberships.status ELSE users.status END`,
  accountId: 'memberships.account_id',
})

const WORDS = "coalesce(users.name, '') || ' ' || users.email"

/** Applies the search term by an index. Admins do not search external IDs, which they do not see. */
function narrow(query: Knex.QueryBuilder, { role }: Principal, typed: string | undefined): void {
  const words = typed && searchedEmails(typed)
  if (role === 'operator') narrowByWordsOrExternalId(query, WORDS, typed, { table: 'users', words })
  else narrowBySearch(query, WORDS, words)
}

/** Sorted by email address unless `sort` says otherwise. */
export const searchUsers = operation<UserQuery, PageOf<UserSummary>>(
  PERMISSIONS.viewUsers,
  async ({ knex }, principal, { search, role, status, externalId, sort = 'email', accountId: wanted, ...request }) => {
    const accountId = accountInScope(principal, wanted)
    checkMayFilterByExternalId(principal, externalId)
    const source = accountId === undefined ? ALL : ofMembers(accountId)
    const base = source.from(knex)
    narrow(base, principal, search?.trim() || undefined)
    if (externalId !== undefined) base.where('users.external_id', externalId)
    const list = {
      base,
      filters: [
        ...(role ? [knex.raw(`${source.role} = ?`, [role])] : []),
        ...(status ? [knex.raw(`${source.status} = ?`, [status])] : []),
      ],
      order: orderOf(source.orders, sort),
    }
    const select = (query: Knex.QueryBuilder) =>
      query
        .leftJoin('accounts', 'accounts.id', source.accountId)
        .select('users.*', knex.raw(`${source.role} AS role, ${source.status} AS status`))
        .select(
          `${source.accountId} AS account_id`,
          'accounts.name AS account_name',
          'accounts.status AS account_status',
        )
    const summaryOf = (row: UserSubjectRow) => toSummary(row, principal)
    return await readPage<UserSubjectRow & PagedRow, UserSummary>(knex, list, request, select, summaryOf)
  },
)
