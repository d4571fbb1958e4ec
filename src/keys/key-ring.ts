import { createPrivateKey, createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto'
import type { JWK } from 'jose'
import type { Database } from '../database/open.ts'
import type { SigningAlg } from '../shared/algorithms.ts'
import { isSealedByOneOf, unseal } from '../shared/envelope.ts'
import { type KeyState, readKeyRing, type SigningKeyRow, withStates } from './signing-keys.ts'

/** A signing key ready for use. */
export interface RingKey {
  readonly kid: string
  readonly alg: SigningAlg
  readonly state: KeyState
  readonly publicJwk: JWK
  /** Absent where this node's ENCRYPTION_KEY does not open it: others sign with it, and it is published here too. */
  readonly secret?: { readonly jwk: JWK; readonly key: KeyObject }
  readonly publicKey: KeyObject
  readonly createdAt: Date
}

export type SigningRingKey = RingKey & Required<Pick<RingKey, 'secret'>>

/** The keys as they stand: current, next, previous, the newest of each first. */
export interface KeyRing {
  readonly keys: readonly RingKey[]
  /** The key that signs now. @throws when the algorithm has none, which `ensureSigningKeys` prevents */
  current(alg: SigningAlg): SigningRingKey
  byId(kid: string): RingKey | undefined
}

export interface KeyRings {
  readonly ring: KeyRing
  /** Reads again if the database's version is not the one held, or if a key's time has come. */
  follow(version?: number): Promise<void>
  /** The ring at hand may not be the database's: the next `follow` reads it, whatever its version. */
  forget(): void
  onChange(listener: (ring: KeyRing) => void): void
}

const ORDER: Record<KeyState, number> = { current: 0, next: 1, previous: 2 }

function openSecret(row: SigningKeyRow, encryptionKeys: readonly Buffer[]): RingKey['secret'] {
  if (!isSealedByOneOf(encryptionKeys, row.private_jwk)) return undefined
  const jwk = JSON.parse(unseal(encryptionKeys, row.private_jwk, row.kid).toString()) as JsonWebKey
  const key = createPrivateKey({ key: jwk, format: 'jwk' })
  return { key, jwk: { ...(jwk as JWK), kid: row.kid, alg: row.alg, use: 'sig' } }
}

function openKey(row: SigningKeyRow & { state: KeyState }, encryptionKeys: readonly Buffer[]): RingKey {
  return {
    kid: row.kid,
    alg: row.alg,
    state: row.state,
    publicJwk: row.public_jwk,
    secret: openSecret(row, encryptionKeys),
    publicKey: createPublicKey({ key: row.public_jwk as JsonWebKey, format: 'jwk' }),
    createdAt: row.created_at,
  }
}

function toRing(rows: readonly SigningKeyRow[], encryptionKeys: readonly Buffer[], now: number): KeyRing {
  const keys = withStates(rows, now)
    .map((row) => openKey(row, encryptionKeys))
    .sort((a, b) => ORDER[a.state] - ORDER[b.state])
  const byId = new Map(keys.map((key) => [key.kid, key]))
  return {
    keys,
    current(alg) {
      // Current before previous: while the ENCRYPTION_KEY changes node by node, one that cannot yet open the newest key
      // goes on with the one before, which is as good as it was.
      const key = keys.find((one) => one.alg === alg && one.state !== 'next' && one.secret)
      if (!key?.secret) throw new Error(`no signing key for ${alg}`)
      return { ...key, secret: key.secret }
    },
    byId: (kid) => byId.get(kid),
  }
}

/** When a key that waits for its time will begin, in milliseconds since 1970. */
function nextBeginning(rows: readonly SigningKeyRow[], now: number): number {
  const ahead = rows.map((row) => row.signs_from?.getTime() ?? 0).filter((at) => at > now)
  return ahead.length > 0 ? Math.min(...ahead) : Number.POSITIVE_INFINITY
}

/** Holds the key ring of this process and follows the database's. */
export async function openKeyRings(db: Database, encryptionKeys: readonly Buffer[]): Promise<KeyRings> {
  // A node whose own clock is wrong must not sign with a key whose time has not come, or has gone.
  const { clock } = db
  const listeners: ((ring: KeyRing) => void)[] = []
  let held = await readKeyRing(db.knex)
  let ring = toRing(held.rows, encryptionKeys, clock.now())
  let beginning = nextBeginning(held.rows, clock.now())
  let reading: Promise<void> | undefined

  async function read(): Promise<void> {
    const now = await readKeyRing(db.knex)
    ring = toRing(now.rows, encryptionKeys, clock.now())
    // Only now: what could not be opened must be tried again.
    held = now
    beginning = nextBeginning(held.rows, clock.now())
    for (const listener of listeners) listener(ring)
  }

  async function isStale(version?: number): Promise<boolean> {
    if (clock.now() >= beginning) return true
    const [now] = version === undefined ? await db.query<{ version: number }>(VERSION) : [{ version }]
    return now!.version !== held.version
  }

  return {
    get ring() {
      return ring
    },
    async follow(version) {
      if (version === held.version && clock.now() < beginning) return
      if (!(await isStale(version))) return
      reading ??= read().finally(() => {
        reading = undefined
      })
      await reading
    },
    forget() {
      held = { ...held, version: Number.NaN }
    },
    onChange: (listener) => listeners.push(listener),
  }
}

const VERSION = { name: 'key-ring-version', text: 'SELECT version FROM key_ring', values: [] }
