import { createBatches } from '../database/batches.ts'
import type { Database } from '../database/open-database.ts'
import { SERVER_STARTED_AT, type ServerWatch } from '../database/server-watch.ts'
import { RECORD, RECORD_UNCONTENDED } from './record-statement.ts'

/** An access token about to be answered. Keys and versions are those of the registration that asked for it. */
export interface TokenRecord {
  readonly jti: string
  readonly clientKey: number
  readonly clientVersion: number
  readonly apiId: number
  readonly apiVersion: number
  /** Null where no secret proved the client. */
  readonly secretId: number | null
  /** Milliseconds since 1970; null while the secret is not being replaced. */
  readonly secretRetiresAt: number | null
  /** Empty for the client itself. */
  readonly subject: string
  readonly scope: string
  /** Seconds since 1970, as in the JWT. */
  readonly issuedAt: number
  /** Seconds since 1970, as in the JWT. */
  readonly expiresAt: number
  /** Whether it ends the earlier tokens of its client, subject and API (policy `single`). */
  readonly single: boolean
  readonly grantId: string | null
  /** Its place in a status list: the list's key, and the index there. */
  readonly statusList: number
  readonly statusIndex: number
}

export interface Recorded {
  /** False: the registration it rests on is no longer the client's, or its list no longer takes any; nothing was recorded. */
  readonly recorded: boolean
  readonly keyRingVersion: number
}

/** A token that is active. */
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

const toJson = (record: TokenRecord, n: number) => ({
  n,
  jti: record.jti,
  client: record.clientKey,
  client_version: record.clientVersion,
  api: record.apiId,
  api_version: record.apiVersion,
  secret: record.secretId,
  retires: record.secretRetiresAt === null ? null : new Date(record.secretRetiresAt).toISOString(),
  subject: record.subject,
  scope: record.scope,
  iat: record.issuedAt,
  exp: record.expiresAt,
  single: record.single,
  grant_id: record.grantId,
  list: record.statusList,
  idx: record.statusIndex,
})

/** The parameters of the recording statement, for whoever runs it inside a transaction of its own. */
export const recordValues = (records: readonly TokenRecord[]): [string, number[]] => [
  JSON.stringify(records.map(toJson)),
  [...new Set(records.map((record) => record.clientKey))],
]

interface RecordRow {
  key_ring_version: number
  server: number
  recorded: string[] | null
  /** Clients whose locks somebody holds. */
  skipped: number[] | null
}

const WAITS = { name: 'accessTokenStore-record', text: RECORD, share: 'changes' } as const
const SKIPS = { name: 'accessTokenStore-record-uncontended', text: RECORD_UNCONTENDED, share: 'recording' } as const

/** Undefined for the records of clients that were skipped. */
async function recordAll(
  db: Database,
  server: ServerWatch,
  statement: typeof WAITS | typeof SKIPS,
  records: TokenRecord[],
): Promise<(Recorded | undefined)[]> {
  const [row] = await db.query<RecordRow>({ ...statement, values: recordValues(records) })
  server.notice(row!.server)
  const recorded = new Set(row!.recorded)
  const skipped = new Set(statement === SKIPS ? row!.skipped : [])
  return records.map(({ jti, clientKey }) =>
    skipped.has(clientKey) ? undefined : { recorded: recorded.has(jti), keyRingVersion: row!.key_ring_version },
  )
}

/** A question about a token by a client that must itself still be who it was. */
export interface Inspection {
  readonly callerKey: number
  readonly callerVersion: number
  /** Absent when what was presented is no token of ours: the caller is checked all the same. */
  readonly token?: { readonly jti: string; readonly expiresAt: number }
}

export interface Inspected {
  /** False: the caller's registration changed; ask again with what it is now. */
  readonly callerFresh: boolean
  readonly token: ActiveToken | undefined
}

// Each LIMIT keeps the planner from turning a look-up by key into a join that reads the whole table.
export const INSPECT = `
  SELECT (SELECT require_primary()), coalesce(c.version = r.caller_version AND c.status = 'active', false) AS caller_fresh,
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

interface InspectedRow extends ActiveTokenRow {
  caller_fresh: boolean
  /** Of the first row only. */
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

async function inspectAll(db: Database, server: ServerWatch, inspections: Inspection[]): Promise<Inspected[]> {
  const questions = inspections.map((inspection, n) => ({
    n,
    caller: inspection.callerKey,
    caller_version: inspection.callerVersion,
    jti: inspection.token?.jti ?? null,
    exp: inspection.token?.expiresAt ?? null,
  }))
  const values = [JSON.stringify(questions)]
  const rows = await db.query<InspectedRow>({
    name: 'accessTokenStore-inspect',
    text: INSPECT,
    values,
  })
  server.notice(rows[0]!.server!)
  return rows.map((row) => ({ callerFresh: row.caller_fresh, token: row.jti ? toActiveToken(row) : undefined }))
}

/** The record of every access token that was issued and may still be valid. */
export interface AccessTokenStore {
  /** Durable when answered. */
  record(record: TokenRecord): Promise<Recorded>
  inspect(inspection: Inspection): Promise<Inspected>
}

export function createAccessTokenStore(db: Database, server: ServerWatch): AccessTokenStore {
  return {
    record: createBatches({
      run: (records: TokenRecord[]) => recordAll(db, server, SKIPS, records),
      contended: {
        keyOf: (record) => record.clientKey,
        run: async (records) => (await recordAll(db, server, WAITS, records)) as Recorded[],
        maxInFlight: 2,
      },
      maxInFlight: 2,
      maxSize: 200,
    }),
    inspect: createBatches({ run: (all: Inspection[]) => inspectAll(db, server, all), maxInFlight: 2, maxSize: 200 }),
  }
}
