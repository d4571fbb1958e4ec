import { createPrivateKey, createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto'
import type { JWK } from 'jose'
import type { Database } from '../database/open.ts'
import type { SigningAlg } from '../shared/algorithms.ts'
import { unseal } from '../shared/envelope.ts'
import { type KeyState, readKeyRing, type SigningKeyRow, withStates } from './signing-keys.ts'

/** A signing key ready for use. */
export interface RingKey {
  readonly kid: string
  readonly alg: SigningAlg
  readonly state: KeyState
  readonly publicJwk: JWK
  readonly privateJwk: JWK
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
  readonly createdAt: Date
}

/** The keys as they stand, the current of each algorithm first. */
export interface KeyRing {
  readonly keys: readonly RingKey[]
  /** The key that signs now. @throws when the algorithm has none, which `ensureSigningKeys` prevents */
  current(alg: SigningAlg): RingKey
  byId(kid: string): RingKey | undefined
}

export interface KeyRings {
  readonly ring: KeyRing
  /** Reads again if the database's version is not the one held, or if a key's time has come. */
  follow(version?: number): Promise<void>
  onChange(listener: (ring: KeyRing) => void): void
}

const ORDER: Record<KeyState, number> = { current: 0, next: 1, previous: 2 }

function openKey(row: SigningKeyRow & { state: KeyState }, encryptionKeys: readonly Buffer[]): RingKey {
  const privateJwk = JSON.parse(unseal(encryptionKeys, row.private_jwk, row.kid).toString()) as JsonWebKey
  const privateKey = createPrivateKey({ key: privateJwk, format: 'jwk' })
  return {
    kid: row.kid,
    alg: row.alg,
    state: row.state,
    publicJwk: row.public_jwk,
    privateJwk: { ...(privateJwk as JWK), kid: row.kid, alg: row.alg, use: 'sig' },
    privateKey,
    publicKey: createPublicKey(privateKey),
    createdAt: row.created_at,
  }
}

function toRing(rows: readonly SigningKeyRow[], encryptionKeys: readonly Buffer[]): KeyRing {
  const keys = withStates(rows, Date.now())
    .map((row) => openKey(row, encryptionKeys))
    .sort((a, b) => ORDER[a.state] - ORDER[b.state])
  const byId = new Map(keys.map((key) => [key.kid, key]))
  const currents = new Map(keys.filter((key) => key.state === 'current').map((key) => [key.alg, key]))
  return {
    keys,
    current(alg) {
      const key = currents.get(alg)
      if (!key) throw new Error(`no signing key for ${alg}`)
      return key
    },
    byId: (kid) => byId.get(kid),
  }
}

/** When a key that waits for its time will begin, in milliseconds since 1970. */
function nextBeginning(rows: readonly SigningKeyRow[]): number {
  const ahead = rows.map((row) => row.signs_from?.getTime() ?? 0).filter((at) => at > Date.now())
  return ahead.length > 0 ? Math.min(...ahead) : Number.POSITIVE_INFINITY
}

/** Holds the key ring of this process and follows the database's. */
export async function openKeyRings(db: Database, encryptionKeys: readonly Buffer[]): Promise<KeyRings> {
  const listeners: ((ring: KeyRing) => void)[] = []
  let held = await readKeyRing(db.knex)
  let ring = toRing(held.rows, encryptionKeys)
  let beginning = nextBeginning(held.rows)
  let reading: Promise<void> | undefined

  async function read(): Promise<void> {
    held = await readKeyRing(db.knex)
    ring = toRing(held.rows, encryptionKeys)
    beginning = nextBeginning(held.rows)
    for (const listener of listeners) listener(ring)
  }

  async function isStale(version?: number): Promise<boolean> {
    if (Date.now() >= beginning) return true
    const [now] = version === undefined ? await db.query<{ version: number }>(VERSION) : [{ version }]
    return now!.version !== held.version
  }

  return {
    get ring() {
      return ring
    },
    async follow(version) {
      if (version === held.version && Date.now() < beginning) return
      if (!(await isStale(version))) return
      reading ??= read().finally(() => {
        reading = undefined
      })
      await reading
    },
    onChange: (listener) => listeners.push(listener),
  }
}

const VERSION = { name: 'key-ring-version', text: 'SELECT version FROM key_ring', values: [] }
