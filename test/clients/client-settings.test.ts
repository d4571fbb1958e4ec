import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createAccount } from '../../src/accounts/accounts.ts'
import { BRANDING_ATTRIBUTES } from '../../src/clients/branding-attributes.ts'
import { EXTERNAL_ATTRIBUTES } from '../../src/clients/client-attributes.ts'
import { type ClientSettings, DEFAULT_SETTINGS } from '../../src/clients/client-settings.ts'
import { getClient } from '../../src/clients/clients.ts'
import { EXCHANGE_ATTRIBUTES } from '../../src/clients/exchange-attributes.ts'
import { requirementsOfFapi, withFapi } from '../../src/clients/fapi-rules.ts'
import { IDENTITY_ASSERTION_ATTRIBUTES } from '../../src/clients/identity-assertion-attributes.ts'
import { createRegistrations, type Registrations } from '../../src/clients/registrations.ts'
import { type Database, openDatabase } from '../../src/database/open-database.ts'
import { createClient, updateClient } from '../../src/management/client-registration.ts'
import { createEncryptionKeys } from '../../src/shared/encryption-keys.ts'
import { imageOf } from '../../src/shared/images.ts'
import { newClientKey } from '../support/client-assertions.ts'
import { newEncryptionKey } from '../support/encryption-key.ts'
import { ACTOR, createMaker } from '../support/factory.ts'
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts'

let created: TestDatabase
let database: Database
let make: ReturnType<typeof createMaker>
let registrations: Registrations
let accountId: string
let api: string
let otherApi: string

beforeAll(async () => {
  created = await createTestDatabase()
  database = openDatabase(created.url)
  make = createMaker(database, createEncryptionKeys([Buffer.from(newEncryptionKey(), 'base64')]))
  registrations = createRegistrations(database, 100)
  accountId = (await createAccount(database.knex, { name: 'ACME' })).id
  api = (await make.api({ scopes: ['read', 'write'] })).identifier
  otherApi = (await make.api({ scopes: ['list'] })).identifier
})

afterAll(async () => {
  await database.close()
  await created.drop()
})

/** Each client below has the same external ID, which is unique. */
beforeEach(async () => {
  await database.knex('clients').update({ external_id: null })
})

const register = async (settings: ClientSettings, scopes: string[] | null = null, apis = [api]) =>
  (
    await createClient(
      database.knex,
      {
        accountId,
        settings,
        apis,
        scopes,
        keys: settings.authMethod === 'private_key_jwt' && !settings.jwksUri ? keys : undefined,
      },
      ACTOR,
    )
  ).client

const { parsed: keys } = await newClientKey()

const BARE: ClientSettings = { ...DEFAULT_SETTINGS, name: 'Bare', grants: ['client_credentials'] }

