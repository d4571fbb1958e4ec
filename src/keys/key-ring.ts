import { createPrivateKey, createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto'
import type { JWK } from 'jose'
import type { Database } from '../database/open-database.ts'
import { missingKey } from '../database/sealing-key.ts'
import type { SigningAlg } from '../shared/algorithms.ts'
import type { Clock } from '../shared/clock.ts'
import type { EncryptionKeys } from '../shared/encryption-keys.ts'
import { isSealedByOneOf, unseal } from '../shared/envelope.ts'
import { KeywrightError } from '../shared/errors.ts'
import {
  type KeyState,
  readKeyRing,
  type SigningKeyRow,
  type StoredKeyRing,
  sealedFor,
  withStates,
} from './signing-keys.ts'

/** A signing key ready for use. */
export interface RingKey {
  /** The number by which tokens name it. */
  readonly id: number
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
  /** The IDs of revoked keys, the latest first. */
  readonly revoked: readonly string[]
  /** The key that signs now. @throws KeywrightError `unavailable` when this node can open none of the algorithm */
  current(alg: SigningAlg): SigningRingKey
  byId(kid: string): RingKey | undefined
  /** Whether this node has a key of the algorithm to sign with. */
  has(alg: SigningAlg): boolean
}

export interface KeyRings {
  readonly ring: KeyRing
  /** The version of the ring at hand; null: it is not known, and the next `follow` reads it. */
  readonly version: number | null
  /** Reads again if the database's version is not the one held, or if a key's time has come. */
  follow(version?: number): Promise<void>
  /** The ring at hand may not be the database's: the next `follow` reads it, whatever its version. */
  forget(): void
  onChange(listener: (ring: KeyRing) => void): void
  /** @throws KeywrightError `misconfigured` while this node cannot sign, or open what others seal */
  check(): void
}

const ORDER: Record<KeyState, number> = { current: 0, next: 1, previous: 2 }

/** What was opened before stays open, whichever key seals it now. */
function openSecret(
  row: SigningKeyRow,
  encryptionKeys: EncryptionKeys,
  opened: RingKey | undefined,
): RingKey['secret'] {
  if (opened?.secret) return opened.secret
  if (!isSealedByOneOf(encryptionKeys, row.private_jwk)) return undefined
  const jwk = JSON.parse(unseal(encryptionKeys, sealedFor(row.kid), row.private_jwk).toString()) as JsonWebKey
  const key = createPrivateKey({ key: jwk, format: 'jwk' })
  return { key, jwk: { ...(jwk as JWK), kid: row.kid, alg: row.alg, use: 'sig' } }
}

function openKey(
  row: SigningKeyRow & { state: KeyState },
  encryptionKeys: EncryptionKeys,
  opened: RingKey | undefined,
): RingKey {
  return {
    id: row.id,
    kid: row.kid,
    alg: row.alg,
    state: row.state,
    publicJwk: row.public_jwk,
    secret: openSecret(row, encryptionKeys, opened),
    publicKey: createPublicKey({ key: row.public_jwk as JsonWebKey, format: 'jwk' }),
    createdAt: row.created_at,
  }
}

function toRing(
  { rows, revoked }: StoredKeyRing,
  encryptionKeys: EncryptionKeys,
  now: number,
  before?: KeyRing,
): KeyRing {
  const keys = withStates(rows, now)
    .map((row) => openKey(row, encryptionKeys, before?.byId(row.kid)))
    .sort((a, b) => ORDER[a.state] - ORDER[b.state])
  const byId = new Map(keys.map((key) => [key.kid, key]))
  return {
    keys,
    revoked,
    current(alg) {
      // Current before previous: a node that cannot open the newest key goes on with the one before, which is as good as it was.
      const key = keys.find((one) => one.alg === alg && one.state !== 'next' && one.secret)
      if (!key?.secret) throw new KeywrightError('unavailable', `this node has no ${alg} key to sign with; try again`)
      return { ...key, secret: key.secret }
    },
    byId: (kid) => byId.get(kid),
    has: (alg) => keys.some((one) => one.alg === alg && one.state !== 'next' && one.secret !== undefined),
  }
}

function checkRing(ring: KeyRing, { missing }: EncryptionKeys): void {
  if (missing) throw missingKey(missing)
  const usable = new Set(ring.keys.filter((key) => key.secret && key.state !== 'next').map((key) => key.alg))
  const closed = ring.keys.find((key) => key.state === 'current' && !usable.has(key.alg))
  if (!closed) return
  const message = `no ${closed.alg} key to sign with can be opened; ENCRYPTION_KEY lacks the key that sealed it`
  throw new KeywrightError('misconfigured', message)
}

/** When a key that waits for its time will begin, in milliseconds since 1970. */
function nextBeginning(rows: readonly SigningKeyRow[], now: number): number {
  const ahead = rows.map((row) => row.signs_from?.getTime() ?? 0).filter((at) => at > now)
  return ahead.length > 0 ? Math.min(...ahead) : Number.POSITIVE_INFINITY
}

/**
 * The time of the states, in milliseconds since 1970. The node's estimate of the database's clock may be some milliseconds
 * behind: a key that signs from the change that the ring was read for must not seem to wait for its time.
 */
const timeOf = ({ readAt }: StoredKeyRing, clock: Clock): number => Math.max(readAt, clock.now())

/** Holds the key ring of this process and follows the database's. */
export async function openKeyRings(db: Database, encryptionKeys: EncryptionKeys): Promise<KeyRings> {
  // A node whose own clock is wrong must not sign with a key whose time has not come, or has gone.
  const { clock } = db
  const listeners: ((ring: KeyRing) => void)[] = []
  let held = await readKeyRing(db.knex)
  encryptionKeys.sealWith(held.sealingKey)
  let ring = toRing(held, encryptionKeys, timeOf(held, clock))
  let beginning = nextBeginning(held.rows, timeOf(held, clock))
  let reading: Promise<void> | undefined

  async function read(): Promise<void> {
    const read = await readKeyRing(db.knex)
    const time = timeOf(read, clock)
    encryptionKeys.sealWith(read.sealingKey)
    ring = toRing(read, encryptionKeys, time, ring)
    // Only now: what could not be opened must be tried again.
    held = read
    beginning = nextBeginning(held.rows, time)
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
    get version() {
      return Number.isNaN(held.version) ? null : held.version
    },
    async follow(version) {
      if (version === held.version && clock.now() < beginning) return
      if (!(await isStale(version))) return
      // A read that is in progress may have begun before the change.
      await reading?.catch(() => undefined)
      reading ??= read().finally(() => {
        reading = undefined
      })
      await reading
    },
    forget() {
      held = { ...held, version: Number.NaN }
    },
    onChange: (listener) => listeners.push(listener),
    check: () => checkRing(ring, encryptionKeys),
  }
}

const VERSION = { name: 'key-ring-version', text: 'SELECT version FROM key_ring', values: [] }
