/** Tokens by assertions of an identity provider (draft-ietf-oauth-identity-assertion-authz-grant-03): what is accepted, refused, and ends them. */
import { createHmac, generateKeyPairSync, randomUUID } from 'node:crypto'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT } from 'jose'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type ClientSettings, DEFAULT_SETTINGS } from '../../src/clients/client-settings.ts'
import { JWT_BEARER_GRANT } from '../../src/clients/grant-types.ts'
import { insertIdentity } from '../../src/identity-providers/user-identities.ts'
import { createClient, updateClient } from '../../src/management/client-registration.ts'
import {
  deleteIdentityProvider,
  setIdentityProviderStatus,
  updateIdentityProvider,
} from '../../src/management/identity-provider-operations.ts'
import { addMembership, updateMembership } from '../../src/management/membership-operations.ts'
import { MANAGEMENT_API } from '../../src/shared/management-api-identifier.ts'
import { revokeTokensOfUser } from '../../src/tokens/revocation.ts'
import { operator } from '../management/principals.ts'
import { ACTOR } from '../support/factory.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { type Answer, type Credentials, claimsOf, postForm } from '../support/requests.ts'
import { addTestPasskey } from '../support/second-factors.ts'
import { createTestUser, type Person } from '../support/test-users.ts'
import { startScriptedProvider } from './scripted-provider.ts'
import { addProvider, openUpstream } from './upstream-environment.ts'

let upstream: Awaited<ReturnType<typeof openUpstream>>
let server: Keywright
/** Another node of the same database. */
let other: Keywright
let account: string
let providerId: string
let api: Credentials & { identifier: string }
let application: Credentials
let person: Person

beforeAll(async () => {
  upstream = await openUpstream()
  server = upstream.server
  account = server.firstStart.accountId
  other = await startKeywright({ env: { ...server.env, ISSUER: server.issuer }, databaseUrl: server.env.DATABASE_URL! })
  providerId = await upstream.add({ accountId: account, identityAssertions: true })
  api = await server.make.api()
  application = await makeClient()
  person = await connected()
})
afterEach(() => upstream.provider.script({}))
afterAll(async () => {
  const failures = [server, other].flatMap((node) => node.logLines().filter((line) => line.status === 500))
  expect(failures).toEqual([])
  await other.stop()
  await upstream.stop()
})

const management = () => ({ knex: server.knex, encryptionKeys: server.instance.encryptionKeys })

async function makeClient(
  given: Partial<ClientSettings> = {},
  apis = [api.identifier],
  accountId: string | null = account,
): Promise<Credentials> {
  const settings = { ...DEFAULT_SETTINGS, name: 'Sync', grants: [JWT_BEARER_GRANT], identityAssertions: true, ...given }
  const { client, clientSecret } = await createClient(server.knex, { accountId, settings, apis, scopes: null }, ACTOR)
  return { clientId: client.clientId, clientSecret: clientSecret! }
}

const subjectOf = ({ id }: Person) => `sub-${id}`

/** A user who has signed in through a provider. */
async function connected(of = providerId, inAccount = account): Promise<Person> {
  const made = await createTestUser(server.knex, inAccount)
  await insertIdentity(server.knex, { providerId: of, subject: subjectOf(made), userId: made.id })
  return made
}

const assertionFor = (
  who: Person | string,
  client: Credentials,
  claims: object = {},
  header: Record<string, unknown> = {},
  by = upstream.provider,
) =>
  by.identityAssertion(
    { aud: server.url, client_id: client.clientId, sub: typeof who === 'string' ? who : subjectOf(who), ...claims },
    header,
  )

const present = (
  assertion: string,
  form: Record<string, string> = {},
  client = application,
  at = server,
): Promise<Answer> => at.token({ grant_type: JWT_BEARER_GRANT, assertion, ...form }, { basic: client })

/** A token for a new user. */
async function obtain(who: Person, claims: object = {}, client = application): Promise<string> {
  const { status, body } = await present(assertionFor(who, client, claims), {}, client)
  expect([status, body.error_description]).toEqual([200, undefined])
  return body.access_token
}

