import type { Knex } from 'knex'
import { joinMembership } from '../accounts/memberships.ts'
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

/** Active users of active accounts. @param account undefined: as they are in their first account, or in another one where they may act */
const recipients = (db: Knex, account?: string) =>
  db('users')
    .modify(joinMembership, account === undefined ? undefined : { id: account, isFixed: true })
    .where('users.status', 'active')
    .whereRaw(
      `coalesce(membership.status, 'active') = 'active' AND coalesce(membership.account_status, 'active') = 'active'`,
    )
    .select('users.id', 'users.email', 'membership.account_id AS accountId')

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
    accountId === null
      ? recipients(db).where('users.role', 'operator')
      : recipients(db, accountId)
          .where('membership.role', 'admin')
          .whereIn('users.id', db('memberships').where({ account_id: accountId }).select('user_id'))
  return await responsible
    // Somebody who never signed in has not accepted an invitation.
    .whereNotNull('users.password_hash')
    .orderBy('users.email_key')
    .limit(MAX_RECIPIENTS)
}
