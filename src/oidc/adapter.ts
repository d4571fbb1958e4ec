import { createHash } from 'node:crypto'
import type { Knex } from 'knex'
import { type Adapter, type AdapterPayload, errors } from 'oidc-provider'
import type { SealedColumn } from '../database/resealing.ts'
import { epochSeconds } from '../shared/clock.ts'
import type { EncryptionKeys } from '../shared/encryption-keys.ts'
import { isSealedByOneOf, seal, sealedBy, unseal } from '../shared/envelope.ts'
import { KeywrightError } from '../shared/errors.ts'
import { newId } from '../shared/ids.ts'
import { chargeAnonymous } from './anonymous-storage.ts'
import type { UserAccount } from './engine-consents.ts'
import { AlreadyUsedError, engineContext } from './engine-internals.ts'
import { registrationOf } from './request-state.ts'
import { emptied, keptSessionId, type StoredSession, sessionColumns } from './session-rows.ts'

/** The engine's ids are secret values, so the table is keyed by their hashes (guarantee 5). */
export const hash = (value: string): Buffer => createHash('sha256').update(value).digest()

interface ModelRow {
  id_hash: Buffer
  payload: Buffer
  consumed_at: Date | null
  expires_at: Date | null
  last_used_at: Date | null
  session_id: string | null
}

/** Models whose first use is decided in the transaction that issues the tokens (`claimCode`), not by the engine. */
const CLAIMED_LATER = new Set(['AuthorizationCode', 'DeviceCode'])

/** Seconds for which a row is stored after it expires. */
const EXTRA_TTL: Readonly<Record<string, number>> = { PushedAuthorizationRequest: 60 }

/** The progress of a device code: 0 waiting for a user, 1 being confirmed, 2 confirmed or denied. */
const progressOf = ({ inFlight, accountId, error }: AdapterPayload): number =>
  accountId || error ? 2 : inFlight ? 1 : 0

/** Characters. The engine creates no longer id or user code. */
const MAX_ID_LENGTH = 2048

const contextOf = (model: string, idHash: Buffer): string => `${model} ${idHash.toString('hex')}`

/** Binds a sealed payload to its row. */
const sealedFor = (model: string, idHash: Buffer) =>
  ({ purpose: 'engine model', context: contextOf(model, idHash) }) as const

export const SEALED_ENGINE_MODELS: SealedColumn = {
  table: 'engine_models',
  key: ['model', 'id_hash'],
  column: 'payload',
  purpose: 'engine model',
  contextOf: (row) => contextOf(row.model as string, row.id_hash as Buffer),
}

export const inSeconds = (db: Knex, seconds: number) => db.raw('now() + make_interval(secs => ?)', [seconds])

/**
 * The payload of a row; undefined where it was sealed with a retired encryption key, so that its user signs in again.
 * @throws KeywrightError `unavailable` when this node lacks the current key, with which other nodes open the payload
 */
export function openPayload(
  keys: EncryptionKeys,
  model: string,
  { payload, id_hash }: Pick<ModelRow, 'payload' | 'id_hash'>,
): AdapterPayload | undefined {
  if (isSealedByOneOf(keys, payload)) return JSON.parse(unseal(keys, sealedFor(model, id_hash), payload).toString())
  if (!keys.missing || sealedBy(payload) !== keys.missing) return undefined
  throw new KeywrightError('unavailable', 'this node lacks the encryption key in use; try again')
}

const isPossible = (id: string): boolean => id.length > 0 && id.length <= MAX_ID_LENGTH

/** Stores one of the engine's models in `engine_models`. */
export class EngineModelAdapter implements Adapter {
  readonly #knex: Knex
  /** Reads do not wait for commits, so sessions are found while commits hang. */
  readonly #reader: Knex
  readonly #keys: EncryptionKeys
  readonly #model: string

  constructor(knex: Knex, encryptionKeys: EncryptionKeys, model: string, reader: Knex = knex) {
    this.#knex = knex
    this.#reader = reader
    this.#keys = encryptionKeys
    this.#model = model
  }