const isActive = async (token: string): Promise<boolean> => (await other.introspect(token, api)).body.active

const now = () => Math.floor(Date.now() / 1000)

describe('an assertion of the provider of an account', () => {
  test('obtains an access token that acts for its user in that account, and no refresh token', async () => {
    const authTime = now() - 60
    const { status, body } = await present(
      assertionFor(person, application, {
        scope: 'read openid offline_access unknown',
        resource: api.identifier,
        auth_time: authTime,
        amr: ['pwd'],
      }),
    )
    expect([status, body.scope, body.token_type]).toEqual([200, 'read', 'Bearer'])
    expect(body).not.toHaveProperty('refresh_token')
    expect(body).not.toHaveProperty('id_token')
    const about = {
      sub: person.id,
      account_id: account,
      client_id: application.clientId,
      aud: api.identifier,
      amr: ['pwd'],
      auth_time: authTime,
    }
    expect(claimsOf(body.access_token)).toMatchObject(about)
    expect((await other.introspect(body.access_token, api)).body).toMatchObject({
      active: true,
      sub: person.id,
      account_id: account,
    })
  })

  test('without scope and resource, is for the default API with the scopes of the application', async () => {
    const { body } = await present(assertionFor(person, application, { aud: [server.url] }))
    expect(body.scope).toBe('read write')
    const narrower = await present(assertionFor(person, application), { scope: 'write' })
    expect(narrower.body.scope).toBe('write')
  })

  test('is for one of several APIs that it names', async () => {
    const second = await server.make.api()
    const client = await makeClient({}, [api.identifier, second.identifier])
    const resource = [api.identifier, second.identifier, 'https://elsewhere.example']
    const assertion = assertionFor(person, client, { resource })
    expect((await present(assertion, {}, client)).body.error).toBe('invalid_target')
    const { body } = await present(assertion, { resource: second.identifier }, client)
    expect(claimsOf(body.access_token).aud).toBe(second.identifier)
    const single = assertionFor(person, client, { resource: second.identifier })
    expect(claimsOf((await present(single, {}, client)).body.access_token).aud).toBe(second.identifier)
  })

  test('is an event of the account, with the application and the provider', async () => {
    const client = await makeClient()
    await obtain(person, { scope: 'read' }, client)
    const event = await server
      .knex('audit_log')
      .where({ actor_id: client.clientId!, action: 'token.obtained_by_assertion' })
      .first()
    expect(event).toMatchObject({
      target_type: 'user',
      target_id: person.id,
      account_id: account,
      detail: { client_id: client.clientId, identity_provider: providerId, audience: api.identifier, scope: 'read' },
    })
  })

  test('states a second factor only where an operator accepts that of the provider', async () => {
    const who = await connected()
    await addTestPasskey(server.knex, who.id)
    const claims = { amr: ['pwd', 'mfa'], acr: 'https://idp.example/strong' }
    expect((await present(assertionFor(who, application, claims))).body.error).toBe('invalid_grant')
    await updateIdentityProvider(management(), operator, { providerId, trustsSecondFactor: true })
    const token = await obtain(who, claims)
    await updateIdentityProvider(management(), operator, { providerId, trustsSecondFactor: false })
    expect(claimsOf(token)).toMatchObject(claims)
  })

  test('creates a user where the provider is set up to, and only with a verified address that nobody has', async () => {
    const creating = await startScriptedProvider()
    const id = await addProvider(server, creating, { accountId: account, identityAssertions: true, createsUsers: true })
    const email = `new-${randomUUID()}@example.com`
    const first = assertionFor('newcomer', application, { email, email_verified: true, name: 'New' }, {}, creating)
    const second = assertionFor('newcomer', application, { email, email_verified: true }, {}, creating)
    const { status, body } = await present(first)
    expect(status).toBe(200)
    const user = await server.knex('users').where({ email }).first()
    expect(claimsOf(body.access_token)).toMatchObject({ sub: user.id, account_id: account })
    expect((await present(second)).status).toBe(200)
    const unverified = assertionFor('another', application, { email: 'another@example.com' }, {}, creating)
    const taken = assertionFor('impostor', application, { email: person.email, email_verified: true }, {}, creating)
    for (const assertion of [unverified, taken]) expect((await present(assertion)).body.error).toBe('invalid_grant')
    await updateIdentityProvider(management(), operator, { providerId: id, createsUsers: false })
    const unknown = assertionFor('third', application, { email: `third-${email}`, email_verified: true }, {}, creating)
    expect((await present(unknown)).body.error).toBe('invalid_grant')
    expect(await server.knex('users').where({ email: `third-${email}` })).toEqual([])
    await deleteIdentityProvider(management(), operator, { providerId: id })
    creating.stop()
  })

  test('that is bound to a key needs the proof of that key, to which the token is then bound', async () => {
    const { privateKey, publicKey } = await generateKeyPair('ES256')
    const jwk = await exportJWK(publicKey)
    const jkt = await calculateJwkThumbprint(jwk)
    const prove = () =>
      new SignJWT({ htm: 'POST', htu: `${server.issuer}/oauth2/token`, jti: randomUUID() })
        .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk })
        .setIssuedAt()
        .sign(privateKey)
    const withProof = async (assertion: string) =>
      await server.token(
        { grant_type: JWT_BEARER_GRANT, assertion },
        { basic: application, headers: { dpop: await prove() } },
      )
    const bound = assertionFor(person, application, { cnf: { jkt } })
    expect((await present(bound)).body.error).toBe('invalid_grant')
    const another = assertionFor(person, application, { cnf: { jkt: 'x'.repeat(43) } })
    expect((await withProof(another)).body.error).toBe('invalid_grant')
    for (const assertion of [bound, assertionFor(person, application)]) {
      const { body } = await withProof(assertion)
      expect([body.token_type, claimsOf(body.access_token).cnf]).toEqual(['DPoP', { jkt }])
    }
  })
})

