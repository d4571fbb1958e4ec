import type { JWK } from 'jose'
import type { Knex } from 'knex'
import { type Actor, recordAudit } from '../audit/audit-log.ts'
import type { SealedColumn } from '../database/resealing.ts'
import { followSealingKey, lockSealingKey } from '../database/sealing-key.ts'
import type { SigningAlg } from '../shared/algorithms.ts'
import type { EncryptionKeys } from '../shared/encryption-keys.ts'
import { isSealedByOneOf, seal, unknownKey } from '../shared/envelope.ts'
import { type NewKey, newKey } from './new-key.ts'

export type KeyState = 'next' | 'current' | 'previous'

/** A signing key without its private half. */
export interface SigningKey {
  readonly kid: string
  readonly alg: SigningAlg
  readonly state: KeyState
  readonly publicJwk: JWK
  readonly createdAt: Date
  /** Seconds, by the database's clock. */
  readonly age: number
  /** Since when, or from when on, it signs; null: not yet asked to. */
  readonly signsFrom: Date | null
}

export interface SigningKeyRow {
  id: number
  kid: string
  alg: SigningAlg
  public_jwk: JWK
  private_jwk: Buffer
  created_at: Date
  may_sign_from: Date
  signs_from: Date | null
}

/**
 * For how long a key is published before it may sign, in seconds. It must exceed the time in which every node has
 * heard of it (about a second) and the cooldown of the usual JWKS caches (30 s in jose), which refetch on an unknown kid.
 */
const PUBLISHED_FIRST = 60

/** How long a key is published after its last signature, in days: more than any token lives. */
export const PUBLISHED_AFTER = 31

export const sealedFor = (kid: string) => ({ purpose: 'signing key', context: kid }) as const

export const SEALED_SIGNING_KEYS: SealedColumn = {
  table: 'signing_keys',
  key: ['kid'],
  column: 'private_jwk',
  purpose: 'signing key',
  contextOf: ({ kid }) => kid as string,
}

/** In the transaction that holds the sealing key: a value sealed before might come after everything was sealed anew. */
const sealedRow = (encryptionKeys: EncryptionKeys, key: NewKey) => ({
  ...key,
  private_jwk: seal(encryptionKeys, sealedFor(key.kid), key.private_jwk),
})

/** Makes every other change of the ring wait, and tells the nodes that something changed. */
export async function touchRing(trx: Knex): Promise<void> {
  await trx('key_ring').increment('version', 1)
}

/** Newest first; the states follow from the times, so that no two nodes can disagree. */
export function withStates(rows: readonly SigningKeyRow[], now: number): (SigningKeyRow & { state: KeyState })[] {
  const begun = (row: SigningKeyRow) => row.signs_from !== null && row.signs_from.getTime() <= now
  const currents = new Map<SigningAlg, SigningKeyRow>()
  for (const row of rows) {
    const best = currents.get(row.alg)
    if (begun(row) && (!best || row.signs_from! > best.signs_from!)) currents.set(row.alg, row)
  }
  const stateOf = (row: SigningKeyRow): KeyState =>
    currents.get(row.alg) === row ? 'current' : begun(row) ? 'previous' : 'next'
  return rows.map((row) => ({ ...row, state: stateOf(row) }))
}

/** The keys, each with the database's time in milliseconds: a console page asks the database at most three times. */
export const readDatedRows = (db: Knex): Promise<(SigningKeyRow & { now: number })[]> =>
  db('signing_keys')
    .orderBy('created_at', 'desc')
    .select('*', db.raw('extract(epoch FROM now())::float8 * 1000 AS now'))

export interface StoredKeyRing {
  readonly version: number
  /** The id of the encryption key that seals now; null: nothing was sealed yet. */
  readonly sealingKey: string | null
  readonly rows: SigningKeyRow[]
  /** The IDs of revoked keys, the latest first. */
  readonly revoked: readonly string[]
  /** Milliseconds since 1970: after every change that it contains, by the database's clock. */
  readonly readAt: number
}

/** At most so many revoked keys are announced to resource servers. */
const MAX_REVOKED = 1000

const REVOKED_KEYS = `
  ARRAY(SELECT kid FROM revoked_signing_keys WHERE kid IS NOT NULL ORDER BY revoked_at DESC LIMIT ${MAX_REVOKED})`

interface RingRow extends SigningKeyRow {
  version: number
  sealing_key: string | null
  revoked: string[]
  read_at: number
}

/** The ring with its version, read in one statement so that they belong together. */
export async function readKeyRing(db: Knex): Promise<StoredKeyRing> {
  const result = await db.raw(
    `SELECT r.version, r.sealing_key, ${REVOKED_KEYS} AS revoked,
            extract(epoch FROM clock_timestamp())::float8 * 1000 AS read_at, k.*
       FROM key_ring r LEFT JOIN signing_keys k ON true ORDER BY k.created_at DESC`,
  )
  const rows: RingRow[] = result.rows
  const { version, sealing_key: sealingKey, revoked, read_at: readAt } = rows[0]!
  return { version, sealingKey, revoked, readAt, rows: rows.filter((row) => row.kid !== null) }
}

/**
 * Refuses encryption keys that lack the one in use, or do not open every signing key: what was sealed with others no node
 * could use.
 * @throws KeywrightError `misconfigured`
 */
