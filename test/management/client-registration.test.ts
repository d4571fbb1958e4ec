import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ClientSettings, DEFAULT_SETTINGS } from '../../src/clients/client-settings.ts'
import { listConnectedApplications } from '../../src/consents/connected-applications.ts'
import { grantConsent, withdrawConsent } from '../../src/consents/consents.ts'
import { createClient, updateClient } from '../../src/management/client-registration.ts'
import { revokeTokensOfClient } from '../../src/tokens/revocation.ts'
import { ACTOR, CALLBACK } from '../support/factory.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'

let on: Keywright

beforeAll(async () => {
  on = await startKeywright()
})

afterAll(() => on?.stop())

const update = (clientId: string, settings: Partial<ClientSettings>, expected?: number) =>
  updateClient(on.knex, clientId, { settings }, ACTOR, { expected })
const tokenOf = async (client: { clientId: string; clientSecret: string }) =>
  (await on.machineToken(client)).body.access_token
const isActive = async (token: string) => (await on.introspect(token, on.firstStart.api)).body.active
const detailsOf = (clientId: string): Promise<object[]> =>
  on.knex('audit_log').where({ target_id: clientId, action: 'client.updated' }).orderBy('id').pluck('detail')

describe('a change of a client', () => {
  test('is rejected for a stale revision, and returns the new revision', async () => {
    const { clientId } = await on.make.client()
    const { client } = await update(clientId, { name: 'One' })
    await expect(update(clientId, { name: 'Two' }, client.revision - 1)).rejects.toMatchObject({ code: 'stale' })
    const changed = (await update(clientId, { apiKeyRequired: true }, client.revision)).client
    const without = (await update(clientId, { apiKeyRequired: false }, changed.revision)).client
    await update(clientId, { name: 'Three' }, without.revision)
    await revokeTokensOfClient(on.knex, clientId, ACTOR)
    await expect(update(clientId, { name: 'Four' }, without.revision + 1)).rejects.toMatchObject({ code: 'stale' })
  })

  test('is recorded with the changed settings only', async () => {
    const { clientId } = await on.make.client()
    const api = await on.make.api()
    await update(clientId, { name: 'Other', rateLimit: null })
    await updateClient(on.knex, clientId, { settings: {}, apis: [api.identifier], scopes: ['read'] }, ACTOR)
    const [renamed, access] = await detailsOf(clientId)
    expect(renamed).toEqual({ changes: { name: { from: expect.any(String), to: 'Other' } } })
    expect(access).toMatchObject({
      changes: { apis: { to: [api.identifier] }, scopes: { from: null, to: ['read'] } },
    })
  })

  test('with another spelling of an API keeps the tokens of the API', async () => {
    const api = await on.make.api({ identifier: 'https://spelled.example.com/', policy: 'none' })
    const client = await on.make.client({}, [api.identifier])
    const token = await tokenOf(client)
    await updateClient(on.knex, client.clientId, { settings: {}, apis: ['https://spelled.example.com'] }, ACTOR)
    expect((await on.introspect(token, api)).body.active).toBe(true)
  })

  test.each([
    ['apis', { apis: ['https://nowhere.example.com'] }],
    ['scopes', { scopes: ['unheard-of'] }],
    ['scopes', { scopes: [] }],
    ['defaultScopes', { settings: { defaultScopes: ['unheard-of'] } }],
    ['name', { settings: { name: 'a'.repeat(10_000) } }],
  ])('that is wrong says so at the field %s', async (field, change) => {
    const { clientId } = await on.make.client()
    const refused = updateClient(on.knex, clientId, { settings: {}, ...change }, ACTOR)
    await expect(refused).rejects.toMatchObject({ code: 'invalid_input', fieldErrors: [{ field }] })
  })
})

describe('an access type', () => {
  const both = { grants: ['client_credentials', 'refresh_token'] }

  test('revokes the tokens that a narrower type excludes, and leaves the others active', async () => {
    const client = await on.make.client(both)
    const first = await tokenOf(client)
    await update(client.clientId, { accessType: 'client' })
    await update(client.clientId, { accessType: 'client', name: 'Other' })
    await update(client.clientId, { accessType: 'both' })
    expect(await isActive(first)).toBe(true)
    await update(client.clientId, { accessType: 'user', grants: ['authorization_code'], redirectUris: [CALLBACK] })
    expect(await isActive(first)).toBe(false)
    const revoked = { access_tokens: 1, refresh_tokens: 0 }
    expect((await detailsOf(client.clientId)).at(-1)).toMatchObject({
      changes: { access_type: { from: 'both', to: 'user' } },
      revoked,
    })
  })

  test('is rejected while the client has a grant type that it excludes, and later excludes that grant type', async () => {
    const client = await on.make.client({ ...both, redirectUris: [CALLBACK] })
    const atGrants = { code: 'invalid_input', fieldErrors: [{ field: 'grants' }] }
    await expect(update(client.clientId, { accessType: 'user' })).rejects.toMatchObject(atGrants)
    await update(client.clientId, { accessType: 'user', grants: ['authorization_code'] })
    expect((await on.machineToken(client)).body.error).toBe('unauthorized_client')
    await expect(update(client.clientId, both)).rejects.toMatchObject(atGrants)
  })
})

describe('an application of the instance', () => {
  const settings = { ...DEFAULT_SETTINGS, name: 'Own tool', grants: ['client_credentials', 'authorization_code'] }
  const create = () =>
    createClient(
      on.knex,
      { accountId: null, settings: { ...settings, redirectUris: [CALLBACK] }, apis: [], scopes: null },
      ACTOR,
    )

  test('belongs to no account and works like any other', async () => {
    const { client, clientSecret } = await create()
    expect(client).toMatchObject({ kind: 'application', accountId: null, userId: null })
    expect(await isActive(await tokenOf({ clientId: client.clientId, clientSecret: clientSecret! }))).toBe(true)
  })

  test('is listed under the name of the instance to users who consented, and they can revoke it', async () => {
    const { client } = await create()
    const accountId = await on.make.account()
    const { id: userId } = await on.make.person(accountId)
    const allowed = { identityScopes: ['openid'], claims: [], apis: {} }
    await grantConsent(on.knex, { userId, accountId, clientKey: client.key }, allowed, ACTOR)
    const connection = { clientId: client.clientId, name: 'Own tool', accountName: 'Keywright' }
    expect(await listConnectedApplications(on.knex, userId)).toMatchObject([connection])
    await withdrawConsent(on.knex, { userId, clientId: client.clientId }, ACTOR)
    expect(await listConnectedApplications(on.knex, userId)).toEqual([])
  })
})
