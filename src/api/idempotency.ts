import type { Knex } from 'knex'
import type { SealedColumn } from '../database/resealing.ts'
import type { Management } from '../management/operation.ts'
import type { EncryptionKeys } from '../shared/encryption-keys.ts'
import { isSealedByOneOf, seal, unseal } from '../shared/envelope.ts'
import { hashSecret } from '../shared/secrets.ts'
import type { ApiCaller } from './callers.ts'
import { ProblemError } from './problems.ts'

/** For how long an answer is kept, in hours. */
const KEPT = 24

/** A request that may come again, by hashes of its caller's key and of itself. */
export interface Repeatable {
  readonly keyHash: Buffer
  readonly requestHash: Buffer
}

/** An answer as it is kept. */
export interface StoredResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** The text of the body. */
  readonly body: string
}

/** Two callers may well choose the same key. */
export const repeatable = (
  { clientId, subject }: Pick<ApiCaller, 'clientId' | 'subject'>,
  key: string,
  request: unknown,
): Repeatable => ({
  keyHash: hashSecret(JSON.stringify([clientId, subject, key])),
  requestHash: hashSecret(JSON.stringify(request)),
})

// Whoever comes second waits here until the first has committed, and then finds its row; a row that has had its time is
// taken over.
const CLAIM = `
  INSERT INTO idempotency_keys AS k (key_hash, request_hash, expires_at)
  VALUES (:keyHash, :requestHash, now() + make_interval(hours => ${KEPT}))
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
 * @throws ProblemError `key_reused` (another request came under this key), `conflict` (it cannot be opened any more),
 * `unavailable` (another node can open it)
 */
async function storedResponse(
  trx: Knex,
  keys: EncryptionKeys,
  { keyHash, requestHash }: Repeatable,
): Promise<StoredResponse> {
  const row = await trx<{ request_hash: Buffer; response: Buffer }>('idempotency_keys')
    .where({ key_hash: keyHash } as object)
    .first('request_hash', 'response')
  if (!row?.request_hash.equals(requestHash)) {
    throw new ProblemError('key_reused', 'another request was sent under this Idempotency-Key; choose a new one')
  }
  if (!isSealedByOneOf(keys, row.response)) {
    if (keys.missing) throw new ProblemError('unavailable', 'this node lacks the encryption key in use; try again')
    throw new ProblemError('conflict', 'this was done before, and its answer cannot be shown again')
  }
  return JSON.parse(unseal(keys, sealedFor(keyHash), row.response).toString())
}

/**
 * Does once what any number of requests under one key ask for, at once or one after another, on any nodes, and gives all of
 * them one answer. A refusal is not kept: nothing was done, and the key is free again.
 * @param judge throws when who asks may no more, having waited for the first
 */
export async function once(
  { knex, encryptionKeys }: Management,
  request: Repeatable,
  judge: (trx: Knex) => Promise<void>,
  act: (management: Management) => Promise<StoredResponse>,
): Promise<{ answer: StoredResponse; isRepeated: boolean }> {
  const { keyHash, requestHash } = request
  return await knex.transaction(async (trx) => {
    const claimed = await trx.raw(CLAIM, { keyHash, requestHash })
    await judge(trx)
    if (claimed.rows.length === 0) {
      return { answer: await storedResponse(trx, encryptionKeys, request), isRepeated: true }
    }
    const answer = await act({ knex: trx, encryptionKeys })
    const sealed = seal(encryptionKeys, sealedFor(keyHash), Buffer.from(JSON.stringify(answer)))
    await trx('idempotency_keys').where({ key_hash: keyHash }).update({ response: sealed })
    return { answer, isRepeated: false }
  })
}

/** Deletes at most `limit` keys whose answers have had their time. */
export async function deleteExpiredIdempotencyKeys(db: Knex, limit: number): Promise<number> {
  const { rowCount } = await db.raw(
    `DELETE FROM idempotency_keys WHERE key_hash IN (
       SELECT key_hash FROM idempotency_keys WHERE expires_at <= now() LIMIT ? FOR UPDATE SKIP LOCKED)`,
    [limit],
  )
  return rowCount
}