export async function checkEncryptionKeys(db: Knex, encryptionKeys: EncryptionKeys): Promise<void> {
  const { rows, sealingKey } = await readKeyRing(db)
  const sealed = rows.map((row) => row.private_jwk)
  if (!sealed.every((one) => isSealedByOneOf(encryptionKeys, one))) throw unknownKey()
  followSealingKey(encryptionKeys, sealingKey)
}

/** Whether anything in the database was sealed. */
export async function hasSealed(db: Knex): Promise<boolean> {
  return (await db('key_ring').whereNotNull('sealing_key').first('version')) !== undefined
}

export const hasSigningKeys = async (db: Knex, alg: SigningAlg): Promise<boolean> =>
  (await db('signing_keys').where({ alg }).first('kid')) !== undefined

/** Sees to it that there are a key to sign with for an algorithm and the next one, which nobody can yet have missed. */
export async function ensureSigningKeys(db: Knex, alg: SigningAlg, encryptionKeys: EncryptionKeys): Promise<void> {
  if (await hasSigningKeys(db, alg)) return
  const [current, next] = await Promise.all([newKey(alg), newKey(alg)])
  await db.transaction(async (trx) => {
    await touchRing(trx)
    if (await hasSigningKeys(trx, alg)) return
    await insertCurrentKey(trx, encryptionKeys, current)
    await trx('signing_keys').insert({ ...sealedRow(encryptionKeys, next), may_sign_from: trx.fn.now() })
  })
}

/** The key that signs from now on, or from when it has been published long enough; undefined: there is no next one. */
async function promoteNext(trx: Knex, alg: SigningAlg): Promise<string | undefined> {
  const next = trx('signing_keys').where({ alg }).whereNull('signs_from').orderBy('created_at').limit(1).select('kid')
  const [promoted] = await trx('signing_keys')
    .whereIn('kid', next)
    .update({ signs_from: trx.raw('greatest(now(), may_sign_from)') })
    .returning('kid')
  return promoted?.kid
}

/** Publishes a next key, which may sign in a minute. */
export async function insertNextKey(trx: Knex, encryptionKeys: EncryptionKeys, key: NewKey): Promise<void> {
  await lockSealingKey(trx, encryptionKeys)
  const may_sign_from = trx.raw('now() + make_interval(secs => ?)', [PUBLISHED_FIRST])
  await trx('signing_keys').insert({ ...sealedRow(encryptionKeys, key), may_sign_from })
}

/** Publishes a key that signs at once. */
export async function insertCurrentKey(trx: Knex, encryptionKeys: EncryptionKeys, key: NewKey): Promise<void> {
  await lockSealingKey(trx, encryptionKeys)
  const now = trx.fn.now()
  await trx('signing_keys').insert({ ...sealedRow(encryptionKeys, key), may_sign_from: now, signs_from: now })
}

/** Lets the next key sign at once, even if it was published a moment ago. Returns its kid; undefined: there is none. */
export async function promoteAtOnce(trx: Knex, alg: SigningAlg): Promise<string | undefined> {
  const waiting = trx('signing_keys').where({ alg }).whereRaw('(signs_from IS NULL OR signs_from > now())')
  const next = waiting.orderByRaw('signs_from NULLS LAST, created_at').limit(1).select('kid')
  const [promoted] = await trx('signing_keys')
    .whereIn('kid', next)
    .update({ may_sign_from: trx.raw('least(may_sign_from, now())'), signs_from: trx.fn.now() })
    .returning('kid')
  return promoted?.kid
}

const BY_AGE: Actor = { type: 'system', id: 'signing key age' }

/**
 * Lets the next key of each algorithm sign and publishes a new next one. A next key that has not been published for a
 * minute begins when it has; until then a further rotation changes nothing.
 */
export async function rotateSigningKeys(
  db: Knex,
  encryptionKeys: EncryptionKeys,
  { olderThanDays = 0, actor = BY_AGE }: { olderThanDays?: number; actor?: Actor } = {},
): Promise<SigningAlg[]> {
  const present: { alg: SigningAlg }[] = await db('signing_keys').distinct('alg')
  const rotated: SigningAlg[] = []
  for (const { alg } of present) {
    const successor = await newKey(alg)
    await db.transaction(async (trx) => {
      await touchRing(trx)
      const { rows } = await trx.raw(
        'SELECT extract(epoch FROM now() - max(signs_from))::float8 / 86400 AS age FROM signing_keys WHERE alg = ?',
        [alg],
      )
      const { age } = rows[0]
      if (age < 0 || age < olderThanDays) return
      const promoted = await promoteNext(trx, alg)
      if (promoted) rotated.push(alg)
      await insertNextKey(trx, encryptionKeys, successor)
      const target = { type: 'signing_key', id: promoted ?? successor.kid }
      await recordAudit(trx, actor, { action: 'signing_key.rotated', target, detail: { alg, next: successor.kid } })
    })
  }
  return rotated
}

/** Deletes keys that stopped signing so long ago that nothing they signed can still be valid. */
export async function deleteExpiredSigningKeys(db: Knex): Promise<number> {
  const { rowCount } = await db.raw(
    `DELETE FROM signing_keys k USING (
       SELECT kid, lead(signs_from) OVER (PARTITION BY alg ORDER BY signs_from) AS deactivated_at
         FROM signing_keys WHERE signs_from IS NOT NULL) e
      WHERE e.kid = k.kid AND e.deactivated_at < now() - make_interval(days => ?)`,
    [PUBLISHED_AFTER],
  )
  if (rowCount > 0) await touchRing(db)
  return rowCount
}
