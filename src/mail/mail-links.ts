import type { Knex } from 'knex'
import { deleteInBatches } from '../database/delete-in-batches.ts'
import { newId } from '../shared/ids.ts'

const HOUR = 3600
const DAY = 24 * HOUR

/** Seconds in which a link of each purpose works. */
export const LINK_LIFETIMES = {
  invitation: 7 * DAY,
  password_reset: HOUR,
  email_verification: DAY,
  email_change: HOUR,
} as const

export type LinkPurpose = keyof typeof LINK_LIFETIMES

/** A link in a message. It works once. */
export interface MailLink {
  readonly id: string
  readonly purpose: LinkPurpose
  readonly userId: string
  /** The address that it was sent to. */
  readonly email: string
  readonly createdAt: Date
}

interface LinkRow {
  id: string
  purpose: LinkPurpose
  user_id: string
  email: string
  created_at: Date
}

const toLink = ({ user_id, created_at, ...row }: LinkRow): MailLink => ({
  ...row,
  userId: user_id,
  createdAt: created_at,
})

const fromNow = (db: Knex, seconds: number) => db.raw('clock_timestamp() + make_interval(secs => ?)', [seconds])

/** Returns the id of the new link. */
export async function createLink(
  trx: Knex,
  { purpose, userId, email }: Pick<MailLink, 'purpose' | 'userId' | 'email'>,
): Promise<string> {
  const id = newId()
  await trx('mail_links').insert({
    id,
    purpose,
    user_id: userId,
    email,
    expires_at: fromNow(trx, LINK_LIFETIMES[purpose]),
  })
  return id
}

const usable = (db: Knex, id: string) =>
  db<LinkRow>('mail_links').where({ id }).whereNull('used_at').whereRaw('expires_at > clock_timestamp()')

/** Undefined: the link was used, has expired, or does not exist. */
export async function findLink(db: Knex, id: string): Promise<MailLink | undefined> {
  const row: LinkRow | undefined = await usable(db, id).first()
  return row && toLink(row)
}

/** Uses a link. Of several concurrent requests one gets true; the others wait for its transaction. */
export const useLink = async (trx: Knex, id: string): Promise<boolean> =>
  (await usable(trx, id).update('used_at', trx.raw('clock_timestamp()'))) === 1

/** Ends the unused links of a user. @param purposes absent: of every purpose */
export async function endLinks(trx: Knex, userId: string, purposes?: readonly LinkPurpose[]): Promise<void> {
  const unused = trx('mail_links').where({ user_id: userId }).whereNull('used_at')
  if (purposes) unused.whereIn('purpose', purposes)
  await unused.update('used_at', trx.raw('clock_timestamp()'))
}

/**
 * Gives an unused link its whole lifetime again. Returns whether there is one; a link that a new password of the user has ended
 * stays ended.
 */
export async function renewLink(trx: Knex, id: string): Promise<boolean> {
  const row: LinkRow | undefined = await trx<LinkRow>('mail_links').where({ id }).whereNull('used_at').first()
  if (!row) return false
  const since = trx('users').where({ id: row.user_id }).where('password_changed_at', '>', row.created_at)
  const renewed = await trx('mail_links')
    .where({ id })
    .whereNotExists(since)
    .update({ expires_at: fromNow(trx, LINK_LIFETIMES[row.purpose]) })
  return renewed === 1
}

/** Deletes at most `limit` links that expired 30 days ago: until then a message that failed can be sent again. */
export const deleteOldLinks = (db: Knex, limit: number): Promise<number> =>
  deleteInBatches(db, 'mail_links', "expires_at < now() - interval '30 days'", limit)
