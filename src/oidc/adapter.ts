import { createHash } from 'node:crypto'
import type { Knex } from 'knex'
import { type Adapter, type AdapterPayload, errors } from 'oidc-provider'

/** The engine's ids are the secret values themselves, so the table is keyed by their hashes (promise 5). */
const hash = (value: string): Buffer => createHash('sha256').update(value).digest()

interface ModelRow {
  payload: AdapterPayload
  consumed_at: Date | null
}

/** Longer than any id or user code that the engine makes; what is longer was not made by it. */
const MAX_ID_LENGTH = 2048

const isPossible = (id: string): boolean => id.length > 0 && id.length <= MAX_ID_LENGTH && !id.includes('\0')

/** One of the engine's models, kept in `engine_models`. */
export class EngineModelAdapter implements Adapter {
  readonly #knex: Knex
  readonly #model: string

  constructor(knex: Knex, model: string) {
    this.#knex = knex
    this.#model = model
  }

  #rows() {
    return this.#knex('engine_models').where({ model: this.#model })
  }

  async upsert(id: string, payload: AdapterPayload, expiresIn: number): Promise<void> {
    // The id is what the caller will show again; kept in the payload it would be a secret at rest.
    const { jti: _, ...kept } = payload
    const row = {
      model: this.#model,
      id_hash: hash(id),
      payload: JSON.stringify(kept),
      grant_hash: payload.grantId ? hash(payload.grantId) : null,
      uid_hash: payload.uid ? hash(payload.uid) : null,
      code_hash: payload.userCode ? hash(payload.userCode) : null,
      expires_at: expiresIn ? this.#knex.raw('now() + make_interval(secs => ?)', [expiresIn]) : null,
    }
    await this.#knex('engine_models').insert(row).onConflict(['model', 'id_hash']).merge()
  }

  async #find(column: string, value: string): Promise<AdapterPayload | undefined> {
    if (!isPossible(value)) return undefined
    const row: ModelRow | undefined = await this.#rows()
      .where(column, hash(value))
      .where((live) => live.whereNull('expires_at').orWhereRaw('expires_at > now()'))
      .first()
    return row && { ...row.payload, ...(row.consumed_at && { consumed: Math.floor(row.consumed_at.getTime() / 1000) }) }
  }

  async find(id: string): Promise<AdapterPayload | undefined> {
    const payload = await this.#find('id_hash', id)
    return payload && { ...payload, jti: id }
  }

  findByUid(uid: string): Promise<AdapterPayload | undefined> {
    return this.#find('uid_hash', uid)
  }

  findByUserCode(userCode: string): Promise<AdapterPayload | undefined> {
    return this.#find('code_hash', userCode)
  }

  /** Decides in the database which of several redeemers is the one; the engine only checks and then acts (promise 3). */
  async consume(id: string): Promise<void> {
    const consumed = await this.#rows()
      .where('id_hash', hash(id))
      .whereNull('consumed_at')
      .update({ consumed_at: this.#knex.fn.now() })
    if (consumed === 0) throw new errors.InvalidGrant('already used')
  }

  async destroy(id: string): Promise<void> {
    await this.#rows().where('id_hash', hash(id)).delete()
  }

  async revokeByGrantId(grantId: string): Promise<void> {
    await this.#rows().where('grant_hash', hash(grantId)).delete()
  }
}

/** Notes that a one-time id was seen; false when it had been, on whichever node. */
export async function recordOnce(knex: Knex, id: string, expiresAt: number): Promise<boolean> {
  const inserted = await knex('engine_models')
    .insert({
      model: 'ReplayDetection',
      id_hash: hash(id),
      payload: '{}',
      expires_at: knex.raw('to_timestamp(?)', [expiresAt]),
    })
    .onConflict(['model', 'id_hash'])
    .ignore()
    .returning('model')
  return inserted.length > 0
}

/** Deletes at most `limit` rows that have expired. */
export async function sweepEngineModels(knex: Knex, limit: number): Promise<number> {
  const { rowCount } = await knex.raw(
    `DELETE FROM engine_models WHERE (model, id_hash) IN (
       SELECT model, id_hash FROM engine_models WHERE expires_at < now() LIMIT ? FOR UPDATE SKIP LOCKED)`,
    [limit],
  )
  return rowCount
}
