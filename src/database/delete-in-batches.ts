import type { Knex } from 'knex'

/** Pages of 8 KiB that one statement reads. */
const PAGES = 256

/** The page at which the next sweep of a table begins, by pool and table. */
const positions = new WeakMap<object, Map<string, number>>()

function positionsOf(db: Knex): Map<string, number> {
  const known = positions.get(db.client) ?? new Map<string, number>()
  positions.set(db.client, known)
  return known
}

const sizeOf = async (db: Knex, table: string): Promise<number> =>
  (await db.raw(`SELECT (pg_relation_size(?::regclass) / current_setting('block_size')::int)::int AS pages`, [table]))
    .rows[0].pages

/**
 * Deletes at most `limit` rows of a table for which the SQL condition holds; returns how many. It reads the table page by
 * page and goes on where the last call stopped: for tables whose rows change with each request, and whose times must
 * therefore have no index, which would slow down each of those changes. Locked rows are left for a later call.
 */
export async function deleteInBatches(db: Knex, table: string, condition: string, limit: number): Promise<number> {
  const position = positionsOf(db)
  const pages = await sizeOf(db, table)
  let deleted = 0
  let from = position.get(table) ?? 0
  for (; from < pages && deleted < limit; from += PAGES) {
    const { rowCount } = await db.raw(
      `DELETE FROM ${table} WHERE ctid = ANY (ARRAY(
         SELECT ctid FROM ${table}
          WHERE ctid >= ?::tid AND ctid < ?::tid AND ${condition} LIMIT ? FOR UPDATE SKIP LOCKED))`,
      [`(${from},0)`, `(${from + PAGES},0)`, limit - deleted],
    )
    deleted += rowCount
    // The limit may have left some of these pages.
    if (deleted === limit) break
  }
  position.set(table, from < pages ? from : 0)
  return deleted
}
