import { isDeepStrictEqual } from 'node:util'
import { LRUCache } from 'lru-cache'
import { DEFAULT_PROTOCOL_SETTINGS } from './client-settings.ts'
import { CLIENT_CREDENTIALS_GRANT } from './grant-types.ts'
import type { ApiAccess, Registration } from './registration.ts'

/**
 * The registrations that are kept as objects: those in constant use. An object takes 1.2 KiB, its text a quarter, and the garbage
 * collector need not follow it.
 */
const MAX_OBJECTS = 5000

/** The number of API sets that registrations share: thousands of clients have the same APIs. */
const MAX_API_SETS = 1000

type Values = Readonly<Record<string, unknown>>

/** What most registrations have; their texts leave it out. */
const USUAL: Values = {
  ...DEFAULT_PROTOCOL_SETTINGS,
  kind: 'application',
  userId: null,
  environment: null,
  accountNetworks: null,
  accountHasQuota: false,
  grants: [CLIENT_CREDENTIALS_GRANT],
  version: 1,
  revocationEpoch: 0,
  codeRevocationEpoch: 0,
  apiKeys: [],
  keys: [],
  claimValues: null,
  resourceServer: null,
}

interface PackedRegistration {
  /** JSON of the values that are not usual. */
  readonly text: string
  readonly apis: readonly ApiAccess[]
}

const isUsual = (name: string, value: unknown): boolean => {
  const usual = USUAL[name]
  if (value === usual) return usual !== undefined
  return typeof value === 'object' && typeof usual === 'object' && isDeepStrictEqual(value, usual)
}

function pack({ apis, clientId: _, ...values }: Registration): PackedRegistration {
  const unusual: Record<string, unknown> = {}
  for (const name in values) {
    const value = (values as Values)[name]
    if (!isUsual(name, value)) unusual[name] = value
  }
  return { text: JSON.stringify(unusual), apis }
}

const unpack = (clientId: string, { text, apis }: PackedRegistration): Registration =>
  Object.assign({ ...USUAL, clientId, apis }, JSON.parse(text) as Values) as unknown as Registration

/** With `max` instead of `maxSize` the cache would reserve the memory of all its entries at once: 28 bytes for each. */
const createLru = <Value extends object>(maxSize: number) =>
  new LRUCache<string, Value>({ maxSize, sizeCalculation: () => 1 })

/** The registrations of the clients that were used last, by client ID. */
export class RegistrationCache {
  readonly #objects: LRUCache<string, Registration>
  readonly #packed: LRUCache<string, PackedRegistration>
  readonly #apiSets = new LRUCache<string, readonly ApiAccess[]>({ max: MAX_API_SETS })

  /** @param maxSize the number of registrations */
  constructor(maxSize: number, maxObjects = MAX_OBJECTS) {
    this.#objects = createLru(Math.min(maxSize, maxObjects))
    this.#packed = createLru(maxSize)
  }

  get(clientId: string): Registration | undefined {
    const known = this.#objects.get(clientId)
    if (known) return known
    const packed = this.#packed.get(clientId)
    if (!packed) return undefined
    const registration = unpack(clientId, packed)
    this.#objects.set(clientId, registration)
    return registration
  }

  set(registration: Registration): void {
    const { clientId } = registration
    const shared = { ...registration, apis: this.#sharedApis(registration.apis) }
    this.#objects.set(clientId, shared)
    this.#packed.set(clientId, pack(shared))
  }

  delete(clientId: string): void {
    this.#objects.delete(clientId)
    this.#packed.delete(clientId)
  }

  clear(): void {
    this.#objects.clear()
    this.#packed.clear()
  }

  #sharedApis(apis: readonly ApiAccess[]): readonly ApiAccess[] {
    const key = JSON.stringify(apis)
    const known = this.#apiSets.get(key) ?? apis
    this.#apiSets.set(key, known)
    return known
  }
}