describe('an assertion obtains nothing', () => {
  const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey

  test.each<[string, () => Record<string, unknown>]>([
    ['for another server', () => ({ aud: 'https://other.example' })],
    ['for this server and another one', () => ({ aud: [server.url, 'https://other.example'] })],
    ['for the token endpoint', () => ({ aud: `${server.url}/oauth2/token` })],
    ['for another client', () => ({ client_id: 'kwc_00000000000000000000' })],
    ['without a client', () => ({ client_id: undefined })],
    ['of another issuer', () => ({ iss: 'https://elsewhere.example' })],
    ['without an issuer', () => ({ iss: undefined })],
    ['that has expired', () => ({ iat: now() - 400, exp: now() - 100 })],
    ['without an expiry', () => ({ exp: undefined })],
    ['without a time of issue', () => ({ iat: undefined })],
    ['that was issued in the future', () => ({ iat: now() + 300, exp: now() + 600 })],
    ['that is not valid yet', () => ({ nbf: now() + 300 })],
    ['that is valid for too long', () => ({ exp: now() + 86_400 })],
    ['that is too old', () => ({ iat: now() - 5000, exp: now() + 60 })],
    ['without a jti', () => ({ jti: undefined })],
    ['with a jti that is no text', () => ({ jti: 1 })],
    ['without a subject', () => ({ sub: undefined })],
    ['of an unknown subject', () => ({ sub: 'nobody', email: 'nobody@example.com', email_verified: true })],
    ['with an authentication in the future', () => ({ auth_time: now() + 600 })],
    ['with authorization details', () => ({ authorization_details: [{ type: 'chat' }] })],
    ['with an actor', () => ({ act: { sub: 'agent' } })],
    ['of a tenant', () => ({ tenant: 'acme' })],
    ['for another account', () => ({ aud_tenant: '00000000-0000-4000-8000-000000000000' })],
    ['with a resource that is no URI', () => ({ resource: 1 })],
    ['with a scope that is no text', () => ({ scope: ['read'] })],
  ])('%s', async (_what, claims) => {
    const { status, body } = await present(assertionFor(person, application, claims()))
    expect([status, body.error]).toEqual([400, 'invalid_grant'])
  })

  test.each(['a\0b', 'a\ud800'])('by which a user would be created in an account that is called %j', async (org) => {
    const creating = await startScriptedProvider()
    const values = { identityAssertions: true, createsUsers: true, accountClaim: 'org' }
    const id = await addProvider(server, creating, values)
    const email = `new-${randomUUID()}@example.com`
    const assertion = assertionFor('newcomer', application, { email, email_verified: true, org }, {}, creating)
    const { status, body } = await present(assertion)
    expect([status, body.error]).toEqual([400, 'invalid_grant'])
    await deleteIdentityProvider(management(), operator, { providerId: id })
    creating.stop()
  })

  test('for another account, and does not say whether that exists', async () => {
    const ofInstance = await startScriptedProvider()
    const id = await addProvider(server, ofInstance, { identityAssertions: true })
    const who = await connected(id)
    const named = [await server.make.account(), randomUUID()]
    const answers = await Promise.all(
      named.map((aud_tenant) => present(assertionFor(who, application, { aud_tenant }, {}, ofInstance))),
    )
    expect(answers.map(({ body }) => body.error)).toEqual(['invalid_grant', 'invalid_grant'])
    expect(answers[0]!.body).toEqual(answers[1]!.body)
    await deleteIdentityProvider(management(), operator, { providerId: id })
    ofInstance.stop()
  })

  test.each<[string, Record<string, unknown>]>([
    ['as an ID token', { typ: 'JWT' }],
    ['as a logout token', { typ: 'logout+jwt' }],
    ['without a type', { typ: undefined }],
    ['with alg none', { alg: 'none' }],
  ])('%s', async (_what, header) => {
    const { status, body } = await present(assertionFor(person, application, {}, header))
    expect([status, body.error]).toEqual([400, 'invalid_grant'])
  })

  test('that another key signed, also one that the provider shares', async () => {
    upstream.provider.script({ signsWith: stranger })
    expect((await present(assertionFor(person, application))).body.error).toBe('invalid_grant')
    upstream.provider.script({})
    const [, payload] = assertionFor(person, application).split('.')
    const input = `${Buffer.from(JSON.stringify({ alg: 'HS256', typ: 'oauth-id-jag+jwt' })).toString('base64url')}.${payload}`
    const mac = createHmac('sha256', upstream.provider.clientSecret).update(input).digest('base64url')
    expect((await present(`${input}.${mac}`)).body.error).toBe('invalid_grant')
  })

  test('with scopes or an API that the application does not have', async () => {
    expect((await present(assertionFor(person, application, { scope: 'unknown' }))).body.error).toBe('invalid_scope')
    expect((await present(assertionFor(person, application, { scope: 'read' }), { scope: 'write' })).body.error).toBe(
      'invalid_scope',
    )
    const elsewhere = { resource: 'https://elsewhere.example' }
    expect((await present(assertionFor(person, application, elsewhere))).body.error).toBe('invalid_target')
    expect((await present(assertionFor(person, application, elsewhere), { resource: api.identifier })).body.error).toBe(
      'invalid_target',
    )
  })

  test('for the management API', async () => {
    const client = await makeClient({}, [MANAGEMENT_API])
    expect((await present(assertionFor(person, client), {}, client)).body.error).toBe('invalid_target')
  })

  test('by an application that is not set up for it, is public, or of another account', async () => {
    const without = await makeClient({ identityAssertions: false })
    expect((await present(assertionFor(person, without), {}, without)).body.error).toBe('invalid_grant')
    const elsewhere = await makeClient({}, [api.identifier], await server.make.account())
    expect((await present(assertionFor(person, elsewhere), {}, elsewhere)).body.error).toBe('invalid_grant')
    await expect(makeClient({ isPublic: true })).rejects.toThrow()
    await expect(makeClient({ accessType: 'client' })).rejects.toThrow('identity assertions are for users')
    const ungranted = await makeClient({ grants: ['client_credentials'] })
    expect((await present(assertionFor(person, ungranted), {}, ungranted)).body.error).toBe('unauthorized_client')
    const anonymous = await postForm(`${server.url}/oauth2/token`, {
      grant_type: JWT_BEARER_GRANT,
      assertion: assertionFor(person, application),
      client_id: application.clientId!,
    })
    expect([anonymous.status, anonymous.body.error]).toEqual([401, 'invalid_client'])
  })

  test('of a provider that does not accept assertions', async () => {
    const silent = await startScriptedProvider()
    const id = await addProvider(server, silent, { accountId: account })
    const who = await connected(id)
    expect((await present(assertionFor(who, application, {}, {}, silent))).body.error).toBe('invalid_grant')
    expect(silent.requests.filter((path) => path === '/jwks')).toEqual([])
    silent.stop()
  })

  test('while the provider does not respond', async () => {
    const gone = await startScriptedProvider()
    const id = await addProvider(server, gone, { accountId: account, identityAssertions: true })
    const who = await connected(id)
    gone.script({ jwks: (response) => void response.writeHead(500).end() })
    const { status, body } = await present(assertionFor(who, application, {}, {}, gone))
    expect([status, body.error]).toEqual([503, 'temporarily_unavailable'])
    gone.stop()
  })

  test('for an operator', async () => {
    const ofInstance = await startScriptedProvider()
    const id = await addProvider(server, ofInstance, { identityAssertions: true })
    const [chief] = await server.knex('users').where({ role: 'operator' }).select('id', 'email')
    await insertIdentity(server.knex, {
      providerId: id,
      subject: `sub-${chief.id}`,
      userId: chief.id,
      isConfirmed: true,
    })
    const client = await makeClient({}, [api.identifier], null)
    const { body } = await present(assertionFor(chief, client, {}, {}, ofInstance), {}, client)
    expect(body.error).toBe('invalid_grant')
    ofInstance.stop()
  })
})

