import { describe, expect, test } from 'vitest'
import { DEFAULT_API_SETTINGS } from '../../src/apis/api-settings.ts'
import { DEFAULT_SETTINGS } from '../../src/clients/client-settings.ts'
import type { ApiAccess, Registration } from '../../src/clients/registration.ts'
import { RegistrationCache } from '../../src/clients/registration-cache.ts'

/** The number of registrations that a cache keeps as objects here. */
const OBJECTS = 10

const api = (id: number, more: Partial<ApiAccess> = {}): ApiAccess => ({
  ...DEFAULT_API_SETTINGS,
  id,
  version: 1,
  identifier: `https://api-${id}.example.com`,
  scopes: ['read', 'write'],
  ...more,
})

const registration = (n: number, more: Partial<Registration> = {}): Registration => ({
  ...DEFAULT_SETTINGS,
  key: n,
  clientId: `kwc_${n}`,
  kind: 'application',
  accountId: '019a7f3e-6c1b-7d52-9a54-3f1c2b7e8d90',
  userId: null,
  environment: null,
  accountNetworks: null,
  accountHasQuota: false,
  name: `client ${n}`,
  grants: ['client_credentials'],
  keys: [],
  certificates: [],
  trusts: [],
  version: 1,
  revocationEpoch: 0,
  codeRevocationEpoch: 0,
  secrets: [{ id: n, hash: 'aGFzaA==', retiresAt: null }],
  apiKeys: [],
  claimValues: null,
  apis: [api(1)],
  resourceServer: null,
  ...more,
})

/** Uses so many others that no registration from before is kept as an object. */
function useOthers(cache: RegistrationCache): void {
  for (let n = 0; n <= OBJECTS; n++) cache.set(registration(1_000_000 + n))
}

describe('a cached registration', () => {
  test.each<[string, Partial<Registration>]>([
    ['with the usual values', {}],
    [
      'of an API',
      { kind: 'api', accountId: null, apis: [], resourceServer: { id: 7, identifier: 'urn:a', signingAlg: 'EdDSA' } },
    ],
    [
      'with values of claims',
      { claimValues: { account: { plan: 'gold', limits: { a: [1, null] } }, client: { tier: 2 } } },
    ],
    [
      'of a key pair',
      {
        kind: 'key_pair',
        userId: '019a7f3e-6c1b-7d52-9a54-3f1c2b7e8d91',
        environment: 'test',
        version: 7,
        revocationEpoch: 3,
      },
    ],
    ['of a public client', { isPublic: true, secrets: [], grants: ['authorization_code'], redirectUris: ['app:/cb'] }],
    ['with a value that is null by choice', { refreshTokenMaxAge: null, accountId: null }],
    ['with a list that is empty by choice', { grants: [], secrets: [] }],
    ['with null where the usual value is a list', { allowedNetworks: ['192.0.2.0/24'], accountNetworks: ['::1'] }],
    [
      'with secrets that retire and API keys',
      {
        apiKeyRequired: true,
        secrets: [
          { id: 1, hash: 'YQ==', retiresAt: 1_800_000_000_123 },
          { id: 2, hash: 'Yg==', retiresAt: null },
        ],
        apiKeys: [{ id: 3, hash: 'Yw==', retiresAt: 1_800_000_000_456 }],
      },
    ],
    ['with quotas', { quotaPerHour: 10, quotaMode: 'observe', accountHasQuota: true }],
    ['with a name in any language', { name: 'Bücher 株式会社 "\\\u2028', description: '\u0000' }],
    [
      'with a rate limit and several APIs',
      { rateLimit: { count: 7, period: 60 }, apis: [api(2), api(1, { scopes: [] })] },
    ],
  ])('%s is read as it was stored, also when it is kept as text', (_what, values) => {
    const cache = new RegistrationCache(100_000, OBJECTS)
    const stored = registration(1, values)
    cache.set(stored)
    expect(cache.get(stored.clientId)).toEqual(stored)
    useOthers(cache)
    const read = cache.get(stored.clientId)
    expect(read).toEqual(stored)
    expect(read).not.toBe(stored)
    expect(cache.get(stored.clientId)).toBe(read)
  })

  test('is the newest one that was stored', () => {
    const cache = new RegistrationCache(100_000, OBJECTS)
    cache.set(registration(1))
    cache.set(registration(1, { version: 2 }))
    expect(cache.get('kwc_1')!.version).toBe(2)
    useOthers(cache)
    expect(cache.get('kwc_1')!.version).toBe(2)
  })

  test('is gone once it was deleted or the cache was cleared', () => {
    const cache = new RegistrationCache(100_000, OBJECTS)
    cache.set(registration(1))
    cache.set(registration(2))
    useOthers(cache)
    cache.get('kwc_1')
    cache.delete('kwc_1')
    expect(cache.get('kwc_1')).toBeUndefined()
    expect(cache.get('kwc_2')).toBeDefined()
    cache.clear()
    expect(cache.get('kwc_2')).toBeUndefined()
  })
})

test('the cache keeps no more registrations than it may, those that were used last', () => {
  const cache = new RegistrationCache(3)
  for (const n of [1, 2, 3]) cache.set(registration(n))
  cache.set(registration(4))
  expect([1, 2, 3, 4].map((n) => cache.get(`kwc_${n}`)?.key)).toEqual([undefined, 2, 3, 4])
})

test('registrations share equal sets of APIs', () => {
  const cache = new RegistrationCache(100)
  for (const n of [1, 2]) cache.set(registration(n))
  expect(cache.get('kwc_1')!.apis).toBe(cache.get('kwc_2')!.apis)
})
