/** Refresh tokens that people gave: RFC 6749, section 6; RFC 9700, section 4.14; OpenID Connect Core, section 12. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createAccount } from '../../src/accounts/accounts.ts'
import { withdrawConsent } from '../../src/consents/consents.ts'
import { changeAccountStatus } from '../../src/management/account-changes.ts'
import { rotateSecret } from '../../src/management/client-secret-rotation.ts'
import { changeClientStatus } from '../../src/management/client-status.ts'
import { changeUserStatus } from '../../src/management/user-changes.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { type Answer, claimsOf } from '../support/requests.ts'
import { createTestUser, type Person } from '../support/test-users.ts'
import { type Application, createApplication, expectNoFieldErrors, getTokens } from './application-fixtures.ts'

const ACTOR = { type: 'system' } as const
const OFFLINE = { params: { scope: 'openid email offline_access read write' } }

let server: Keywright
let api: Awaited<ReturnType<Keywright['make']['api']>>
let person: Person
let application: Application

beforeAll(async () => {
  server = await startKeywright()
  api = await server.make.api()
  person = await createTestUser(server.knex, server.firstStart.accountId)
  application = await register()
})

afterAll(async () => {
  expectNoFieldErrors(server)
  await server.stop()
})

const register = (settings: object = {}) => createApplication(server, settings, { apis: [api.identifier] })
const begin = (app = application, who = person, options: object = OFFLINE) => getTokens(server, app, who, options)
const isActive = async (token: string): Promise<boolean> => (await server.introspect(token, api)).body.active
const sorted = (scope: string): string[] => scope.split(' ').sort()

function expectRefused({ status, body }: Answer, error = 'invalid_grant', expected = 400): void {
  expect([status, body.error]).toEqual([expected, error])
}

/** Sets the clock of a client's refresh tokens forward. */
const age = (app: Application, seconds: number) =>
  server.knex.raw(
    `UPDATE refresh_tokens SET created_at = created_at - make_interval(secs => :seconds),
            expires_at = expires_at - make_interval(secs => :seconds), rotated_at = rotated_at - make_interval(secs => :seconds)
      WHERE client_id = (SELECT id FROM clients WHERE client_id = :client)`,
    { seconds, client: app.clientId },
  )