const LOGO = imageOf(Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'))
const { bytes: _, ...STORED_LOGO } = LOGO

/** The settings as they are read, without the bytes of the logo. */
const stored = (settings: Partial<ClientSettings>): Partial<ClientSettings> =>
  settings.logo ? { ...settings, logo: STORED_LOGO } : settings

/** Every setting with a value other than its default. The type ensures that none is missing. */
const EVERY: ClientSettings = {
  name: 'Every',
  description: 'Exports invoices',
  grants: ['authorization_code', 'client_credentials', 'urn:ietf:params:oauth:grant-type:jwt-bearer'],
  redirectUris: ['https://app.example.com/callback', 'http://127.0.0.1/callback'],
  postLogoutRedirectUris: ['https://app.example.com/', 'com.example.app:/bye'],
  backchannelLogoutUri: 'https://app.example.com/logout',
  isPublic: false,
  authMethod: 'client_secret',
  jwksUri: null,
  certificateBoundAccessTokens: false,
  dpop: 'optional',
  parRequired: true,
  requestObjectsRequired: false,
  signedResponsesRequired: true,
  fapi2: false,
  pkceRequired: false,
  consent: 'skip_own_account',
  accessType: 'both',
  defaultScopes: ['openid', 'read'],
  accessTokenTtl: 600,
  refreshTokenTtl: 7200,
  refreshTokenMaxAge: 315_360_000,
  refreshTokenRotation: false,
  refreshTokens: 'offline_access',
  idTokenAlg: 'ES256',
  policy: 'single',
  rateLimit: { count: 7, period: 60 },
  reuseWindow: 600,
  quotaPerHour: 1000,
  quotaPerDay: 20_000,
  quotaMode: 'observe',
  allowedNetworks: ['192.0.2.0/24', '2001:db8::/32'],
  queryCredentials: true,
  clientCredentialsRefresh: true,
  endpointAudiences: false,
  apiKeyRequired: true,
  logo: LOGO,
  accent: '#0a7d4f',
  isVerified: true,
  clientUri: 'https://app.example.com/',
  policyUri: 'https://app.example.com/privacy',
  tosUri: 'https://app.example.com/terms#service',
  exchangeFrom: ['kwa_2Ew9fTbnCN0ZPqTtGKsu'],
  exchangeScopes: ['read'],
  exchangeTtl: 300,
  exchangeApis: ['https://other.example.com'],
  exchangeAccounts: ['any'],
  exchangeWithoutUser: ['any'],
  identityAssertions: true,
  externalId: 'app-1',
  metadata: { owner: 'billing' },
}
const OPEN: ClientSettings = {
  ...BARE,
  grants: ['authorization_code'],
  redirectUris: EVERY.redirectUris,
  accessType: 'user',
  isPublic: true,
  certificateBoundAccessTokens: true,
  dpop: 'required',
}

/** A client without a client secret, which some settings need. */
const KEYED: ClientSettings = {
  ...BARE,
  authMethod: 'private_key_jwt',
  endpointAudiences: true,
  requestObjectsRequired: true,
}

const PUBLISHING: ClientSettings = { ...KEYED, jwksUri: 'https://app.example.com/jwks.json' }

const NOT_CACHED = {
  ...BRANDING_ATTRIBUTES,
  ...EXTERNAL_ATTRIBUTES,
  ...EXCHANGE_ATTRIBUTES,
  ...IDENTITY_ASSERTION_ATTRIBUTES,
}

/** A client for FAPI 2.0, which excludes many settings. */
const FAPI: ClientSettings = {
  ...BARE,
  ...withFapi(BARE, { fapi2: true }),
  authMethod: 'private_key_jwt',
  redirectUris: ['https://app.example.com/callback'],
}

/** What the endpoints read of the settings. */
const ofProtocol = (settings: Partial<ClientSettings>): Partial<ClientSettings> =>
  Object.fromEntries(Object.entries(settings).filter(([name]) => !Object.hasOwn(NOT_CACHED, name)))

describe('every setting is stored at creation and read by the store and the endpoints', () => {
  test('this test sets each setting to a value other than its default', () => {
    const alike = Object.entries(DEFAULT_SETTINGS).filter(
      ([name, value]) => JSON.stringify(value) === JSON.stringify(EVERY[name as keyof ClientSettings]),
    )
    // Settings that exclude others have a client of their own below.
    expect(alike).toEqual([
      ['authMethod', 'client_secret'],
      ['jwksUri', null],
      ['isPublic', false],
      ['fapi2', false],
      ['requestObjectsRequired', false],
      ['endpointAudiences', false],
      ['certificateBoundAccessTokens', false],
      ['accessType', 'both'],
      ['dpop', 'optional'],
    ])
  })

  test.each([
    ['with every setting', EVERY],
    ['with none', BARE],
    ['that is public', OPEN],
    ['with a private key', KEYED],
    ['for FAPI 2.0', FAPI],
    ['that publishes its keys', PUBLISHING],
  ])('a client %s', async (_, settings) => {
    const { clientId } = await register(settings)
    const client = await getClient(database.knex, clientId)
    expect(client).toMatchObject(stored(settings))
    expect(client.logo).toEqual(settings.logo && STORED_LOGO)
    expect(await registrations.fresh(clientId)).toMatchObject(ofProtocol(settings))
  })

  test('each setting can be changed and changed back', async () => {
    const { clientId } = await register(BARE)
    for (const settings of [EVERY, BARE]) {
      const { client } = await updateClient(database.knex, clientId, { settings }, ACTOR)
      expect(client).toMatchObject(stored(settings))
      expect(await registrations.fresh(clientId)).toMatchObject(ofProtocol(settings))
    }
  })

  test.each(Object.keys(EVERY) as (keyof ClientSettings)[])('a change of %s alone leaves the others', async (name) => {
    const before = name === 'isPublic' || name === 'accessType' ? OPEN : EVERY
    const { clientId } = await register(before)
    const change = { [name]: { ...BARE, redirectUris: ['https://app.example.com/other'] }[name] }
    await updateClient(database.knex, clientId, { settings: change }, ACTOR)
    expect(await registrations.fresh(clientId)).toMatchObject(ofProtocol({ ...before, ...change }))
    expect(await getClient(database.knex, clientId)).toMatchObject(stored({ ...before, ...change }))
  })

  test('a client that is older than a setting has its default, and keeps refresh tokens without a maximum age', async () => {
    const row = { client_id: 'kwc_earlier', kind: 'application', account_id: accountId, name: 'Earlier', grants: [] }
    await database.knex('clients').insert(row)
    const before = { ...DEFAULT_SETTINGS, refreshTokenMaxAge: null }
    expect(await getClient(database.knex, 'kwc_earlier')).toMatchObject(before)
    expect(await registrations.fresh('kwc_earlier')).toMatchObject(ofProtocol(before))
  })

  test('a cached registration has no attribute that only pages and operators need', async () => {
    const { clientId } = await register(EVERY)
    const others = Object.keys(NOT_CACHED)
    for (const registration of [await registrations.fresh(clientId), registrations.cached(clientId)]) {
      expect(registration).toMatchObject({ name: 'Every' })
      expect(others.filter((name) => name in registration!)).toEqual([])
    }
  })
})

describe('default scopes must be scopes of the client or of OpenID Connect', () => {
  const asking = (...defaultScopes: string[]): ClientSettings => ({ ...BARE, defaultScopes })
  const refused = (scope: string) => ({
    code: 'invalid_input',
    message: expect.stringContaining(`default scope ${scope}`),
  })

  test('at creation, over all its APIs and within its scope restriction', async () => {
    const all = ['openid', 'profile', 'email', 'offline_access', 'read', 'list']
    expect((await register(asking(...all), null, [api, otherApi])).defaultScopes).toEqual(all)
    await expect(register(asking('list'))).rejects.toMatchObject(refused('list'))
    await expect(register(asking('read', 'write'), ['read'])).rejects.toMatchObject(refused('write'))
    await expect(register(asking('address'))).rejects.toMatchObject(refused('address'))
  })

  test('when they, the APIs or the scope restriction change; a rejected change changes nothing', async () => {
    const { clientId } = await register(asking('read'))
    const update = (change: Parameters<typeof updateClient>[2]) => updateClient(database.knex, clientId, change, ACTOR)
    await expect(update({ settings: asking('list') })).rejects.toMatchObject(refused('list'))
    await expect(update({ settings: {}, apis: [otherApi] })).rejects.toMatchObject(refused('read'))
    await expect(update({ settings: {}, scopes: ['write'] })).rejects.toMatchObject(refused('read'))
    const unchanged = { defaultScopes: ['read'], apis: [{ identifier: api, scopes: ['read', 'write'] }] }
    expect(await registrations.fresh(clientId)).toMatchObject(unchanged)
    await update({ settings: asking('list'), apis: [otherApi] })
    expect(await registrations.fresh(clientId)).toMatchObject({ defaultScopes: ['list'] })
  })

  test('when a new key pair gets other APIs; a rejected one leaves the previous pair unchanged', async () => {
    const user = await make.user(accountId)
    const first = await make.keyPair(user.id, [api])
    await updateClient(database.knex, first.clientId, { settings: { defaultScopes: ['read'] } }, ACTOR)
    await expect(make.keyPair(user.id, [otherApi])).rejects.toMatchObject(refused('read'))
    expect(await registrations.fresh(first.clientId)).toMatchObject({ defaultScopes: ['read'] })
    const second = await make.keyPair(user.id)
    expect(await registrations.fresh(second.clientId)).toMatchObject({ defaultScopes: ['read'] })
  })
})

describe('a database constraint rejects', () => {
  test.each([
    ['clients_public_is_protected', { is_public: true, pkce_required: false }],
    ['clients_public_is_protected', { is_public: true, refresh_token_rotation: false }],
    ['clients_refresh_token_max_age', { refresh_token_max_age: 59 }],
    ['clients_refresh_token_max_age', { refresh_token_max_age: 315_360_001 }],
    ['clients_refresh_tokens', { refresh_tokens: 'never' }],
    ['clients_id_token_alg', { id_token_alg: 'none' }],
    ['clients_consent', { consent: 'ask' }],
    ['clients_access_type', { access_type: 'nobody' }],
    ['clients_owner', { kind: 'key_pair' }],
  ])('by %s %j', async (constraint, columns) => {
    const { key } = await register(BARE)
    await expect(database.knex('clients').where({ id: key }).update(columns)).rejects.toMatchObject({ constraint })
  })
})

describe('FAPI 2.0', () => {
  test('enables what it requires, and leaves certificate-bound tokens without DPoP', () => {
    const enabled = { parRequired: true, pkceRequired: true, refreshTokenRotation: false, idTokenAlg: 'ES256' }
    const given = { fapi2: true, parRequired: false, pkceRequired: false }
    expect(withFapi(BARE, given)).toEqual({ fapi2: true, ...enabled, dpop: 'required' })
    const bound = { fapi2: true, certificateBoundAccessTokens: true }
    expect(withFapi(BARE, bound)).toEqual({ ...bound, ...enabled })
    expect(withFapi(BARE, { fapi2: true, dpop: 'nonce' }).dpop).toBe('nonce')
    expect(withFapi(FAPI, { fapi2: true, parRequired: false })).toEqual({ fapi2: true, parRequired: false })
  })

  test('is enabled for a client that authenticates by a key, and refuses a later change that contradicts it', async () => {
    const { clientId } = await register({ ...BARE, authMethod: 'private_key_jwt' })
    const change = (settings: Partial<ClientSettings>) => updateClient(database.knex, clientId, { settings }, ACTOR)
    const { client } = await change({ fapi2: true })
    expect(client).toMatchObject({ fapi2: true, parRequired: true, dpop: 'required', refreshTokenRotation: false })
    const contradictions: Partial<ClientSettings>[] = [
      { parRequired: false },
      { pkceRequired: false },
      { dpop: 'optional' },
      { refreshTokenRotation: true },
      { idTokenAlg: 'RS256' },
      { endpointAudiences: true },
      { queryCredentials: true },
      { redirectUris: ['http://127.0.0.1/callback'] },
    ]
    for (const contradiction of contradictions) {
      const [field] = Object.keys(contradiction)
      const fieldErrors = [{ field, message: expect.any(String) }]
      await expect(change(contradiction)).rejects.toMatchObject({ code: 'invalid_input', fieldErrors })
    }
    expect((await change({ dpop: 'optional', certificateBoundAccessTokens: true })).client.fapi2).toBe(true)
    expect((await change({ fapi2: false, parRequired: false })).client.parRequired).toBe(false)
  })

  test('is listed with the standard of each requirement, by how the client authenticates and its tokens are bound', () => {
    const listed = (settings: ClientSettings) =>
      requirementsOfFapi(settings).map(({ requirement, reference }) => `${requirement}: ${reference}`)
    expect(listed(BARE)).toEqual([])
    const byKey = listed(FAPI)
    expect(byKey.slice(0, 4)).toEqual([
      'Authentication by a private key (private_key_jwt): RFC 7523',
      'Access tokens that are bound to a key (DPoP): RFC 9449',
      'Pushed authorization requests (PAR): RFC 9126',
      'PKCE: RFC 7636',
    ])
    expect(byKey.slice(4).map((text) => text.replace(/:.*/, ''))).toEqual([
      'The issuer in authorization responses',
      'Redirect URIs with https',
      'ID tokens that are signed by ES256',
      'No JWT that is signed by RS256',
      'The issuer as the only audience of client assertions',
      'No refresh token rotation',
    ])
    const certified = { authMethod: 'tls_client_auth', certificateBoundAccessTokens: true, dpop: 'optional' } as const
    expect(listed({ ...FAPI, ...certified }).slice(0, 2)).toEqual([
      'Authentication by a certificate: RFC 8705',
      'Access tokens that are bound to a certificate: RFC 8705',
    ])
    expect(listed({ ...FAPI, dpop: 'nonce' })).toContain(
      'Access tokens that are bound to a key (DPoP), with nonces: RFC 9449',
    )
  })

  test.each([
    ['public', { isPublic: true, pkceRequired: true }, 'this one is public'],
    ['with a client secret', {}, 'by a private key or a certificate'],
  ])('is refused for a client that is %s', async (_, settings, message) => {
    const { clientId } = await register({
      ...BARE,
      grants: ['authorization_code'],
      redirectUris: FAPI.redirectUris,
      ...settings,
    })
    const change = updateClient(database.knex, clientId, { settings: { fapi2: true } }, ACTOR)
    await expect(change).rejects.toThrow(message)
  })
})
