import type { Knex } from 'knex'

const exists = (table: string) => `EXISTS (SELECT 1 FROM ${table} WHERE status = 'deleting')`

const PENDING = `SELECT ${['clients', 'users', 'accounts'].map(exists).join(' OR ')} AS pending`

/** The operations continue deletions; a server loads them when they are first needed. */
export interface Deletions {
  continueDeletions(knex: Knex, limit: number): Promise<unknown>
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
