import { lastUseOf } from './client-parts.ts'

/** An active application that a user registered. It keeps working when the user is disabled. */
export interface AddedApplication {
  readonly clientId: string
  readonly name: string
  readonly grants: readonly string[]
  readonly isPublic: boolean
  /** ISO 8601. When it last obtained a token or authenticated; for a public client within the last 30 days. */
  readonly lastUsedAt: string | null
}

/** At most so many of the applications that a user registered are listed; `listApplications` lists all. */
export const MAX_ADDED_APPLICATIONS = 10

/** SQL: the applications that `users u` registered in the account of the joined `membership`, whose admins see them; an operator, in all. */
export const ADDED_APPLICATIONS = `
  SELECT json_agg(json_build_object('clientId', c.client_id, 'name', c.name, 'grants', c.grants, 'isPublic', c.is_public,
                                    'lastUsedAt', ${lastUseOf('c')}) ORDER BY c.id DESC)
    FROM (SELECT * FROM clients c
           WHERE c.created_by = u.id AND c.status = 'active' AND (membership.account_id IS NULL OR c.account_id = membership.account_id)
           ORDER BY c.id DESC LIMIT ${MAX_ADDED_APPLICATIONS}) c`
