import type { Knex } from 'knex'

// An account's log also tells what others did to what belongs to it: users of other accounts who allowed one of its applications
// something, and operators. Who they are, and where they were, is theirs.

/** A UUID; other ids are not cast, wherever they come from. */
const UUID = `'^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$'`

/** SQL: the id of an entry's actor or target, of the table or alias `l`, where it is of that type; null elsewhere. */
export const asUuid = (l: string, of: string, type: string): string =>
  `CASE WHEN ${l}.${of}_type = '${type}' AND ${l}.${of}_id ~ ${UUID} THEN ${l}.${of}_id::uuid END`

/** What an account's admins read of who acted. */
export type ActorVisibility = 'own' | 'operator' | 'other'

/**
 * SQL: whether the actor of an entry `l` belongs to the account of the entry. A user who is not known yet is a failed sign-in
 * of the account's own user.
 * @param user, client names of their rows; null where there is none
 */
export const actorVisibility = (l: string, user: string, client: string): string => `
  CASE WHEN ${l}.actor_type IN ('system', 'cli') OR ${l}.actor_id IS NULL THEN 'own'
       WHEN coalesce(${user}.account_id, ${client}.account_id) = ${l}.account_id THEN 'own'
       WHEN ${user}.role = 'operator' OR (${client}.id IS NOT NULL AND ${client}.account_id IS NULL) THEN 'operator'
       ELSE 'other' END`

/** Selects only entries whose actor is visible: filtering by a hidden actor would reveal it. */
export function onlyVisibleActors(query: Knex.QueryBuilder, wanted: readonly ActorVisibility[]): void {
  query.whereRaw(
    `(SELECT ${actorVisibility('audit_log', 'u', 'c')}
        FROM (SELECT 1) one
        LEFT JOIN users u ON u.id = ${asUuid('audit_log', 'actor', 'user')}
        LEFT JOIN clients c ON audit_log.actor_type = 'client' AND c.client_id = audit_log.actor_id) = ANY(?)`,
    [[...wanted]] as never,
  )
}
