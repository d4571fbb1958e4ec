import type { Knex } from 'knex'
import { type Actor, recordAudit } from '../audit/audit-log.ts'
import type { SigningAlg } from '../shared/algorithms.ts'
import type { EncryptionKeys } from '../shared/encryption-keys.ts'
import { KeywrightError, notFound } from '../shared/errors.ts'
import { type NewKey, newKey } from './new-key.ts'
import {
  insertCurrentKey,
  insertNextKey,
  type KeyState,
  PUBLISHED_AFTER,
  promoteAtOnce,
  readDatedRows,
  type SigningKey,
  type SigningKeyRow,
  withStates,
} from './signing-keys.ts'

/** Tokens whose key is not known have this number: an earlier version of the server recorded them. */
export const UNKNOWN_KEY = 0

/** A signing key that was revoked, without its private half. It is kept until every token that it signed has expired. */
export interface RevokedKey extends Omit<SigningKey, 'state'> {
  readonly state: 'revoked'
  readonly revokedAt: Date
}

interface AnyRow extends Omit<SigningKeyRow, 'private_jwk' | 'may_sign_from'> {
  /** Null: it is present. */
  revoked_at: Date | null
  now: number
}

const toKey = <State>(row: AnyRow, state: State) => ({
  kid: row.kid,
  alg: row.alg,
  state,
  publicJwk: row.public_jwk,
  createdAt: row.created_at,
  age: Math.floor((row.now - row.created_at.getTime()) / 1000),
  signsFrom: row.signs_from,
})

const ALL = ['signing_keys', 'revoked_signing_keys'].map(
  (table) => `SELECT id, kid, alg, public_jwk, created_at, signs_from, extract(epoch FROM now())::float8 * 1000 AS now,
                     ${table === 'signing_keys' ? 'NULL::timestamptz AS revoked_at' : 'revoked_at'}
                FROM ${table} WHERE kid IS NOT NULL`,
)

/** The present keys, newest first, then the revoked ones. `signsFrom` of a revoked key is null when it never signed. */
export async function listAllKeys(db: Knex): Promise<{ present: SigningKey[]; revoked: RevokedKey[] }> {
  const { rows }: { rows: AnyRow[] } = await db.raw(
    `${ALL.join(' UNION ALL ')} ORDER BY revoked_at DESC, created_at DESC`,
  )
  const present = rows.filter(({ revoked_at }) => revoked_at === null)
  return {
    present: withStates(present as never, rows[0]?.now ?? 0).map((row) => toKey(row as never as AnyRow, row.state)),
    revoked: rows.flatMap((row) =>
      row.revoked_at ? [{ ...toKey(row, 'revoked' as const), revokedAt: row.revoked_at }] : [],
    ),
  }
}

export type PresentKey = SigningKeyRow & { readonly state: KeyState; readonly now: number }

/** The key with this ID, which is not revoked. @throws KeywrightError `not_found`; `conflict` when it was revoked before */
export async function findPresentKey(db: Knex, kid: string): Promise<PresentKey> {
  const rows = await readDatedRows(db)
  const found = withStates(rows, rows[0]?.now ?? 0).find((row) => row.kid === kid)
  if (found) return found as PresentKey
  if (await db('revoked_signing_keys').where({ kid }).first('id'))
    throw new KeywrightError('conflict', `the signing key ${kid} was revoked before`)
  throw notFound('signing key', kid)
}

/** The keys that may take the place of a revoked one. They are made before its transaction: RSA takes long. */
export type Replacements = readonly [NewKey, NewKey]

export const newReplacements = (alg: SigningAlg): Promise<Replacements> => Promise.all([newKey(alg), newKey(alg)])

/** Moves the key to the revoked ones. Every token that it signed is inactive from the commit on. */
async function moveToRevoked(trx: Knex, key: PresentKey): Promise<void> {
  const { id, kid, alg, created_at } = key
  const signs_from = key.state === 'next' ? null : key.signs_from
  await trx('signing_keys').where({ id }).delete()
  await trx('revoked_signing_keys').insert({
    ...{ id, kid, alg, created_at, signs_from },
    public_jwk: JSON.stringify(key.public_jwk),
  })
  if (key.state === 'next') return
  await trx('revoked_signing_keys').insert({ id: UNKNOWN_KEY }).onConflict('id').merge({ revoked_at: trx.fn.now() })
}

const hasNextKey = async (trx: Knex, alg: SigningAlg): Promise<boolean> =>
  (await trx('signing_keys').where({ alg }).whereNull('signs_from').first('id')) !== undefined

/** Lets the next key sign, or a new one. Returns its kid. */
async function replaceCurrent(trx: Knex, keys: EncryptionKeys, alg: SigningAlg, spare: NewKey): Promise<string> {
  const promoted = await promoteAtOnce(trx, alg)
  if (promoted) return promoted
  await insertCurrentKey(trx, keys, spare)
  return spare.kid
}

export interface RevokedSigningKey extends RevokedKey {
  /** The key that signs instead; null when the revoked key did not sign. */
  readonly successor: string | null
  /** A node that uses this version of the key ring, or a later one, does not know the key. */
  readonly keyRingVersion: number
}

/**
 * Revokes a signing key. From the commit on every token that it signed is inactive, and the next key signs if it was the
 * current one. The caller has locked the key ring (`touchRing`), and then all clients, so that every token of the key is
 * committed. It raises the versions of the APIs (`touchApisOfAlg`), so that no token that was planned before is recorded.
 * @throws KeywrightError `not_found`, `conflict`
 */
export async function revokeSigningKey(
  trx: Knex,
  encryptionKeys: EncryptionKeys,
  { kid, replacements: [first, second] }: { readonly kid: string; readonly replacements: Replacements },
  actor: Actor,
): Promise<RevokedSigningKey> {
  const key = await findPresentKey(trx, kid)
  const { alg, state } = key
  await moveToRevoked(trx, key)
  const successor = state === 'current' ? await replaceCurrent(trx, encryptionKeys, alg, first) : null
  if (!(await hasNextKey(trx, alg))) await insertNextKey(trx, encryptionKeys, second)
  await recordAudit(trx, actor, {
    action: 'signing_key.revoked',
    target: { type: 'signing_key', id: kid },
    detail: { alg, state, ...(successor && { successor }) },
  })
  const { revoked } = await listAllKeys(trx)
  const { version } = await trx('key_ring').first<{ version: number }>('version')
  return { ...revoked.find((one) => one.kid === kid)!, successor, keyRingVersion: version }
}

/** Deletes revoked keys whose tokens have all expired. */
export async function deleteExpiredRevokedKeys(db: Knex): Promise<number> {
  return await db('revoked_signing_keys')
    .whereRaw('revoked_at < now() - make_interval(days => ?)', [PUBLISHED_AFTER])
    .delete()
}