describe('a refresh issues', () => {
  test('an access token of the same user, API and scopes, and an ID token as at the sign-in, without nonce', async () => {
    const first = await begin(application, person, { params: { ...OFFLINE.params, nonce: 'n' } })
    const { status, body, headers } = await application.refresh(first.refresh_token)
    expect(status).toBe(200)
    expect(headers.get('cache-control')).toBe('no-store')
    expect(body).toEqual({
      access_token: expect.any(String),
      token_type: 'Bearer',
      expires_in: 3600,
      scope: first.scope,
      id_token: expect.any(String),
      refresh_token: expect.stringMatching(/^kwr_/),
      refresh_token_expires_in: 2_592_000,
    })
    const [was, is] = [claimsOf(first.id_token), claimsOf(body.id_token)]
    expect(was.nonce).toBe('n')
    expect(is).not.toHaveProperty('nonce')
    for (const name of ['iss', 'sub', 'aud', 'auth_time', 'acr', 'amr']) expect(is[name]).toEqual(was[name])
    expect(claimsOf(body.access_token)).toMatchObject({
      sub: person.id,
      aud: api.identifier,
      client_id: application.clientId,
      auth_time: was.auth_time,
    })
    expect(claimsOf(body.access_token).jti).not.toBe(claimsOf(first.access_token).jti)
  })

  test('all granted scopes again after a refresh with fewer', async () => {
    const first = await begin()
    const narrow = (await application.refresh(first.refresh_token, { scope: 'read' })).body
    expect(narrow.scope).toBe('read')
    expect(narrow).not.toHaveProperty('id_token')
    const full = (await application.refresh(narrow.refresh_token)).body
    expect(sorted(full.scope)).toEqual(sorted(first.scope))
  })

  test('no scopes of the API for identity scopes alone', async () => {
    const first = await begin()
    const { body } = await application.refresh(first.refresh_token, { scope: 'openid email' })
    expect(sorted(body.scope)).toEqual(['email', 'openid'])
    expect(sorted(String(claimsOf(body.access_token).scope))).toEqual(['email', 'openid'])
  })

  test('no more scopes than were granted, and the refresh token stays valid', async () => {
    const api2 = await server.make.api({ scopes: ['read', 'write', 'admin'] })
    const app = await createApplication(server, {}, { apis: [api2.identifier] })
    const first = await begin(app, person, { params: { scope: 'openid offline_access read' } })
    for (const scope of ['read write', 'openid profile', 'admin', 'nonsense']) {
      expectRefused(await app.refresh(first.refresh_token, { scope }), 'invalid_scope')
    }
    expect((await app.refresh(first.refresh_token)).status).toBe(200)
  })

  test('no token for another API, by resource or by audience', async () => {
    const first = await begin()
    for (const named of [{ resource: 'https://nope.example.com' }, { audience: 'https://nope.example.com' }]) {
      expectRefused(await application.refresh(first.refresh_token, named), 'invalid_target')
    }
    expect((await application.refresh(first.refresh_token, { resource: api.identifier })).status).toBe(200)
  })

  test('nothing for the refresh token of another client, or an unknown, malformed or missing one', async () => {
    const first = await begin()
    const other = await register()
    const spa = await register({ isPublic: true })
    expectRefused(await other.refresh(first.refresh_token))
    expectRefused(await spa.refresh(first.refresh_token))
    expectRefused(await spa.refresh(first.refresh_token, { client_id: application.clientId }), 'invalid_client', 401)
    for (const token of ['nonsense', 'kwr_nonsense', `${first.refresh_token}x`, first.access_token]) {
      expectRefused(await application.refresh(token))
    }
    expectRefused(await application.refresh('', {}), 'invalid_request')
    expect((await application.refresh(first.refresh_token)).status).toBe(200)
  })
})

describe('rotation', () => {
  test('a public client’s token is rotated at every use; a retry gets the same response, reuse revokes the family', async () => {
    const spa = await register({ isPublic: true })
    const first = await begin(spa)
    const second = (await spa.refresh(first.refresh_token)).body
    expect(second.refresh_token).not.toBe(first.refresh_token)
    expect((await spa.refresh(first.refresh_token)).body.access_token).toBe(second.access_token)
    await age(spa, 31)
    expectRefused(await spa.refresh(first.refresh_token))
    expectRefused(await spa.refresh(second.refresh_token))
    expect(await isActive(second.access_token)).toBe(false)
  })

  test('a public client cannot be registered to keep its token', async () => {
    await expect(register({ isPublic: true, refreshTokenRotation: false })).rejects.toThrow(/rotate/)
  })

  test('a confidential client may have a token without rotation, and gets it back', async () => {
    const keeper = await register({ refreshTokenRotation: false })
    const first = await begin(keeper)
    for (let n = 0; n < 3; n++) {
      const { body } = await keeper.refresh(first.refresh_token)
      expect([body.refresh_token, body.refresh_token_expires_in]).toEqual([first.refresh_token, 2_592_000])
    }
  })
})

describe('lifetimes', () => {
  test('idle: each use restarts the lifetime; an unused token expires', async () => {
    const app = await register({ refreshTokenTtl: 600 })
    const first = await begin(app)
    expect(first.refresh_token_expires_in).toBe(600)
    await age(app, 500)
    const second = (await app.refresh(first.refresh_token)).body
    expect(second.refresh_token_expires_in).toBe(600)
    await age(app, 601)
    expectRefused(await app.refresh(second.refresh_token))
  })

  test('absolute: no use extends it', async () => {
    const app = await register({ refreshTokenTtl: 600, refreshTokenMaxAge: 900 })
    const first = await begin(app)
    await age(app, 500)
    const second = (await app.refresh(first.refresh_token)).body
    expect(second.refresh_token_expires_in).toBeGreaterThan(390)
    expect(second.refresh_token_expires_in).toBeLessThanOrEqual(400)
    await age(app, 401)
    expectRefused(await app.refresh(second.refresh_token))
  })

  test('absolute applies to a token without rotation too', async () => {
    const app = await register({ refreshTokenTtl: 600, refreshTokenMaxAge: 900, refreshTokenRotation: false })
    const { refresh_token } = await begin(app)
    await age(app, 500)
    expect((await app.refresh(refresh_token)).body.refresh_token_expires_in).toBeLessThanOrEqual(400)
    await age(app, 401)
    expectRefused(await app.refresh(refresh_token))
  })
})

