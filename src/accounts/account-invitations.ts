import type { Knex } from 'knex'
import { addressKeyOf } from '../database/address-keys.ts'
import { LINK_LIFETIMES } from '../mail/mail-links.ts'
import { isProven } from './memberships.ts'
import type { AccountRole } from './user-attributes.ts'

/** An invitation of a person who has a user already to an account. */
export interface AccountInvitation {
  /** Of the pending user. */
  readonly id: string
  readonly email: string
  readonly accountId: string
  readonly accountName: string
  readonly role: AccountRole
  /** Name or address of the user who sent it; null: a program, or somebody who is deleted. */
  readonly invitedBy: string | null
}

const COLUMNS = `
  p.id, p.email, p.account_id AS "accountId", a.name AS "accountName", m.role,
  (SELECT coalesce(i.name, i.email) FROM users i WHERE i.id = p.invited_by) AS "invitedBy"`

/** SQL: pending users `p` who are active, with their account and membership. */
const PENDING = `
  users p
    JOIN accounts a ON a.id = p.account_id AND a.status = 'active'
    JOIN memberships m ON m.user_id = p.id AND m.account_id = p.account_id
   WHERE p.status = 'active' AND p.email_key <> ${addressKeyOf('p')}`

/** The invitation that a pending user stands for. Undefined: none. */
export async function findInvitation(db: Knex, id: string | undefined): Promise<AccountInvitation | undefined> {
  if (id === undefined) return undefined
  const { rows } = await db.raw(`SELECT ${COLUMNS} FROM ${PENDING} AND p.id = ?`, [id])
  return rows[0]
}

/** The most invitations of one user that are listed. */
const MAX_INVITATIONS = 20

/**
 * Invitations are listed as long as their links work. Only to the user whose mailbox is proven: otherwise an admin who has added a user
 * with the address of somebody else, or has reset their password, would see invitations of other accounts, and could join.
 */
const OF_USER = `
  SELECT ${COLUMNS} FROM users u, ${PENDING}
     AND u.id = :user AND u.status = 'active' AND ${isProven('u')} AND ${addressKeyOf('p')} = u.email_key
     AND (p.created_at > now() - make_interval(secs => :lifetime) OR EXISTS (
       SELECT FROM mail_links l
        WHERE l.user_id = p.id AND l.purpose = 'invitation' AND l.used_at IS NULL AND l.expires_at > now()))
   ORDER BY p.created_at DESC LIMIT ${MAX_INVITATIONS}`

/** The invitations that a user may answer without a link, the newest first. */
export async function listInvitations(db: Knex, userId: string | undefined): Promise<readonly AccountInvitation[]> {
  if (userId === undefined) return []
  const { rows } = await db.raw(OF_USER, { user: userId, lifetime: LINK_LIFETIMES.invitation })
  return rows
}
