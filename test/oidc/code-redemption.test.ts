/** What a code gives, and all that it is refused for: RFC 6749, section 4.1.3; RFC 7636; RFC 9700, section 4.5. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createAccount } from '../../src/accounts/accounts.ts'
import { withdrawConsent } from '../../src/consents/consents.ts'
import { changeAccountStatus } from '../../src/management/account-changes.ts'
import { rotateSecret } from '../../src/management/client-secret-rotation.ts'
import { changeClientStatus } from '../../src/management/client-status.ts'
import { changeApiEnabled } from '../../src/management/instance-changes.ts'
import { changeUserStatus } from '../../src/management/user-changes.ts'
import { revokeTokensOfUser } from '../../src/tokens/revocation.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { type Answer, claimsOf, send } from '../support/requests.ts'
import { createPkce, openBrowser } from '../support/scriptless-browser.ts'
import { createTestUser, type Person } from '../support/test-users.ts'
import {
  type Application,
  CALLBACK,
  createApplication,
  expectNoFieldErrors,
  getCode,
  getTokens,
  type Params,
} from './application-fixtures.ts'

const ACTOR = { type: 'system' } as const

let server: Keywright
let person: Person
let application: Application

beforeAll(async () => {
  server = await startKeywright()
  person = await createTestUser(server.knex, server.firstStart.accountId)
  application = await createApplication(server)
})

afterAll(async () => {
  expectNoFieldErrors(server)
  await server.stop()
})

const codeOf = (app = application, params: Params = {}, who = person) =>
  getCode(openBrowser(server.url), app, who, params)

const isActive = async (token: string): Promise<boolean> =>
  (await server.introspect(token, server.firstStart.api)).body.active

function expectRefused({ status, body }: Answer, error = 'invalid_grant', expected = 400): void {
  expect([status, body.error]).toEqual([expected, error])
}

describe('a code obtains', () => {
  test('a Bearer token, a refresh token and an ID token, in the shape of DESIGN.md, kept by no cache', async () => {
    const answer = await application.redeem(await codeOf(application, { scope: 'openid offline_access all' }))
    expect(answer.body).toEqual({
      access_token: expect.any(String),
      token_type: 'Bearer',
      expires_in: 36_000,
      scope: 'openid offline_access all',
      id_token: expect.any(String),
      refresh_token: expect.stringMatching(/^kwr_/),
      refresh_token_expires_in: 2_592_000,
    })
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(answer.headers.get('pragma')).toBe('no-cache')
  })

  test('an access token by RFC 9068, of the user and for the API', async () => {
    const { access_token, id_token } = await getTokens(server, application, person, { params: { scope: 'openid all' } })
    const [header] = access_token.split('.')
    expect(JSON.parse(Buffer.from(header, 'base64url').toString())).toMatchObject({ typ: 'at+jwt', alg: 'ES256' })
    const claims = claimsOf(access_token)
    expect(claims).toEqual({
      iss: server.issuer,
      sub: person.id,
      aud: server.firstStart.api.identifier,
      client_id: application.clientId,
      account_id: server.firstStart.accountId,
      scope: 'openid all',
      iat: expect.any(Number),
      exp: (claims.iat as number) + 36_000,
      jti: expect.any(String),
      status: { status_list: { idx: expect.any(Number), uri: expect.stringContaining('/oauth2/status/') } },
      auth_time: claimsOf(id_token).auth_time,
      acr: 'urn:keywright:acr:password',
      amr: ['pwd'],
    })
  })

  test('a token with a lifetime of 200 days or 60 seconds, as the client is configured', async () => {
    const app = await createApplication(server, { accessTokenTtl: 60 })
    expect((await getTokens(server, app, person)).expires_in).toBe(60)
  })

  test('no ID token under plain OAuth, and a refresh token as the client is configured', async () => {
    const always = await createApplication(server)
    const plain = await getTokens(server, always, person, { params: { scope: 'all' } })
    expect(plain).not.toHaveProperty('id_token')
    expect(plain.refresh_token).toMatch(/^kwr_/)
    const asked = await createApplication(server, { refreshTokens: 'offline_access' })
    expect(await getTokens(server, asked, person, { params: { scope: 'all' } })).not.toHaveProperty('refresh_token')
    const offline = await getTokens(server, asked, person, { params: { scope: 'all offline_access' } })
    expect(offline.refresh_token).toMatch(/^kwr_/)
    const never = await createApplication(server, { grants: ['authorization_code'] })
    const without = await getTokens(server, never, person, { params: { scope: 'openid all offline_access' } })
    expect(without).not.toHaveProperty('refresh_token')
    expect(without.scope).toBe('openid all')
  })

  test('no refresh token under OpenID Connect without offline_access', async () => {
    expect(await getTokens(server, application, person)).not.toHaveProperty('refresh_token')
  })

  test('tokens by a client secret in the body', async () => {
    const { clientId, clientSecret } = application
    const inBody = { client_id: clientId, client_secret: clientSecret }
    expect((await application.redeem(await codeOf(), inBody, { basic: undefined } as object)).status).toBe(200)
  })

  test('a token for the resource of the request, which may be repeated, and for no other', async () => {
    const [one, two] = [await server.make.api(), await server.make.api()]
    const app = await createApplication(server, {}, { apis: [one.identifier, two.identifier] })
    const params = { scope: 'read', resource: two.identifier }
    const repeated = await app.redeem(await codeOf(app, params), { resource: two.identifier })
    expect(claimsOf(repeated.body.access_token).aud).toBe(two.identifier)
    expectRefused(await app.redeem(await codeOf(app, params), { resource: one.identifier }), 'invalid_target')
    expectRefused(await app.redeem(await codeOf(app, params), { resource: 'https://x.example.com' }), 'invalid_target')
    expect(claimsOf((await getTokens(server, app, person, { params })).access_token).aud).toBe(two.identifier)
    expect(claimsOf((await getTokens(server, app, person)).access_token).aud).toBe(one.identifier)
  })
})

describe('PKCE', () => {
  const confidential = { pkceRequired: false } as const
  const none = { code_challenge: undefined, code_challenge_method: undefined }

  test('a wrong, missing or malformed verifier is refused', async () => {
    const code = await codeOf()
    expectRefused(await application.redeem(code, { code_verifier: createPkce().verifier }))
    expectRefused(await application.redeem(code, { code_verifier: undefined }))
    for (const code_verifier of ['short', 'ä'.repeat(50), 'a'.repeat(200)]) {
      const answer = await application.redeem(code, { code_verifier })
      expect([answer.status, answer.body.error]).toEqual([400, expect.stringMatching(/^invalid_(request|grant)$/)])
    }
    expectRefused(await application.redeem(code, { code_verifier: application.pkce.challenge }))
    // None of these was the code's redemption.
    expect((await application.redeem(code)).status).toBe(200)
  })

  test('a confidential client may be exempt from PKCE', async () => {
    const exempt = await createApplication(server, confidential)
    const tokens = await exempt.redeem(await codeOf(exempt, none), { code_verifier: undefined })
    expect(tokens.status).toBe(200)
  })

  test('once it sent a challenge, an exempted client must show the verifier', async () => {
    const exempt = await createApplication(server, confidential)
    expectRefused(await exempt.redeem(await codeOf(exempt), { code_verifier: undefined }))
  })

  test('a verifier where there was no challenge is a downgrade (RFC 9700, section 4.8.2)', async () => {
    const exempt = await createApplication(server, confidential)
    expectRefused(await exempt.redeem(await codeOf(exempt, none)))
  })

  test('a public client is never exempt', async () => {
    await expect(createApplication(server, { isPublic: true, pkceRequired: false })).rejects.toThrow(/PKCE/)
  })
})

describe('a code is valid for its own client, redirect URI and browser only', () => {
  test('another client, confidential or public, is refused', async () => {
    const code = await codeOf()
    const other = await createApplication(server)
    const { verifier } = application.pkce
    expectRefused(await other.redeem(code, { code_verifier: verifier }))
    const spa = await createApplication(server, { isPublic: true })
    expectRefused(await spa.redeem(code, { code_verifier: verifier }))
    const asOther = await application.redeem(code, { client_id: other.clientId })
    expect([400, 401]).toContain(asOther.status)
    // As a public client of the right name, without its secret.
    const nameOnly = await spa.redeem(code, { client_id: application.clientId, code_verifier: verifier })
    expectRefused(nameOnly, 'invalid_client', 401)
    expect((await application.redeem(code)).status).toBe(200)
  })

  test('a code injected into another session fails at the verifier', async () => {
    const spa = await createApplication(server, { isPublic: true })
    const stolen = await codeOf(spa)
    expectRefused(await spa.redeem(stolen, { code_verifier: createPkce().verifier }))
  })

  test('another redirect URI of the same client, an unregistered one, or none where there are several', async () => {
    const two = await createApplication(server, { redirectUris: [CALLBACK, `${CALLBACK}/2`] })
    const code = await codeOf(two)
    for (const redirect_uri of [`${CALLBACK}/2`, 'https://evil.example.com', `${CALLBACK}?`]) {
      expectRefused(await two.redeem(code, { redirect_uri }))
    }
    expectRefused(await two.redeem(code, { redirect_uri: undefined }), 'invalid_request')
    expect((await two.redeem(code)).status).toBe(200)
  })

  test('the loopback port is that of the request', async () => {
    const native = await createApplication(server, { isPublic: true, redirectUris: ['http://127.0.0.1/callback'] })
    const code = await codeOf(native, { redirect_uri: 'http://127.0.0.1:5000/callback' })
    expectRefused(await native.redeem(code, { redirect_uri: 'http://127.0.0.1:5001/callback' }))
    expect((await native.redeem(code, { redirect_uri: 'http://127.0.0.1:5000/callback' })).status).toBe(200)
  })

  test('unknown, malformed and missing codes', async () => {
    for (const code of ['nonsense', 'x'.repeat(5000), '☃', ' ', 'a.b.c']) expectRefused(await application.redeem(code))
    for (const code of ['', undefined]) {
      expectRefused(await application.redeem('', { code }), 'invalid_request')
    }
    expectRefused(await application.redeem('a\0b'), 'invalid_request')
  })
})

describe('a code is redeemed once, within a minute', () => {
  test('a repeated code is refused, and its access and refresh tokens are revoked', async () => {
    const code = await codeOf(application, { scope: 'openid offline_access all' })
    const { body } = await application.redeem(code)
    expect(await isActive(body.access_token)).toBe(true)
    expectRefused(await application.redeem(code))
    expect(await isActive(body.access_token)).toBe(false)
    expectRefused(await application.refresh(body.refresh_token))
    const headers = { authorization: `Bearer ${body.access_token}` }
    expect((await send(`${server.url}/oauth2/userinfo`, { headers })).status).toBe(401)
  })

  test('tokens that were refreshed meanwhile are revoked with it', async () => {
    const code = await codeOf(application, { scope: 'openid offline_access all' })
    const first = (await application.redeem(code)).body
    const second = (await application.refresh(first.refresh_token)).body
    expectRefused(await application.redeem(code))
    expect(await isActive(second.access_token)).toBe(false)
    expectRefused(await application.refresh(second.refresh_token))
  })

  test('a repeated code whose row was deleted revokes its tokens, for its own client alone', async () => {
    const code = await codeOf(application, { scope: 'openid offline_access all' })
    const { access_token, refresh_token } = (await application.redeem(code)).body
    await server.knex('engine_models').where({ model: 'AuthorizationCode' }).delete()
    const stranger = await createApplication(server)
    expectRefused(await stranger.redeem(code))
    expect(await isActive(access_token)).toBe(true)
    expectRefused(await application.redeem(code))
    expect(await isActive(access_token)).toBe(false)
    expectRefused(await application.refresh(refresh_token))
  })

  test('a code that has expired', async () => {
    const code = await codeOf()
    await server
      .knex('engine_models')
      .where({ model: 'AuthorizationCode' })
      .update({ expires_at: server.knex.raw("now() - interval '1 second'") })
    expectRefused(await application.redeem(code))
  })
})

describe('a code is invalidated with what it depends on, and stays invalid when that is restored', () => {
  async function dying(end: (app: Application, who: Person) => Promise<unknown>, accountId?: string): Promise<Answer> {
    const app = await createApplication(server)
    const who = await createTestUser(server.knex, accountId ?? server.firstStart.accountId)
    const code = await codeOf(app, { scope: 'openid offline_access all' }, who)
    await end(app, who)
    return await app.redeem(code)
  }

  test('the consent is withdrawn', async () => {
    expectRefused(
      await dying((app, who) => withdrawConsent(server.knex, { userId: who.id, clientId: app.clientId }, ACTOR)),
    )
  })

  test('the user is disabled, and enabled again', async () => {
    expectRefused(await dying((_, who) => changeUserStatus(server.knex, who.id, 'disabled', ACTOR)))
    const restored = dying(async (_, who) => {
      await changeUserStatus(server.knex, who.id, 'disabled', ACTOR)
      await changeUserStatus(server.knex, who.id, 'active', ACTOR)
    })
    expectRefused(await restored)
  })

  test('the tokens of the user are revoked', async () => {
    expectRefused(await dying((_, who) => revokeTokensOfUser(server.knex, who.id, ACTOR)))
  })

  test('the user’s account is disabled, and enabled again', async () => {
    const off = await createAccount(server.knex, { name: 'Off' })
    expectRefused(await dying(() => changeAccountStatus(server.knex, off.id, 'disabled', ACTOR), off.id))
    const onAgain = await createAccount(server.knex, { name: 'On again' })
    const restored = dying(async () => {
      await changeAccountStatus(server.knex, onAgain.id, 'disabled', ACTOR)
      await changeAccountStatus(server.knex, onAgain.id, 'active', ACTOR)
    }, onAgain.id)
    expectRefused(await restored)
  })

  test('the client is archived, and restored', async () => {
    const archived = dying((app) => changeClientStatus(server.knex, app.clientId, 'archived', ACTOR))
    expectRefused(await archived, 'invalid_client', 401)
    const restored = dying(async (app) => {
      await changeClientStatus(server.knex, app.clientId, 'archived', ACTOR)
      await changeClientStatus(server.knex, app.clientId, 'active', ACTOR)
    })
    expectRefused(await restored)
  })

  test('the secret is rotated, unless with an overlap', async () => {
    const rotated = async (overlap: number) => {
      const app = await createApplication(server)
      const code = await codeOf(app)
      const { clientSecret } = await rotateSecret(server.knex, app.clientId, overlap, ACTOR)
      return { old: await app.redeem(code), renewed: await app.redeem(code, {}, { basic: { ...app, clientSecret } }) }
    }
    const atOnce = await rotated(0)
    expectRefused(atOnce.old, 'invalid_client', 401)
    expectRefused(atOnce.renewed)
    expect((await rotated(60)).old.status).toBe(200)
  })

  test('the API of the instance is disabled, and enabled again', async () => {
    const restored = dying(async () => {
      await changeApiEnabled(server.knex, false, ACTOR)
      const page = await openBrowser(server.url).visit(application.link())
      expect([page.status, page.left]).toEqual([400, undefined])
      await changeApiEnabled(server.knex, true, ACTOR)
    })
    expectRefused(await restored)
  })
})
