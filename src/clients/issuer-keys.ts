import { setTimeout as wait } from 'node:timers/promises'
import type { JWK } from 'jose'
import type { Knex } from 'knex'
import { LRUCache } from 'lru-cache'
import { deleteInBatches } from '../database/delete-in-batches.ts'
import type { Database } from '../database/open-database.ts'
import { type IssuerFetch, IssuerUnavailableError, readIssuerKeys } from './issuer-documents.ts'

/** Milliseconds for which keys are used after they were read: so long works a key that its issuer has withdrawn. */
export const KEYS_LIFETIME = 300_000

/** Milliseconds after which keys are read again while they still work, so that an issuer may be unreachable for a while. */
const REFRESH_AFTER = 120_000

/** Milliseconds between two attempts of all nodes to read the keys of an issuer. */
const COOLDOWN = 30_000

/** Milliseconds between two questions of a node to the database about an issuer. */
const PAUSE = 1000

/** Milliseconds until another node must have read the keys. */
const ATTEMPT_LIMIT = 7000

/** Reads the public keys of issuers. */
export interface IssuerKeys {
  /**
   * The keys of an issuer that some client trusts, with the key of this ID if the issuer has it.
   * @throws IssuerUnavailableError
   */
  keysOf(issuer: string, keyId: string | undefined): Promise<readonly JWK[]>
}

interface KeySet {
  readonly keys: readonly JWK[]
  /** As `performance.now()`. */
  readonly readAt: number
}

interface StoredKeySet {
  keys: JWK[] | null
  /** Milliseconds since the keys were read. */
  age: number | null
  /** Milliseconds since the latest attempt. */
  attempted: number
  isAnswered: boolean
  failure: string | null
}

const CLAIM = `
  INSERT INTO issuer_key_sets AS k (issuer, attempted_at) VALUES ($1, clock_timestamp())
  ON CONFLICT (issuer) DO UPDATE SET attempted_at = clock_timestamp()
   WHERE k.attempted_at < clock_timestamp() - make_interval(secs => $2)
  RETURNING attempted_at::text AS claim`

const READ = `
  SELECT keys, extract(epoch FROM clock_timestamp() - read_at)::float8 * 1000 AS age,
         extract(epoch FROM clock_timestamp() - attempted_at)::float8 * 1000 AS attempted,
         coalesce(answered_at >= attempted_at, false) AS "isAnswered", failure
    FROM issuer_key_sets WHERE issuer = $1`

// `read_at` is the time before the request, so that keys are never younger than they say. Only the latest attempt counts: a node that was
// halted during an earlier one would bring withdrawn keys back.
const STORE = `
  UPDATE issuer_key_sets SET keys = coalesce($2::jsonb, keys), read_at = CASE WHEN $2::jsonb IS NULL THEN read_at ELSE attempted_at END,
         answered_at = clock_timestamp(), failure = $3
   WHERE issuer = $1 AND attempted_at = $4::timestamptz`

const ageOf = ({ readAt }: KeySet): number => performance.now() - readAt

const isUsable = (set: KeySet | undefined): set is KeySet => set !== undefined && ageOf(set) < KEYS_LIFETIME

const hasKey = ({ keys }: KeySet, keyId: string | undefined): boolean =>
  keyId === undefined || keys.some(({ kid }) => kid === keyId)

interface IssuerKeysOptions {
  /** Milliseconds between two attempts of all nodes, which the database decides. */
  readonly cooldown?: number
  /** Whether only operators may read what an issuer responds, because private addresses are allowed. */
  readonly hidesResponses?: boolean
}

export function createIssuerKeys(
  database: Pick<Database, 'query'>,
  fetch: IssuerFetch,
  { cooldown = COOLDOWN, hidesResponses = false }: IssuerKeysOptions = {},
): IssuerKeys {
  const sets = new LRUCache<string, KeySet>({ max: 500 })
  const failures = new LRUCache<string, string>({ max: 500 })
  /** When each issuer was last asked about, as `performance.now()`. */
  const asked = new LRUCache<string, number>({ max: 500 })
  const pause = Math.min(PAUSE, cooldown)
  const reads = new Map<string, Promise<void>>()

  async function readStored(issuer: string): Promise<StoredKeySet | undefined> {
    const rows = await database.query<StoredKeySet>({ name: 'issuer_keys', text: READ, values: [issuer] })
    return rows[0]
  }

  /** What the node that made the latest attempt found. */
  async function answerOf(issuer: string): Promise<StoredKeySet | undefined> {
    const stored = await readStored(issuer)
    if (!stored || stored.isAnswered || stored.attempted > ATTEMPT_LIMIT) return stored
    await wait(200)
    return await answerOf(issuer)
  }

  async function readFromIssuer(issuer: string, claim: string): Promise<void> {
    const found = await readIssuerKeys(fetch, issuer).catch((error: unknown) => {
      if (error instanceof IssuerUnavailableError) return error
      throw error
    })
    const values =
      found instanceof Error
        ? [issuer, null, found.message.slice(0, 500), claim]
        : [issuer, JSON.stringify(found), null, claim]
    await database.query({ name: 'issuer_keys_stored', text: STORE, values })
  }

  /** Reads the keys from the issuer, if this is the node that may, and takes what is stored. */
  async function renew(issuer: string): Promise<void> {
    const values = [issuer, cooldown / 1000]
    const [claimed] = await database.query<{ claim: string }>({ name: 'issuer_keys_claimed', text: CLAIM, values })
    if (claimed) await readFromIssuer(issuer, claimed.claim)
    const stored = await answerOf(issuer)
    if (stored?.keys && stored.age !== null)
      sets.set(issuer, { keys: stored.keys, readAt: performance.now() - stored.age })
    failures.set(issuer, stored?.failure ?? 'the keys of the issuer are too old')
  }

  /** Requests at the same time share one attempt. */
  async function renewOnce(issuer: string): Promise<void> {
    const running = reads.get(issuer)
    if (running) return await running
    if (performance.now() - (asked.get(issuer) ?? Number.NEGATIVE_INFINITY) < pause) return
    asked.set(issuer, performance.now())
    const read = renew(issuer).finally(() => reads.delete(issuer))
    reads.set(issuer, read)
    await read
  }

  return {
    async keysOf(issuer, keyId) {
      const known = sets.get(issuer)
      if (isUsable(known) && hasKey(known, keyId)) {
        if (ageOf(known) > REFRESH_AFTER) void renewOnce(issuer).catch(() => undefined)
        return known.keys
      }
      await renewOnce(issuer)
      const renewed = sets.get(issuer)
      if (isUsable(renewed)) return renewed.keys
      const message = failures.get(issuer) ?? 'the keys of the issuer could not be read'
      throw new IssuerUnavailableError(message, !hidesResponses)
    },
  }
}

/** Deletes at most `limit` issuers that no node has asked for a day: their keys are long too old, and are read again for the next token. */
export const deleteIdleIssuers = (db: Knex, limit: number): Promise<number> =>
  deleteInBatches(db, 'issuer_key_sets', `attempted_at < now() - interval '1 day'`, limit)