describe('an application of the instance', () => {
  test('acts in the account whose provider issued the assertion', async () => {
    const client = await makeClient({}, [api.identifier], null)
    expect(claimsOf(await obtain(person, {}, client))).toMatchObject({ sub: person.id, account_id: account })
    const second = await server.make.account()
    await server.knex('accounts').where({ id: second }).update({ external_id: 'second' })
    const same = await addProvider(server, upstream.provider, { accountId: second, identityAssertions: true })
    const who = await connected(same, second)
    expect(claimsOf(await obtain(who, {}, client))).toMatchObject({ sub: who.id, account_id: second })
    // The same subject is known to both accounts.
    await insertIdentity(server.knex, { providerId: same, subject: subjectOf(person), userId: who.id })
    expect((await present(assertionFor(person, client), {}, client)).body.error).toBe('invalid_grant')
    expect(claimsOf(await obtain(person, { aud_tenant: 'second' }, client))).toMatchObject({
      sub: who.id,
      account_id: second,
    })
    expect(claimsOf(await obtain(person, { aud_tenant: account }, client))).toMatchObject({
      sub: person.id,
      account_id: account,
    })
    await deleteIdentityProvider(management(), operator, { providerId: same })
  })
})

describe('the tokens end, and no assertion from before obtains another one,', () => {
  const logout = (claims: Record<string, unknown>, id = providerId) =>
    postForm(`${other.url}/oauth2/backchannel-logout/${id}`, { logout_token: upstream.provider.logoutToken(claims) })

  test.each<[string, (who: Person) => Promise<unknown>]>([
    [
      'when the user signs out at the provider',
      async (who) => expect((await logout({ sub: subjectOf(who) })).status).toBe(200),
    ],
    [
      'when a session of the user ends at the provider',
      async (who) => expect((await logout({ sub: subjectOf(who), sid: randomUUID() })).status).toBe(200),
    ],
    [
      'when the user is disabled',
      (who) =>
        server
          .knex('users')
          .where({ id: who.id })
          .update({ status: 'disabled' })
          .then(() => revokeTokensOfUser(server.knex, who.id, ACTOR)),
    ],
    [
      'when the access of the user is revoked',
      async (who) => {
        await server
          .knex('users')
          .where({ id: who.id })
          .update({ created_at: new Date(Date.now() - 86_400_000) })
        await revokeTokensOfUser(server.knex, who.id, ACTOR)
        // The time of issue has whole seconds.
        await server
          .knex('users')
          .where({ id: who.id })
          .update({ sessions_valid_from: new Date(Date.now() + 1000) })
      },
    ],
    ['when the identity is removed', (who) => server.knex('user_identities').where({ user_id: who.id }).delete()],
  ])('%s', async (_what, end) => {
    const who = await connected()
    const token = await obtain(who)
    const kept = await obtain(person)
    const later = assertionFor(who, application)
    await end(who)
    expect([await isActive(token), await isActive(kept)]).toEqual([false, true])
    expect((await present(later)).body.error).toBe('invalid_grant')
  })

  test('when the membership ends', async () => {
    const second = await server.make.account()
    const who = await connected()
    await addMembership(management(), operator, { userId: who.id, accountId: second, role: 'member' })
    const token = await obtain(who)
    await updateMembership(management(), operator, {
      userId: who.id,
      accountId: account,
      status: 'disabled',
    })
    expect(await isActive(token)).toBe(false)
    expect((await present(assertionFor(who, application))).body.error).toBe('invalid_grant')
  })

  test('when the provider is disabled, deleted, or its assertions are no longer accepted', async () => {
    const own = await startScriptedProvider()
    const ends: ((id: string) => Promise<unknown>)[] = [
      (id) => updateIdentityProvider(management(), operator, { providerId: id, identityAssertions: false }),
      (id) => setIdentityProviderStatus(management(), operator, { providerId: id, status: 'disabled' }),
      (id) => deleteIdentityProvider(management(), operator, { providerId: id }),
    ]
    for (const end of ends) {
      const id = await addProvider(server, own, { accountId: account, identityAssertions: true })
      const who = await connected(id)
      const { body } = await present(assertionFor(who, application, {}, {}, own))
      expect(await isActive(body.access_token)).toBe(true)
      await end(id)
      expect(await isActive(body.access_token)).toBe(false)
      expect((await present(assertionFor(who, application, {}, {}, own))).body.error).toBe('invalid_grant')
    }
    own.stop()
  })

  test('when the application may no longer present them, and its other tokens stay', async () => {
    const client = await makeClient({ grants: [JWT_BEARER_GRANT, 'client_credentials'] })
    const [token, own] = [await obtain(person, {}, client), (await server.machineToken(client)).body.access_token]
    await updateClient(server.knex, client.clientId!, { settings: { identityAssertions: false } }, ACTOR)
    expect([await isActive(token), await isActive(own)]).toEqual([false, true])
    expect((await present(assertionFor(person, client), {}, client)).body.error).toBe('invalid_grant')
  })

  test('at resource servers that verify offline', async () => {
    const who = await connected()
    const token = await obtain(who)
    const { idx } = (claimsOf(token).status as { status_list: { idx: number } }).status_list
    await server.knex('user_identities').where({ user_id: who.id }).delete()
    const published = await server.knex('revocations').whereRaw('? = ANY (status_indexes)', [idx])
    expect(published).not.toEqual([])
  })
})

test('50 uses of one assertion at the same time over two nodes: one obtains a token', async () => {
  const assertion = assertionFor(person, application)
  const nodes = Array.from({ length: 50 }, (_, n) => (n % 2 === 0 ? server : other))
  const responses = await Promise.all(nodes.map((node) => present(assertion, {}, application, node)))
  const statuses = responses.map(({ status }) => status)
  expect(statuses.filter((status) => status === 200)).toHaveLength(1)
  expect(statuses.filter((status) => status === 400)).toHaveLength(49)
})
