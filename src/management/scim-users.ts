import type { Knex } from 'knex'
import { type ScimNames, userNameKey } from '../accounts/scim-names.ts'
import type { AccountRole } from '../accounts/user-attributes.ts'
import { addressKeyOf } from '../database/address-keys.ts'
import { emailKey } from '../shared/email-addresses.ts'
import { notFound } from '../shared/errors.ts'
import { isId } from '../shared/ids.ts'

/** A user as the identity provider of an account sees them. */
export interface ScimUser extends ScimNames {
  readonly id: string
  readonly email: string
  readonly name: string | null
  readonly active: boolean
  readonly role: AccountRole
  readonly createdAt: Date
  readonly lastModifiedAt: Date
  readonly revision: number
}

/** What a list is narrowed to; each value must match. */
export interface ScimUserFilter {
  readonly id?: string
  readonly userName?: string
  readonly email?: string
  readonly externalId?: string
  readonly active?: boolean
}

interface ScimUserRow {
  id: string
  email: string
  name: string | null
  status: string
  membership_status: string
  role: AccountRole
  user_name: string | null
  external_id: string | null
  given_name: string | null
  family_name: string | null
  created_at: Date
  modified_at: Date
  revision: number
}

const toScimUser = (row: ScimUserRow): ScimUser => ({
  id: row.id,
  userName: row.user_name ?? row.email,
  externalId: row.external_id,
  email: row.email,
  name: row.name,
  givenName: row.given_name,
  familyName: row.family_name,
  active: row.status === 'active' && row.membership_status === 'active',
  role: row.role,
  createdAt: row.created_at,
  lastModifiedAt: row.modified_at,
  revision: row.revision,
})

const usersOf = (db: Knex, accountId: string): Knex.QueryBuilder =>
  db('memberships AS m')
    .join('users AS u', 'u.id', 'm.user_id')
    .leftJoin('scim_users AS s', (join) => join.on('s.user_id', 'm.user_id').andOn('s.account_id', 'm.account_id'))
    .where('m.account_id', accountId)
    .whereNot('u.status', 'deleting')

/** SQL: each condition finds the users, also pending ones, by an index, because a list may be asked for before each change of a user. */
function narrow(users: Knex.QueryBuilder, accountId: string, filter: ScimUserFilter): Knex.QueryBuilder {
  const { id, userName, email, externalId, active } = filter
  if (id !== undefined) users.where('u.id', isId(id) ? id : null)
  if (userName !== undefined) {
    const [name, key] = [userNameKey(userName), emailKey(userName)]
    users
      .whereRaw(
        `u.id IN (SELECT user_id FROM scim_users WHERE account_id = ? AND user_name_key = ?
                  UNION ALL SELECT o.id FROM users o WHERE ${addressKeyOf('o')} = ?)`,
        [accountId, name, key],
      )
      .whereRaw(`CASE WHEN s.user_id IS NULL THEN ${addressKeyOf('u')} = ? ELSE s.user_name_key = ? END`, [key, name])
  }
  if (email !== undefined) users.whereRaw(`${addressKeyOf('u')} = ?`, [emailKey(email)])
  if (externalId !== undefined) users.where('s.external_id', externalId).where('s.account_id', accountId)
  if (active !== undefined) users.whereRaw(`(u.status = 'active' AND m.status = 'active') = ?`, [active])
  return users
}

const withColumns = (users: Knex.QueryBuilder): Knex.QueryBuilder =>
  users
    .select('u.id', 'u.email', 'u.name', 'u.status', 'u.created_at', 'u.revision', 'm.status AS membership_status')
    .select('m.role', 's.user_name', 's.external_id', 's.given_name', 's.family_name')
    .select(users.client.raw('greatest(u.updated_at, s.updated_at, u.created_at) AS modified_at'))

/** A part of the users of an account that match, the oldest first, and how many match. */
export async function listScimUsers(
  db: Knex,
  accountId: string,
  filter: ScimUserFilter,
  part: { readonly offset: number; readonly limit: number },
): Promise<{ total: number; users: ScimUser[] }> {
  const matching = () => narrow(usersOf(db, accountId), accountId, filter)
  const [counted] = await matching().count('* AS total')
  const total = Number(counted.total)
  if (part.limit === 0 || part.offset >= total) return { total, users: [] }
  const rows: ScimUserRow[] = await withColumns(matching()).orderBy('u.id').offset(part.offset).limit(part.limit)
  return { total, users: rows.map(toScimUser) }
}

/** @throws KeywrightError `not_found`: also for a user of another account (guarantee 6) */
export async function getScimUser(db: Knex, accountId: string, id: string): Promise<ScimUser> {
  const row: ScimUserRow | undefined = isId(id)
    ? await withColumns(narrow(usersOf(db, accountId), accountId, { id })).first()
    : undefined
  if (!row) throw notFound('user', id.slice(0, 100))
  return toScimUser(row)
}
