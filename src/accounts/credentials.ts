import type { Knex } from 'knex'
import { isPendingKey } from '../database/address-keys.ts'
import { emailKey } from '../shared/email-addresses.ts'
import { isId } from '../shared/ids.ts'
import { type RequiredInAccount, type RequiredInInstance, requiresSecondFactor } from './second-factor-requirement.ts'
import { lockUserExclusive } from './user-locks.ts'
import {
  changedNow,
  toUser,
  type User,
  type UserRow,
  type UserWithAccountRow,
  untilNow,
  userColumns,
  usersWithAccount,
} from './users.ts'

/** A user with their password hash. */
export interface Credentials {
  readonly user: User
  /** The user and their account are active. */
  readonly mayAct: boolean
  /** Null: the user has no password and cannot sign in. */
  readonly passwordHash: string | null
  /** The password is a one-time password, which the user must replace. */
  readonly passwordChangeRequired: boolean
  /** Null: never. */
  readonly passwordChangedAt: Date | null
  readonly hasAuthenticatorApp: boolean
  readonly hasPasskey: boolean
  /** Either of these. */
  readonly hasSecondFactor: boolean
  /** The user belongs to another account as well. */
  readonly hasOtherAccounts: boolean
  /** The instance or one of their accounts requires a second factor of users with this role. */
  readonly mustHaveSecondFactor: boolean
  /** The instance lets users of this role sign in here, with a password or passkey of their own. */
  readonly maySignInHere: boolean
  /** A program set the address: no link for a new password is sent to it. */
  readonly emailSetByProgram: boolean
  /** The owner of the mailbox has set up, or accepted, everything by which the user signs in (`verified-emails.ts`). */
  readonly isProven: boolean
  /** The user stands in for a person with a user elsewhere (`pending-users.ts`). */
  readonly isPending: boolean
}

interface CredentialsRow extends UserWithAccountRow {
  password_hash: string | null
  password_change_required: boolean
  password_changed_at: Date | null
  required_in_instance: RequiredInInstance
  /** In one of their accounts. */
  is_admin: boolean
  required_in_account: RequiredInAccount | null
  email_set_by_program: boolean
  only_operators_here: boolean
}

const toCredentials = (row: CredentialsRow): Credentials => ({
  user: toUser(row),
  mayAct: row.status === 'active' && (row.account_status ?? 'active') === 'active',
  passwordHash: row.password_hash,
  passwordChangeRequired: row.password_change_required,
  passwordChangedAt: row.password_changed_at,
  hasAuthenticatorApp: row.has_authenticator_app,
  hasPasskey: row.has_passkey,
  hasSecondFactor: row.has_authenticator_app || row.has_passkey,
  hasOtherAccounts: row.has_other_accounts,
  mustHaveSecondFactor: requiresSecondFactor(
    row.is_admin ? 'admin' : (row.role as User['role']),
    row.required_in_instance,
    row.required_in_account,
  ),
  maySignInHere: !row.only_operators_here || row.role === 'operator',
  emailSetByProgram: row.email_set_by_program,
  isProven: row.proven_mailbox_key === row.email_key,
  isPending: isPendingKey(row.email_key),
})

/** SQL. A sign-in is for all accounts of a user, so one that requires a second factor of them is enough. */
const REQUIREMENT = `
  (SELECT i.second_factor_required FROM instance_settings i) AS required_in_instance,
  EXISTS (SELECT FROM memberships n WHERE n.user_id = users.id AND n.role = 'admin') AS is_admin,
  (SELECT 'everyone'
     FROM memberships n JOIN accounts a ON a.id = n.account_id
    WHERE n.user_id = users.id
      AND (a.second_factor_required = 'everyone' OR (a.second_factor_required = 'admins' AND n.role = 'admin'))
    LIMIT 1) AS required_in_account`

/** SQL. Without a sign-in URL, everybody signs in here. */
const ONLY_OPERATORS_HERE = `
  (SELECT i.sign_in_url IS NOT NULL AND i.password_sign_in = 'operators' FROM instance_settings i) AS only_operators_here`

const credentialsRows = (db: Knex) => usersWithAccount(db).select(db.raw(REQUIREMENT), db.raw(ONLY_OPERATORS_HERE))

export async function findCredentials(db: Knex, email: string): Promise<Credentials | undefined> {
  const row: CredentialsRow | undefined = await credentialsRows(db).where('users.email_key', emailKey(email)).first()
  return row && toCredentials(row)
}

export async function findCredentialsById(db: Knex, userId: string): Promise<Credentials | undefined> {
  const row: CredentialsRow | undefined = isId(userId)
    ? await credentialsRows(db).where('users.id', userId).first()
    : undefined
  return row && toCredentials(row)
}

/** The credentials of several users, the one that was added first as the first. Unknown ones are left out. */
export async function findCredentialsOf(db: Knex, userIds: readonly string[]): Promise<Credentials[]> {
  if (userIds.length === 0) return []
  const rows: CredentialsRow[] = await credentialsRows(db).whereIn('users.id', userIds).orderBy('users.id')
  return rows.map(toCredentials)
}

/**
 * Locks a user until the transaction ends, and reads their credentials. Changes of the user wait, and so does disabling
 * their account, which updates the rows of its users.
 */
export async function lockCredentials(trx: Knex, userId: string): Promise<Credentials | undefined> {
  await lockUserExclusive(trx, userId)
  await trx('users').where({ id: userId }).forNoKeyUpdate().select('id')
  return await findCredentialsById(trx, userId)
}

/** Whether the password is unchanged; its hash may have been renewed. */
export const isSamePassword = (a: Credentials, b: Credentials): boolean =>
  Number(a.passwordChangedAt) === Number(b.passwordChangedAt)

/** Stores a new hash of the same password. */
export async function saveRenewedHash(trx: Knex, locked: Credentials, passwordHash: string): Promise<Credentials> {
  await trx('users').where({ id: locked.user.id }).update({ password_hash: passwordHash })
  return { ...locked, passwordHash }
}

/** Stores a new password, and revokes the sessions that began with the previous one. */
export async function savePassword(trx: Knex, userId: string, passwordHash: string): Promise<User> {
  const change = {
    password_hash: passwordHash,
    password_change_required: false,
    password_changed_at: changedNow(trx, 'password_changed_at'),
    ...untilNow(trx),
  }
  const [row] = await trx('users')
    .where({ id: userId })
    .update(change)
    .returning<UserRow[]>(userColumns(trx) as never)
  return toUser(row!)
}
