import { createHash } from 'node:crypto'
import type { Knex } from 'knex'
import { type Adapter, type AdapterPayload, errors } from 'oidc-provider'
import { seal, unseal } from '../shared/envelope.ts'
import { KeywrightError } from '../shared/errors.ts'
import type { Claim } from '../tokens/person-tokens.ts'

/** The engine's ids are the secret values themselves, so the table is keyed by their hashes (promise 5). */
const hash = (value: string): Buffer => createHash('sha256').update(value).digest()

interface ModelRow {
  id_hash: Buffer
  payload: Buffer
  consumed_at: Date | null
}

/** Whose first use is decided in the transaction that issues for them (`claimCode`); the engine must not judge before. */
const CLAIMED_LATER = new Set(['AuthorizationCode', 'DeviceCode'])

/** Longer than any id or user code that the engine makes; what is longer was not made by it. */
const MAX_ID_LENGTH = 2048

const isPossible = (id: string): boolean => id.length > 0 && id.length <= MAX_ID_LENGTH && !id.includes('\0')

/** One of the engine's models, kept in `engine_models`. */
export class EngineModelAdapter implements Adapter {
  readonly #knex: Knex
  readonly #keys: readonly Buffer[]
  readonly #model: string

  constructor(knex: Knex, encryptionKeys: readonly Buffer[], model: string) {
    this.#knex = knex
    this.#keys = encryptionKeys
    this.#model = model
  }

  #rows() {
    return this.#knex('engine_models').where({ model: this.#model })
  }

  async upsert(id: string, payload: AdapterPayload, expiresIn: number): Promise<void> {
    const row = {
      model: this.#model,
      id_hash: hash(id),
      payload: seal(this.#keys, Buffer.from(JSON.stringify(payload)), this.#label(hash(id))),
      grant_hash: payload.grantId ? hash(payload.grantId) : null,
      uid_hash: payload.uid ? hash(payload.uid) : null,
      code_hash: payload.userCode ? hash(payload.userCode) : null,
      expires_at: expiresIn ? this.#knex.raw('now() + make_interval(secs => ?)', [expiresIn]) : null,
      ...(CLAIMED_LATER.has(this.#model) && this.#standingOf(payload)),
    }
    // A device code is written again when somebody confirms it; the client's epoch stays that of its beginning.
    const { client_epoch: _, ...renewed } = row as typeof row & { client_epoch?: unknown }
    await this.#knex('engine_models').insert(row).onConflict(['model', 'id_hash']).merge(renewed)
  }

  /** As it is now; a code is worth something only while it is the same. */
  #standingOf({ clientId, accountId }: AdapterPayload) {
    return {
      client_epoch: this.#knex('clients').where({ client_id: clientId! }).select('epoch'),
      person_since: accountId ? this.#knex('users').where({ id: accountId }).select('sessions_valid_from') : null,
    }
  }

  /** Ties a sealed payload to its row. */
  #label(idHash: Buffer): string {
    return `${this.#model} ${idHash.toString('hex')}`
  }

  /** What was sealed with a key that is no longer known is over: its person signs in again. */
  #open(row: ModelRow): AdapterPayload | undefined {
    try {
      return JSON.parse(unseal(this.#keys, row.payload, this.#label(row.id_hash)).toString())
    } catch (error) {
      if (error instanceof KeywrightError) return undefined
      throw error
    }
  }

  async #find(column: string, value: string): Promise<AdapterPayload | undefined> {
    if (!isPossible(value)) return undefined
    const row: ModelRow | undefined = await this.#rows()
      .where(column, hash(value))
      .where((live) => live.whereNull('expires_at').orWhereRaw('expires_at > now()'))
      .first()
    const payload = row && this.#open(row)
    if (!payload || !row.consumed_at || CLAIMED_LATER.has(this.#model)) return payload
    return { ...payload, consumed: Math.floor(row.consumed_at.getTime() / 1000) }
  }

  find(id: string): Promise<AdapterPayload | undefined> {
    return this.#find('id_hash', id)
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
    if (consumed > 0) return
    if (this.#model === 'PushedAuthorizationRequest') throw new errors.InvalidRequestUri('already used')
    throw new errors.InvalidGrant('already used')
  }

  async destroy(id: string): Promise<void> {
    await this.#rows().where('id_hash', hash(id)).delete()
  }

  async revokeByGrantId(grantId: string): Promise<void> {
    await this.#rows().where('grant_hash', hash(grantId)).delete()
  }
}

/** A code as its redemption shows it. */
export interface ShownCode {
  readonly model: string
  readonly id: string
  readonly userId: string
  /** Of the client as it authenticated. */
  readonly clientEpoch: number
  /** Milliseconds since 1970. */
  readonly arrivedAt: number
}

/**
 * Claims a code in the transaction that issues for it, in which its person is held. By the database's clock it also tells
 * a request that had arrived before the first one's tokens were issued from one that came later.
 */
export async function claimCode(trx: Knex, code: ShownCode): Promise<Claim> {
  const row = { model: code.model, id_hash: hash(code.id) }
  const used = { consumed_at: trx.raw('clock_timestamp()') }
  const claimed = await trx('engine_models')
    .where({ ...row, client_epoch: code.clientEpoch })
    .where('person_since', trx('users').where({ id: code.userId }).select('sessions_valid_from'))
    .whereNull('consumed_at')
    .update(used)
  if (claimed > 0)
    return { found: 'first', settle: async () => void (await trx('engine_models').where(row).update(used)) }
  const overlaps = trx.raw('consumed_at > to_timestamp(?) AS overlaps', [code.arrivedAt / 1000])
  const earlier = await trx('engine_models').where(row).first('consumed_at', overlaps)
  if (!earlier?.consumed_at) return { found: 'dead' }
  return { found: earlier.overlaps ? 'overlapping' : 'reused' }
}

/** Notes that a one-time id was seen; false when it had been, on whichever node. */
export async function recordOnce(knex: Knex, id: string, expiresAt: number): Promise<boolean> {
  const inserted = await knex('engine_models')
    .insert({
      model: 'ReplayDetection',
      id_hash: hash(id),
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
