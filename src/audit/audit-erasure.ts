import type { Knex } from 'knex'

/** The events of a user, and what of them describes the user: the address of those they caused, the person in those about them. */
const PARTS = [
  { of: 'actor_id', field: 'ip' },
  { of: 'target_id', field: 'personal' },
] as const

interface Cursor {
  readonly at: string
  readonly id: string
}

const START: Cursor = { at: '-infinity', id: '00000000-0000-0000-0000-000000000000' }

/** Erases the field in one page of events. Returns the last event of the page; undefined: there is none. */
async function erasePage(
  knex: Knex,
  { of, field }: (typeof PARTS)[number],
  userId: string,
  after: Cursor,
  limit: number,
): Promise<Cursor | undefined> {
  const { rows } = await knex.raw(
    `WITH page AS MATERIALIZED (
       SELECT id, at FROM audit_log WHERE ${of} = :user AND (at, id) > (:at::timestamptz, :id::uuid)
        ORDER BY at, id LIMIT :limit
     ), erased AS (
       UPDATE audit_log l SET ${field} = NULL, ${field}_salt = NULL FROM page p
        WHERE l.id = p.id AND l.format = 2 AND l.${field} IS NOT NULL
     )
     SELECT id, at::text AS at FROM page ORDER BY page.at DESC, page.id DESC LIMIT 1`,
    { user: userId, ...after, limit } as never,
  )
  return rows[0]
}

/**
 * Erases what describes a user in the audit log: their addresses, and their name and email address. The events stay, and the
 * chain still verifies. Each page is a transaction of its own. An event `user.deleted` must be recorded before: verification
 * reports fields that were erased without it.
 */
export async function eraseUserFromAudit(knex: Knex, userId: string, limit: number): Promise<void> {
  for (const part of PARTS) {
    let after: Cursor | undefined = START
    while (after) after = await erasePage(knex, part, userId, after, limit)
  }
}