  #rows() {
    return this.#knex('engine_models').where({ model: this.#model })
  }

  async upsert(id: string, payload: AdapterPayload, expiresIn: number): Promise<void> {
    await chargeAnonymous(this.#knex, this.#model, payload)
    if (this.#model === 'DeviceCode') return await this.#advance(id, payload, expiresIn)
    await this.#write(this.#knex, id, payload, expiresIn)
    if (payload.parJti) await this.#extendPushed(String(payload.parJti), expiresIn)
  }

  async #advance(id: string, payload: AdapterPayload, expiresIn: number): Promise<void> {
    await this.#knex.transaction(async (trx) => {
      await this.#checkProgress(trx, id, payload)
      await this.#write(trx, id, payload, expiresIn)
    })
  }

  /** Extends a pushed request to the lifetime of its sign-in: its row records that it was used. */
  async #extendPushed(id: string, expiresIn: number): Promise<void> {
    const until = inSeconds(this.#knex, expiresIn + EXTRA_TTL.PushedAuthorizationRequest!)
    await this.#knex('engine_models')
      .where({ model: 'PushedAuthorizationRequest', id_hash: hash(id) })
      .update({ expires_at: this.#knex.raw('greatest(expires_at, ?)', [until]) })
  }

  async #write(db: Knex, id: string, payload: AdapterPayload, expiresIn: number): Promise<void> {
    const row = {
      model: this.#model,
      id_hash: hash(id),
      payload: seal(this.#keys, sealedFor(this.#model, hash(id)), Buffer.from(JSON.stringify(payload))),
      grant_hash: payload.grantId ? hash(payload.grantId) : null,
      uid_hash: payload.uid ? hash(payload.uid) : null,
      code_hash: payload.userCode ? hash(payload.userCode) : null,
      expires_at: expiresIn ? inSeconds(db, expiresIn + (EXTRA_TTL[this.#model] ?? 0)) : null,
      ...(CLAIMED_LATER.has(this.#model) && this.#subjectState(payload)),
      ...(this.#model === 'Session' && sessionColumns(db, payload as StoredSession)),
    }
    // A device code is written again when a user confirms it; the revocation epochs stay those of its creation.
    const { client_revocation_epoch: _, code_revocation_epoch: __, ...renewed } = row as Record<string, unknown>
    const { user_id } = row as Record<string, unknown>
    const named = user_id ? { session_id: keptSessionId(db) } : {}
    const inserted = { ...row, ...(user_id ? { session_id: newId() } : {}) }
    const written = db('engine_models')
      .insert(inserted)
      .onConflict(['model', 'id_hash'])
      .merge({ ...renewed, ...named })
    await written.whereNotNull('engine_models.payload')
  }

  /** Lets one of several users confirm or deny a device: the engine checks and then writes, without a lock. */
  async #checkProgress(trx: Knex, id: string, payload: AdapterPayload): Promise<void> {
    const row: ModelRow | undefined = await trx('engine_models')
      .where({ model: this.#model, id_hash: hash(id) })
      .forUpdate()
      .first()
    const present = row && openPayload(this.#keys, this.#model, row)
    if (present && progressOf(present) >= progressOf(payload)) throw new AlreadyUsedError(present.userCode)
  }

  /**
   * The state of the client and the user that a code requires at its redemption. It is the state that this request found: a
   * request that began before a change must not create a code that outlives the change.
   */
  #subjectState({ accountId }: AdapterPayload) {
    const { client, account } = engineContext()!.oidc
    const { user } = (account ?? {}) as Partial<UserAccount>
    const unchanged = this.#knex('users')
      .where({ id: accountId ?? null })
      // A Date has no microseconds.
      .whereRaw(`date_trunc('milliseconds', sessions_valid_from) = ?`, [user?.sessionsValidFrom ?? null])
    return {
      client_revocation_epoch: client ? registrationOf(client).revocationEpoch : null,
      ...(client && { code_revocation_epoch: registrationOf(client).codeRevocationEpoch }),
      subject_since: unchanged.select('sessions_valid_from'),
    }
  }

  /** The expiry and the last use of a session are in its row alone: `recordSessionUse` does not write the payload. */
  #current(row: ModelRow): AdapterPayload | undefined {
    const payload = openPayload(this.#keys, this.#model, row)
    if (!payload || this.#model !== 'Session' || !row.expires_at) return payload
    const lastUsedAt = row.last_used_at ? epochSeconds(row.last_used_at) : undefined
    // The database, by its clock, has found that the session has not expired; the engine asks the clock of this machine.
    const exp = Math.max(epochSeconds(row.expires_at), epochSeconds() + 1)
    return { ...payload, exp, lastUsedAt, listedAs: row.session_id ?? undefined }
  }

  async #find(column: string, value: string): Promise<AdapterPayload | undefined> {
    if (!isPossible(value)) return undefined
    const row: ModelRow | undefined = await this.#reader('engine_models')
      .where({ model: this.#model, [column]: hash(value) })
      .whereNotNull('payload')
      .where((valid) => valid.whereNull('expires_at').orWhereRaw('expires_at > now()'))
      .first()
    const payload = row && this.#current(row)
    if (!payload || !row.consumed_at || CLAIMED_LATER.has(this.#model)) return payload
    return { ...payload, consumed: Math.floor(row.consumed_at.getTime() / 1000) }
  }

  async find(id: string): Promise<AdapterPayload | undefined> {
    const found = await this.#find('id_hash', id)
    // Otherwise the engine issues a code although it does not find the pushed request after the sign-in.
    if (!found && this.#model === 'PushedAuthorizationRequest') {
      throw new errors.InvalidRequestUri('request_uri is invalid, expired, or was already used')
    }
    return found
  }

  findByUid(uid: string): Promise<AdapterPayload | undefined> {
    return this.#find('uid_hash', uid)
  }

  findByUserCode(userCode: string): Promise<AdapterPayload | undefined> {
    return this.#find('code_hash', userCode)
  }

  /** Lets one of several concurrent requests consume an id: the engine checks and then writes (guarantee 3). */
  async consume(id: string): Promise<void> {
    const consumed = await this.#rows()
      .where('id_hash', hash(id))
      .whereNull('consumed_at')
      .update({ consumed_at: this.#knex.fn.now() })
    if (consumed > 0) return
    if (this.#model === 'PushedAuthorizationRequest') throw new errors.InvalidRequestUri('already used')
    throw new errors.InvalidGrant('already used')
  }

  /** Empties the row instead of deleting it: a request that has read it would insert it again. */
  async destroy(id: string): Promise<void> {
    const destroyed = await this.#rows().where('id_hash', hash(id)).whereNotNull('payload').update(emptied(this.#knex))
    if (destroyed === 0 && this.#model === 'Interaction')
      throw new errors.SessionNotFound('interaction was already used')
  }

  async revokeByGrantId(grantId: string): Promise<void> {
    await this.#rows().where('grant_hash', hash(grantId)).delete()
  }
}

/** Deletes at most `limit` rows that have expired. */
export async function deleteExpiredEngineModels(knex: Knex, limit: number): Promise<number> {
  const { rowCount } = await knex.raw(
    `DELETE FROM engine_models WHERE (model, id_hash) IN (
       SELECT model, id_hash FROM engine_models WHERE expires_at < now() LIMIT ? FOR UPDATE SKIP LOCKED)`,
    [limit],
  )
  return rowCount
}