describe('a refresh token is revoked with what it depends on, and stays revoked when that is restored', () => {
  async function ended(end: (app: Application, who: Person) => Promise<unknown>, accountId?: string): Promise<Answer> {
    const app = await register()
    const who = await createTestUser(server.knex, accountId ?? server.firstStart.accountId)
    const tokens = await begin(app, who)
    expect(await isActive(tokens.access_token)).toBe(true)
    await end(app, who)
    expect(await isActive(tokens.access_token)).toBe(false)
    return await app.refresh(tokens.refresh_token)
  }

  test('the consent is withdrawn', async () => {
    const withdraw = (app: Application, who: Person) =>
      withdrawConsent(server.knex, { userId: who.id, clientId: app.clientId }, ACTOR)
    expectRefused(await ended(withdraw))
  })

  test('the user is disabled, and enabled again', async () => {
    expectRefused(await ended((_, who) => changeUserStatus(server.knex, who.id, 'disabled', ACTOR)))
    const restored = ended(async (_, who) => {
      await changeUserStatus(server.knex, who.id, 'disabled', ACTOR)
      await changeUserStatus(server.knex, who.id, 'active', ACTOR)
    })
    expectRefused(await restored)
  })

  test('the user’s account is disabled, and enabled again', async () => {
    const account = await createAccount(server.knex, { name: 'Off' })
    const off = async () => {
      await changeAccountStatus(server.knex, account.id, 'disabled', ACTOR)
      await changeAccountStatus(server.knex, account.id, 'active', ACTOR)
    }
    expectRefused(await ended(off, account.id))
  })

  test('the client is archived, and restored', async () => {
    const archived = ended((app) => changeClientStatus(server.knex, app.clientId, 'archived', ACTOR))
    expectRefused(await archived, 'invalid_client', 401)
    const restored = ended(async (app) => {
      await changeClientStatus(server.knex, app.clientId, 'archived', ACTOR)
      await changeClientStatus(server.knex, app.clientId, 'active', ACTOR)
    })
    expectRefused(await restored)
  })

  test('the secret is rotated without an overlap', async () => {
    expectRefused(await ended((app) => rotateSecret(server.knex, app.clientId, 0, ACTOR)), 'invalid_client', 401)
  })
})

describe('the token policy single: one valid token per client, user and API', () => {
  test('a new sign-in or refresh revokes the earlier token, and none of another user or another API', async () => {
    const second = await server.make.api()
    const app = await createApplication(server, { policy: 'single' }, { apis: [api.identifier, second.identifier] })
    const other = await createTestUser(server.knex, server.firstStart.accountId)
    const first = await begin(app)
    const ofOther = await begin(app, other)
    const ofSecond = await begin(app, person, { params: { scope: 'read', resource: second.identifier } })
    const again = await begin(app)
    expect(await isActive(first.access_token)).toBe(false)
    expect(await isActive(again.access_token)).toBe(true)
    expect(await isActive(ofOther.access_token)).toBe(true)
    expect((await server.introspect(ofSecond.access_token, second)).body.active).toBe(true)
    const refreshed = (await app.refresh(again.refresh_token)).body
    expect(await isActive(again.access_token)).toBe(false)
    expect(await isActive(refreshed.access_token)).toBe(true)
    expect(await isActive(ofOther.access_token)).toBe(true)
  })
})
