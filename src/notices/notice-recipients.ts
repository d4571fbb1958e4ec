import type { Knex } from 'knex'
import { normalizedEmail } from '../shared/email-addresses.ts'
import { isId } from '../shared/ids.ts'

export interface Recipient {
  readonly id: string
  readonly email: string
  readonly accountId: string | null
}

/** What an event changed of a user, as the activity log has it. */
export type EmailChanges = { readonly email?: { readonly from?: unknown } } | undefined

/** Messages about one event: an account may have any number of admins. */
const MAX_RECIPIENTS = 50

/** SQL: a membership of the user in which they may act, the first account before others. */
const MEMBERSHIP = `
  LEFT JOIN LATERAL (
    SELECT m.account_id FROM memberships m JOIN accounts a ON a.id = m.account_id AND a.status = 'active'
     WHERE m.user_id = users.id AND m.status = 'active'
     ORDER BY (m.account_id = users.account_id) DESC, m.created_at, m.account_id LIMIT 1) membership ON true`

/** Active users of active accounts. */
const recipients = (db: Knex) =>
  db('users')
    .joinRaw(MEMBERSHIP)
    .where('users.status', 'active')
    .whereRaw(`(membership.account_id IS NOT NULL OR users.role = 'operator')`)
    .select('users.id', 'users.email', 'membership.account_id AS accountId')

/** Active users of an account with this role. */
const membersWith = (db: Knex, accountId: string, role: string) =>
  db('memberships AS m')
    .join('accounts AS a', 'a.id', 'm.account_id')
    .join('users', 'users.id', 'm.user_id')
    .where({ 'm.account_id': accountId, 'm.role': role })
    .where({ 'm.status': 'active', 'a.status': 'active', 'users.status': 'active' })
    .select('users.id', 'users.email', 'm.account_id AS accountId')

/** The user, unless they are disabled. */
export const findUserRecipient = async (db: Knex, userId: string): Promise<Recipient[]> =>
  isId(userId) ? await recipients(db).where('users.id', userId) : []

/** Where the user received messages before an event changed the address; none for another change, or while the user is disabled. */
export async function findFormerAddress(db: Knex, userId: string, changes: EmailChanges): Promise<Recipient[]> {
  const former = changes?.email?.from
  if (typeof former !== 'string' || normalizedEmail(former) === undefined) return []
  return (await findUserRecipient(db, userId)).map((user) => ({ ...user, email: former }))
}

interface ResponsibleFor {
  /** Of a key pair. */
  readonly owner: string | null
  readonly accountId: string | null
}

/** Those who are responsible for a client: the owner of a key pair, the admins of an account, or, without an account, the operators. */
export async function findClientRecipients(db: Knex, { owner, accountId }: ResponsibleFor): Promise<Recipient[]> {
  if (owner !== null) return await findUserRecipient(db, owner)
  const responsible =
    accountId === null ? recipients(db).where('users.role', 'operator') : membersWith(db, accountId, 'admin')
  return await responsible
    // Somebody who never signed in has not accepted an invitation.
    .whereNotNull('users.password_hash')
    .orderBy('users.email_key')
    .limit(MAX_RECIPIENTS)
}
