import { TURNS } from '../clients/client-turns.ts'
import { createBatches } from '../database/batches.ts'
import type { Database } from '../database/open.ts'
import { SERVER_STARTED_AT, type ServerWatch } from '../database/server-watch.ts'
import { RECORDS_AFTER } from './status-lists.ts'

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

// One statement for many tokens. It queues up behind whoever waits to change a client or an API (see `TURNS`). Every
// client's row is share-locked in one order, which settles the race with whoever replaces it: a replacement that
// commits first is seen here (the lock re-reads the row), one that comes later waits and then finds these tokens. APIs,
// too few to be locked by everybody, are read anew when the turn has come; nobody changes their settings then. Slots
// are locked in one order too. A slot's generation is greater than the row's own once its lock was waited for, so the last
// to commit has the highest, whatever happened to sequences and clocks. A slot stays longer than any token that it may have ended, whatever their lifetimes were, or its going
// would revive them. Of several tokens of one slot in one batch, the last one wins. A slot knows its last token's
// place, so that a trigger can tell whoever follows which one it ended; of those that were ended before they began,
// only this statement knows. A lease of a status list that was taken before a failover or a restore is refused: the database
// may have lost it, and given its indexes to somebody else (migration 20261128030200).
export const RECORD = `
  WITH request AS MATERIALIZED (
    SELECT * FROM json_to_recordset($1::json) AS r(
      n int, jti uuid, client bigint, client_version int, api int, api_version int, secret bigint, retires timestamptz,
      subject text, scope text, iat float8, exp float8, single boolean, grant_id uuid, list bigint, place int)
  ), turn AS MATERIALIZED (
    SELECT count(pg_advisory_xact_lock_shared(${TURNS.namespace}, stripe)) AS taken
      FROM (SELECT DISTINCT (id % ${TURNS.stripes})::int AS stripe FROM unnest($2::bigint[]) id ORDER BY 1) turns
  ), client AS MATERIALIZED (
    SELECT c.id, c.version, c.epoch FROM clients c, turn
     WHERE c.id = ANY ($2::bigint[]) AND c.status = 'active' AND turn.taken > 0 ORDER BY c.id FOR SHARE OF c
  ), api AS MATERIALIZED (
    SELECT now.* FROM turn
     CROSS JOIN LATERAL api_versions_now(CASE WHEN turn.taken > 0 THEN (SELECT array_agg(r.api) FROM request r) END) now
  ), valid AS MATERIALIZED (
    SELECT r.*, c.epoch,
           r.n = max(r.n) OVER (PARTITION BY r.client, r.api, r.subject) AS last
      FROM request r
      JOIN client c ON c.id = r.client AND c.version = r.client_version
      JOIN api a ON a.api = r.api AND a.version = r.api_version
      JOIN status_lists l ON l.id = r.list AND (l.closed_at IS NULL OR l.closed_at > now() - interval '${RECORDS_AFTER}')
                         AND l.server_started_at = pg_postmaster_start_time()
     WHERE r.retires IS NULL OR r.retires > now()
  ), slot AS (
    INSERT INTO token_slots AS s (client_id, api_id, subject, generation, expires_at, status_list, status_index,
                                  client_version, api_version)
    SELECT client, api, subject, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint, now() + interval '31 days',
           list, place, client_version, api_version
      FROM valid WHERE single AND last ORDER BY client, api, subject
    ON CONFLICT (client_id, api_id, subject) DO UPDATE
       SET generation = greatest(s.generation + 1, excluded.generation), expires_at = excluded.expires_at,
           status_list = excluded.status_list, status_index = excluded.status_index,
           client_version = excluded.client_version, api_version = excluded.api_version
    RETURNING client_id, api_id, subject, generation
  ), outrun AS (
    INSERT INTO revocations (status_list, places)
    SELECT list, array_agg(place) FROM valid WHERE single AND NOT last GROUP BY list
  ), recorded AS (
    INSERT INTO access_tokens (jti, expires_at, issued_at, client_id, secret_id, generation, api_id, epoch, subject,
                               scope, grant_id, status_list, status_index)
    SELECT v.jti, to_timestamp(v.exp), to_timestamp(v.iat), v.client, v.secret,
           CASE WHEN v.single THEN s.generation - CASE WHEN v.last THEN 0 ELSE 1 END
                ELSE coalesce((SELECT g.generation FROM token_slots g
                                WHERE g.client_id = v.client AND g.api_id = v.api AND g.subject = v.subject), 0) END,
           v.api, v.epoch, v.subject, v.scope, v.grant_id, v.list, v.place
      FROM valid v
      LEFT JOIN slot s ON s.client_id = v.client AND s.api_id = v.api AND s.subject = v.subject
    RETURNING jti
  )
  SELECT (SELECT version FROM key_ring) AS key_ring_version, ${SERVER_STARTED_AT} AS server,
         (SELECT json_agg(jti) FROM recorded) AS recorded`

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
  place: record.statusIndex,
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
}

async function recordAll(db: Database, server: ServerWatch, records: TokenRecord[]): Promise<Recorded[]> {
  const [row] = await db.query<RecordRow>({ name: 'ledger-record', text: RECORD, values: recordValues(records) })
  server.notice(row!.server)
  const recorded = new Set(row!.recorded)
  return records.map((record) => ({ recorded: recorded.has(record.jti), keyRingVersion: row!.key_ring_version }))
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

// LIMIT keeps the planner from turning the look-up by key into a join over whole partitions.
const INSPECT = `
  SELECT (SELECT require_primary()), coalesce(c.version = r.caller_version AND c.status = 'active', false) AS caller_fresh,
         CASE WHEN r.n = 0 THEN ${SERVER_STARTED_AT} END AS server, t.*
    FROM json_to_recordset($1::json) AS r(n int, caller bigint, caller_version int, jti uuid, exp float8)
    LEFT JOIN clients c ON c.id = r.caller
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
    name: 'ledger-inspect',
    text: INSPECT,
    values,
  })
  server.notice(rows[0]!.server!)
  return rows.map((row) => ({ callerFresh: row.caller_fresh, token: row.jti ? toActiveToken(row) : undefined }))
}

/** The record of every access token that was issued and may still be valid. */
export interface Ledger {
  /** Durable when answered. */
  record(record: TokenRecord): Promise<Recorded>
  inspect(inspection: Inspection): Promise<Inspected>
}

export function createLedger(db: Database, server: ServerWatch): Ledger {
  return {
    record: createBatches({
      run: (records: TokenRecord[]) => recordAll(db, server, records),
      contentionOf: (record) => record.clientKey,
      maxInFlight: 2,
      maxSize: 200,
    }),
    inspect: createBatches({ run: (all: Inspection[]) => inspectAll(db, server, all), maxInFlight: 2, maxSize: 200 }),
  }
}
