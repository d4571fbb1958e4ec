import { createBatches } from '../database/batches.ts'
import type { Database } from '../database/open-database.ts'
import { SERVER_STARTED_AT, type ServerWatch } from '../database/server-watch.ts'
import {
  type RecordResult,
  recordInBatches,
  type TokenRecord,
  WITH_USES,
  WITHIN_QUOTAS,
  WITHOUT_QUOTAS,
} from './token-recording.ts'

/** An active access token (RFC 7662, section 2.2). */
export interface ActiveToken {
  readonly jti: string
  readonly clientId: string
  readonly clientKey: number
  readonly audience: string
  readonly apiId: number
  readonly subject: string
  readonly scope: string
  readonly issuedAt: Date
  readonly expiresAt: Date
  readonly grantId: string | null
}

/** A request to introspect a token. The caller is an authenticated client; its registration version is checked too. */
export interface Introspection {
  readonly callerKey: number
  readonly callerVersion: number
  /** Absent when the presented text is no access token of this issuer. The caller is checked nevertheless. */
  readonly token?: { readonly jti: string; readonly expiresAt: number }
}

export interface IntrospectionResult {
  /** False when the caller's registration changed: the caller must authenticate again. */
  readonly isCallerCurrent: boolean
  /** Undefined when the token is not active. */
  readonly token: ActiveToken | undefined
}

// Without each LIMIT the planner may replace the look-up by key with a join that reads the whole table.
export const INTROSPECT = `
  SELECT (SELECT require_primary()), coalesce(c.version = r.caller_version AND c.status = 'active', false) AS is_caller_current,
         CASE WHEN r.n = 0 THEN ${SERVER_STARTED_AT} END AS server, t.*
    FROM json_to_recordset($1::json) AS r(n int, caller bigint, caller_version int, jti uuid, exp float8)
    LEFT JOIN LATERAL (SELECT version, status FROM clients WHERE id = r.caller LIMIT 1) c ON true
    LEFT JOIN LATERAL (
      SELECT * FROM active_access_tokens a
       WHERE a.jti = r.jti AND a.expires_at = to_timestamp(r.exp) LIMIT 1) t ON true
   ORDER BY r.n`

interface ActiveTokenRow {
  jti: string | null
  client_id: string
  client_key: number
  audience: string
  api_id: number
  subject: string
  scope: string
  issued_at: Date
  expires_at: Date
  grant_id: string | null
}

interface IntrospectionRow extends ActiveTokenRow {
  is_caller_current: boolean
  /** Only in the first row. */
  server: number | null
}

const toActiveToken = (row: ActiveTokenRow): ActiveToken => ({
  jti: row.jti!,
  clientId: row.client_id,
  clientKey: row.client_key,
  audience: row.audience,
  apiId: row.api_id,
  subject: row.subject,
  scope: row.scope,
  issuedAt: row.issued_at,
  expiresAt: row.expires_at,
  grantId: row.grant_id,
})

async function introspectAll(
  db: Database,
  server: ServerWatch,
  introspections: Introspection[],
): Promise<IntrospectionResult[]> {
  const requests = introspections.map(({ callerKey, callerVersion, token }, n) => ({
    n,
    caller: callerKey,
    caller_version: callerVersion,
    jti: token?.jti ?? null,
    exp: token?.expiresAt ?? null,
  }))
  const values = [JSON.stringify(requests)]
  const rows = await db.query<IntrospectionRow>({
    name: 'access-token-introspect',
    text: INTROSPECT,
    values,
  })
  server.notice(rows[0]!.server!)
  return rows.map((row) => ({
    isCallerCurrent: row.is_caller_current,
    token: row.jti ? toActiveToken(row) : undefined,
  }))
}

/** The record of every access token that may still be valid. */
export interface AccessTokenStore {
  /**
   * Records an access token, unless it is beyond an enforced quota. Under the token policy `single` it revokes the earlier one.
   * The record is durable when the promise resolves. Concurrent calls share one statement.
   */
  record(record: TokenRecord): Promise<RecordResult>
  /** Introspects an access token. Concurrent calls share one statement. */
  introspect(introspection: Introspection): Promise<IntrospectionResult>
}

export function createAccessTokenStore(db: Database, server: ServerWatch): AccessTokenStore {
  const uncounted = recordInBatches(db, server, WITHOUT_QUOTAS)
  const counted = recordInBatches(db, server, WITHIN_QUOTAS)
  const withUses = recordInBatches(db, server, WITH_USES)
  const recordOf = ({ quotaKey, assertionUse }: TokenRecord) =>
    quotaKey !== null ? counted : assertionUse ? withUses : uncounted
  return {
    record: (record) => recordOf(record)(record),
    introspect: createBatches({
      run: (introspections: Introspection[]) => introspectAll(db, server, introspections),
      maxInFlight: 2,
      maxSize: 200,
    }),
  }
}
