import type { Knex } from 'knex'
import { isDatabaseBusy } from '../database/unavailable.ts'
import { findPresentKey, UNKNOWN_KEY } from '../keys/signing-key-revocation.ts'
import type { KeyState } from '../keys/signing-keys.ts'
import type { SigningAlg } from '../shared/algorithms.ts'
import type { Bounded } from './bounded-counts.ts'
import { FOLLOWERS, type RevocationFollower } from './revocation-effect.ts'

/** At most so many tokens are counted. */
const MAX_TOKENS = 100_000

/** An API with active tokens of the key. */
export interface ApiOfKey {
  readonly identifier: string
  readonly tokens: Bounded
  /** When the last of its counted tokens expires. */
  readonly lastExpiresAt: Date
  /** Who follows revocations, the latest first. */
  readonly followers: readonly RevocationFollower[]
}

interface Successor {
  /** Null: a new key. */
  readonly kid: string | null
  /** It was published less than a minute ago: resource servers that cache the key set may not have it yet. */
  readonly isRecent: boolean
}

export interface SigningKeyImpact {
  readonly kid: string
  readonly alg: SigningAlg
  readonly state: KeyState
  readonly createdAt: Date
  /** The key that would sign instead; null: the key is not the current one. */
  readonly successor: Successor | null
  /** Active tokens of the key, and those whose key is not known. Null: too many to count in time. */
  readonly tokens: Bounded | null
  /** Null: too many tokens to count in time. */
  readonly apis: readonly ApiOfKey[] | null
}

const STATE = `
  CASE WHEN k.signs_from IS NULL OR k.signs_from > now() THEN 'next'
       WHEN EXISTS (SELECT 1 FROM signing_keys o WHERE o.alg = k.alg AND o.signs_from > k.signs_from AND o.signs_from <= now())
       THEN 'previous' ELSE 'current' END`

const KEY = `
  SELECT k.*, ${STATE} AS state, n.kid AS successor, coalesce(n.may_sign_from > now(), true) AS is_recent
    FROM signing_keys k
    LEFT JOIN LATERAL (
      SELECT o.kid, o.may_sign_from FROM signing_keys o WHERE o.alg = k.alg AND (o.signs_from IS NULL OR o.signs_from > now())
       ORDER BY o.signs_from NULLS LAST, o.created_at LIMIT 1) n ON true
   WHERE k.kid = :kid`

// The tokens whose key is not known are not those of a key that has not signed yet.
const READ = `
  WITH key AS MATERIALIZED (${KEY}),
  held AS MATERIALIZED (
    SELECT t.api_id, t.expires_at FROM unrevoked_access_tokens t JOIN clients c ON c.id = t.client_id
     WHERE t.signing_key = ANY (ARRAY(SELECT id FROM key UNION ALL SELECT ${UNKNOWN_KEY} FROM key WHERE state <> 'next'))
       AND t.expires_at > now() AND c.status = 'active' AND c.revocation_epoch = t.revocation_epoch
     LIMIT :most),
  used AS (
    SELECT p.id, p.identifier, h.count, h.expires_at FROM apis p
      JOIN (SELECT api_id, count(*)::int AS count, max(expires_at) AS expires_at FROM held GROUP BY api_id) h ON h.api_id = p.id)
  SELECT k.alg, k.state, k.created_at, k.successor, k.is_recent, p.identifier, p.count, p.expires_at, (${FOLLOWERS}) AS followers
    FROM key k LEFT JOIN used p ON true
   ORDER BY p.count DESC, p.identifier`

interface KeyRow {
  alg: SigningAlg
  state: KeyState
  created_at: Date
  successor: string | null
  is_recent: boolean
}

interface ImpactRow extends KeyRow {
  /** Null: the key has no active token. */
  identifier: string | null
  count: number
  expires_at: Date | null
  followers: RevocationFollower[] | null
}

async function readRows(knex: Knex, kid: string): Promise<ImpactRow[] | null> {
  try {
    return (await knex.raw(READ, { kid, most: MAX_TOKENS + 1 } as never)).rows
  } catch (error) {
    if (isDatabaseBusy(error)) return null
    throw error
  }
}

const keyOf = (kid: string, { alg, state, created_at, successor, is_recent }: KeyRow) => ({
  ...{ kid, alg, state, createdAt: created_at },
  successor: state === 'current' ? { kid: successor, isRecent: is_recent } : null,
})

function impactOf(kid: string, rows: readonly ImpactRow[]): SigningKeyImpact {
  const apis = rows.filter(({ identifier }) => identifier !== null)
  const total = apis.reduce((sum, { count }) => sum + count, 0)
  const isMore = total > MAX_TOKENS
  return {
    ...keyOf(kid, rows[0]!),
    tokens: { count: Math.min(total, MAX_TOKENS), isMore },
    apis: apis.map(({ identifier, count, expires_at, followers }) => ({
      identifier: identifier!,
      tokens: { count, isMore },
      lastExpiresAt: expires_at!,
      followers: followers ?? [],
    })),
  }
}

/** What the revocation of the key would affect now. @throws KeywrightError `not_found`, `conflict` */
export async function readSigningKeyImpact(knex: Knex, kid: string): Promise<SigningKeyImpact> {
  const rows = await readRows(knex, kid)
  if (rows && rows.length > 0) return impactOf(kid, rows)
  await findPresentKey(knex, kid)
  const row: KeyRow = (await knex.raw(KEY, { kid } as never)).rows[0]
  return { ...keyOf(kid, row), tokens: null, apis: null }
}
