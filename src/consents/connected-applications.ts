import type { Knex } from 'knex'
import type { ConsentRow } from './consents.ts'

/** A consent with the application's name, as the user sees it. */
export interface ConnectedApplication {
  readonly clientId: string
  readonly name: string
  /** The name of the application's account; of an application of the instance, the instance's name. */
  readonly accountName: string
  /** The account of the user that the consent is for; null: of an operator. */
  readonly actingFor: { readonly id: string; readonly name: string } | null
  readonly allowedAt: Date
  readonly lastUsedAt: Date | null
  readonly identityScopes: readonly string[]
  readonly claims: readonly string[]
  readonly apis: readonly { readonly identifier: string; readonly scopes: readonly string[] }[]
}

interface ConnectedApplicationRow extends ConsentRow {
  name: string
  account_name: string
  acting_account_name: string
  last_used_at: Date | null
}

/** The applications that a user has consented to, for each of their accounts, the latest consent first. */
export async function listConnectedApplications(db: Knex, userId: string): Promise<ConnectedApplication[]> {
  const { rows: found } = await db.raw(
    `WITH used AS (SELECT client_id, user_account_id, max(issued_at) AS last_used_at FROM access_tokens
                    WHERE subject = ?::text AND subject <> '' GROUP BY client_id, user_account_id)
     SELECT s.*, c.client_id AS client_identifier, c.name,
            coalesce(a.name, (SELECT name FROM instance_settings)) AS account_name, o.name AS acting_account_name,
            (SELECT max(last_used_at) FROM used u
              WHERE u.client_id = s.client_id
                AND (u.user_account_id = s.account_id OR (u.user_account_id IS NULL AND s.user_id IS NOT NULL))) AS last_used_at
       FROM consents s
       JOIN clients c ON c.id = s.client_id
       LEFT JOIN accounts a ON a.id = c.account_id
       LEFT JOIN accounts o ON o.id = s.account_id
      WHERE s.given_by = ?
      ORDER BY s.allowed_at DESC`,
    [userId, userId],
  )
  return found.map((row: ConnectedApplicationRow) => ({
    clientId: row.client_identifier,
    name: row.name,
    accountName: row.account_name,
    actingFor: row.account_id === null ? null : { id: row.account_id, name: row.acting_account_name },
    allowedAt: row.allowed_at,
    lastUsedAt: row.last_used_at,
    identityScopes: row.identity_scopes,
    claims: row.claims,
    apis: Object.entries(row.apis).map(([identifier, scopes]) => ({ identifier, scopes })),
  }))
}
