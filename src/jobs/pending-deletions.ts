import type { Knex } from 'knex'
import { findDueRegistrations } from '../clients/dynamic-registrations.ts'

const exists = (table: string) => `EXISTS (SELECT 1 FROM ${table} WHERE status = 'deleting')`

const PENDING = `SELECT ${['clients', 'users', 'accounts'].map(exists).join(' OR ')} AS pending`

/** The operations continue deletions; a server loads them when they are first needed. */
export interface Deletions {
  continueDeletions(knex: Knex, limit: number): Promise<unknown>
  deleteUnusedRegistrations(knex: Knex, limit: number): Promise<number>
}

/** Continues the deletions that operators and admins began, if there are any. */
export async function continuePendingDeletions(
  knex: Knex,
  load: () => Promise<Deletions>,
  limit: number,
): Promise<void> {
  const { rows } = await knex.raw(PENDING)
  if (rows[0].pending) await (await load()).continueDeletions(knex, limit)
}

/** Deletes clients that registered themselves and were not used, if the time of any is over. Returns how many it looked at. */
export async function deleteExpiredRegistrations(
  knex: Knex,
  load: () => Promise<Deletions>,
  limit: number,
): Promise<number> {
  const due = await findDueRegistrations(knex, 1)
  return due.length === 0 ? 0 : await (await load()).deleteUnusedRegistrations(knex, limit)
}
