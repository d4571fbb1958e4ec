import type { Knex } from 'knex'
import type { SealedColumn } from '../database/resealing.ts'
import type { Management } from '../management/operation.ts'
import type { EncryptionKeys } from '../shared/encryption-keys.ts'
import { isSealedByOneOf, seal, unseal } from '../shared/envelope.ts'
import { hashSecret } from '../shared/secrets.ts'
import type { ApiCaller } from './callers.ts'
import { ProblemError } from './problems.ts'

/** How long a response is stored, in hours. */
const LIFETIME = 24

/** A request that may be retried, identified by the hash of its caller and key. */
export interface IdempotentRequest {
  readonly keyHash: Buffer
  readonly requestHash: Buffer
}

/** A response as it is stored, encrypted. */
export interface StoredResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** The text of the body. */
  readonly body: string
}

/** The hash covers the caller, because two callers may choose the same key. */
export const idempotentRequest = (
  { clientId, subject }: Pick<ApiCaller, 'clientId' | 'subject'>,
  key: string,
  request: unknown,
): IdempotentRequest => ({
  keyHash: hashSecret(JSON.stringify([clientId, subject, key])),
  requestHash: hashSecret(JSON.stringify(request)),
})

// A concurrent second request waits here until the first has committed, and then finds its row. An expired row is
// reused.
const CLAIM = `
  INSERT INTO idempotency_keys AS k (key_hash, request_hash, expires_at)
  VALUES (:keyHash, :requestHash, now() + make_interval(hours => ${LIFETIME}))
  ON CONFLICT (key_hash) DO UPDATE
     SET request_hash = excluded.request_hash, response = NULL, expires_at = excluded.expires_at
   WHERE k.expires_at <= now()
  RETURNING 1`

const sealedFor = (keyHash: Buffer) => ({ purpose: 'idempotent response', context: keyHash.toString('hex') }) as const

export const SEALED_IDEMPOTENT_RESPONSES: SealedColumn = {
  table: 'idempotency_keys',
  key: ['key_hash'],
  column: 'response',
  purpose: 'idempotent response',
  contextOf: (row) => (row.key_hash as Buffer).toString('hex'),
}

/**
 * @throws ProblemError `key_reused` (another request used this key), `conflict` (the encryption key of the response is gone),
 * `unavailable` (another node has that encryption key)
 */
async function storedResponse(
  trx: Knex,
  keys: EncryptionKeys,
  { keyHash, requestHash }: IdempotentRequest,
): Promise<StoredResponse> {
  const row = await trx<{ request_hash: Buffer; response: Buffer }>('idempotency_keys')
    .where({ key_hash: keyHash } as object)
    .first('request_hash', 'response')
  if (!row?.request_hash.equals(requestHash)) {
    throw new ProblemError('key_reused', 'this Idempotency-Key was used for a different request; send a new key')
  }
  if (!isSealedByOneOf(keys, row.response)) {
    if (keys.missing)
      throw new ProblemError('unavailable', 'this node does not have the current encryption key; try again')
    throw new ProblemError('conflict', 'this request was completed before, and its response can no longer be decrypted')
  }
  return JSON.parse(unseal(keys, sealedFor(keyHash), row.response).toString())
}

/**
 * Runs the operation of an idempotent request once, however many concurrent or later requests carry its key, on any node.
 * All of them get the same response. A failed request stores nothing, and its key can be used again.
 * @param authorize throws when the token became inactive while the request waited for the first one
 */
export async function runOnce(
  management: Management,
  request: IdempotentRequest,
  authorize: (trx: Knex) => Promise<void>,
  run: (management: Management) => Promise<StoredResponse>,
): Promise<{ response: StoredResponse; isReplayed: boolean }> {
  const { knex, encryptionKeys } = management
  const { keyHash, requestHash } = request
  return await knex.transaction(async (trx) => {
    const claimed = await trx.raw(CLAIM, { keyHash, requestHash })
    await authorize(trx)
    if (claimed.rows.length === 0) {
      return { response: await storedResponse(trx, encryptionKeys, request), isReplayed: true }
    }
    const response = await run({ ...management, knex: trx })
    const sealed = seal(encryptionKeys, sealedFor(keyHash), Buffer.from(JSON.stringify(response)))
    await trx('idempotency_keys').where({ key_hash: keyHash }).update({ response: sealed })
    return { response, isReplayed: false }
  })
}

/** Deletes at most `limit` expired keys with their responses. */
export async function deleteExpiredIdempotencyKeys(db: Knex, limit: number): Promise<number> {
  const { rowCount } = await db.raw(
    `DELETE FROM idempotency_keys WHERE key_hash IN (
       SELECT key_hash FROM idempotency_keys WHERE expires_at <= now() LIMIT ? FOR UPDATE SKIP LOCKED)`,
    [limit],
  )
  return rowCount
}
