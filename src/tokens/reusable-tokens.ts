import { createHash, hkdfSync } from 'node:crypto'
import type { Knex } from 'knex'
import { createBatches } from '../database/batches.ts'
import { deleteInBatches } from '../database/delete-in-batches.ts'
import type { Database } from '../database/open-database.ts'
import { SERVER_STARTED_AT, type ServerWatch } from '../database/server-watch.ts'
import { createEncryptionKeys } from '../shared/encryption-keys.ts'
import { seal, unseal } from '../shared/envelope.ts'
import type { TokenRecord } from './token-recording.ts'

/** A client credentials request whose token may be used again. */
export interface ReusableRequest {
  readonly clientKey: number
  readonly clientVersion: number
  readonly apiId: number
  readonly apiVersion: number
  /** As granted, space-separated. */
  readonly scope: string
  /** Seconds. */
  readonly window: number
  readonly secretId: number
  /** Undefined: the client sends no API key. */
  readonly apiKeyHash: Buffer | null
  /** In clear; the key that encrypts the token is derived from it. */
  readonly clientSecret: string
}

/** A token that is still fresh. */
export interface FreshToken {
  /** The signed JWT. */
  readonly accessToken: string
  readonly jti: string
  /** Whole seconds until it expires. */
  readonly expiresIn: number
}

export interface FreshTokenResult {
  /** False when the registration of the client or its API changed: the client must authenticate again. */
  readonly isCurrent: boolean
  readonly token: FreshToken | undefined
}

/** A token is not used again in its last seconds: the client could no longer use it. */
const LAST_SECONDS = 30

/** Equal for requests that get the same token. A change of the client or the API makes it another one. */
export function requestHash(request: ReusableRequest): Buffer {
  const { clientVersion, apiId, apiVersion, scope, secretId, apiKeyHash } = request
  const scopes = scope.split(' ').sort()
  const parts = [clientVersion, apiId, apiVersion, secretId, apiKeyHash?.toString('hex') ?? null, scopes]
  return createHash('sha256').update(JSON.stringify(parts)).digest()
}

/** The database does not contain the client secret, so it does not contain the key either. */
const encryptionKeysOf = ({ clientSecret }: ReusableRequest) =>
  createEncryptionKeys([Buffer.from(hkdfSync('sha256', clientSecret, '', 'keywright reusable token', 32))])

const sealedFor = (jti: string) => ({ purpose: 'reusable token', context: jti }) as const

// Without each LIMIT the planner may replace the look-up by key with a join that reads the whole table.
export const FIND_FRESH = `
  SELECT (SELECT require_primary()), CASE WHEN r.n = 0 THEN ${SERVER_STARTED_AT} END AS server,
         coalesce(c.version = r.client_version AND c.status = 'active' AND p.version = r.api_version, false) AS is_current, t.*
    FROM json_to_recordset($1::json) AS r(n int, client bigint, client_version int, api int, api_version int, hash text, age int)
    LEFT JOIN LATERAL (SELECT version, status FROM clients WHERE id = r.client LIMIT 1) c ON true
    LEFT JOIN LATERAL (SELECT version FROM apis WHERE id = r.api LIMIT 1) p ON true
    LEFT JOIN LATERAL (
      SELECT u.jti, u.token, floor(extract(epoch FROM u.expires_at - now()))::int AS seconds_left FROM reusable_tokens u
       WHERE u.client_id = r.client AND u.request_hash = decode(r.hash, 'hex')
         AND u.issued_at > now() - make_interval(secs => r.age) AND u.expires_at > now() + interval '${LAST_SECONDS} seconds'
         AND EXISTS (SELECT FROM active_access_tokens a WHERE a.jti = u.jti AND a.expires_at = u.expires_at LIMIT 1)
       LIMIT 1) t ON true
   ORDER BY r.n`

interface FreshRow {
  is_current: boolean
  /** Only in the first row. */
  server: number | null
  jti: string | null
  token: Buffer
  seconds_left: number
}

const toJson = (request: ReusableRequest, n: number) => ({
  n,
  client: request.clientKey,
  client_version: request.clientVersion,
  api: request.apiId,
  api_version: request.apiVersion,
  hash: requestHash(request).toString('hex'),
  age: request.window,
})

export const freshValues = (requests: readonly ReusableRequest[]): [string] => [JSON.stringify(requests.map(toJson))]

function toResult(request: ReusableRequest, row: FreshRow): FreshTokenResult {
  const { is_current: isCurrent, jti, token, seconds_left: expiresIn } = row
  if (!isCurrent || jti === null) return { isCurrent, token: undefined }
  const accessToken = unseal(encryptionKeysOf(request), sealedFor(jti), token).toString()
  return { isCurrent, token: { accessToken, jti, expiresIn } }
}

/** Finds the fresh token of a request. Concurrent calls share one statement. */
export const createFreshTokens = (db: Database, server: ServerWatch) =>
  createBatches<ReusableRequest, FreshTokenResult>({
    maxInFlight: 2,
    maxSize: 200,
    async run(requests) {
      const statement = { name: 'fresh-tokens', text: FIND_FRESH, values: freshValues(requests) }
      const rows = await db.query<FreshRow>(statement)
      server.notice(rows[0]!.server!)
      return rows.map((row, n) => toResult(requests[n]!, row))
    },
  })

/**
 * Locks a request until the transaction ends, and finds its fresh token, which another node may just have issued. Of the same
 * requests at several nodes, the first one issues the token and the others find it.
 */
export async function findFreshLocked(trx: Knex, request: ReusableRequest): Promise<FreshTokenResult> {
  const key = `keywright reusable token ${request.clientKey} ${requestHash(request).toString('hex')}`
  await trx.raw('SELECT pg_advisory_xact_lock(hashtextextended(?, 0))', [key])
  const { rows } = await trx.raw(FIND_FRESH.replace('$1', ':requests'), { requests: freshValues([request])[0] })
  return toResult(request, rows[0])
}

/** Keeps a token that was recorded in the same transaction, in place of the earlier one of the same request. */
export async function keepForReuse(
  trx: Knex,
  request: ReusableRequest,
  record: TokenRecord,
  accessToken: string,
): Promise<void> {
  const row = {
    client_id: request.clientKey,
    request_hash: requestHash(request),
    jti: record.jti,
    issued_at: trx.raw('now()'),
    expires_at: trx.raw('to_timestamp(?)', [record.expiresAt]),
    token: seal(encryptionKeysOf(request), sealedFor(record.jti), Buffer.from(accessToken)),
  }
  await trx('reusable_tokens').insert(row).onConflict(['client_id', 'request_hash']).merge()
}

/** Deletes at most `limit` tokens that have expired. */
export const deleteExpiredReusableTokens = (db: Knex, limit: number): Promise<number> =>
  deleteInBatches(db, 'reusable_tokens', 'expires_at < now()', limit)
