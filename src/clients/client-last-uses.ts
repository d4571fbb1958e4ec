import type { Knex } from 'knex'

/** SQL: the day since when a client was not used, at the earliest. An index has it. @param c table or alias of the client */
export const unusedSinceOf = (c: string): string =>
  `(coalesce(${c}.last_used_on, (${c}.created_at AT TIME ZONE 'UTC')::date))`

const TODAY = `(now() AT TIME ZONE 'UTC')::date`

/**
 * Records that clients were used today, unless a day of the last week is recorded. Clients that are being changed are left
 * out: their next use records the day.
 */
export async function recordLastUses(db: Knex, clientKeys: Iterable<number>): Promise<void> {
  const keys = [...new Set(clientKeys)]
  if (keys.length === 0) return
  await db.raw(
    `UPDATE clients SET last_used_on = ${TODAY}
      WHERE id IN (SELECT id FROM clients
                    WHERE id = ANY (?) AND (last_used_on IS NULL OR last_used_on < ${TODAY} - 7)
                    ORDER BY id FOR NO KEY UPDATE SKIP LOCKED)`,
    [keys],
  )
}
