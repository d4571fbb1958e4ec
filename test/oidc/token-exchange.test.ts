/** Token exchange (RFC 8693): what is accepted, what is refused, and what the new token contains. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ClientSettings } from '../../src/clients/client-settings.ts'
import { TOKEN_EXCHANGE_GRANT } from '../../src/clients/grant-types.ts'
import { revokeGrant } from '../../src/refresh/refresh-token-families.ts'
import { newId } from '../../src/shared/ids.ts'
import { lockTokensShared } from '../../src/tokens/token-locks.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { until } from '../support/load.ts'
import { countWaiting, untilLocked } from '../support/lock-waits.ts'
import { type Answer, type Credentials, claimsOf } from '../support/requests.ts'
import { createTestUser, type Person } from '../support/test-users.ts'
import { type Application, createApplication, getTokens } from './application-fixtures.ts'

const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token'

let server: Keywright
let api: Credentials & { identifier: string }
let application: Application
let person: Person
/** Of the user, for the application. */
let tokens: { access_token: string; refresh_token: string; id_token: string }

type Policy = Partial<ClientSettings>

/** A client that may exchange tokens of the application. */
const makeAgent = (policy: Policy = {}, apis = [api.identifier], scopes: string[] | null = null) =>
  server.make.client(
    { grants: ['client_credentials', TOKEN_EXCHANGE_GRANT], exchangeFrom: [application.clientId], ...policy },
    apis,
    scopes,
  )

const exchange = (client: Credentials, form: Record<string, string> = {}): Promise<Answer> =>
  server.token(
    {
      grant_type: TOKEN_EXCHANGE_GRANT,
      subject_token: tokens.access_token,
      subject_token_type: ACCESS_TOKEN,
      ...form,
    },
    { basic: client },
  )

const isActive = async (token: string, by = api): Promise<boolean> => (await server.introspect(token, by)).body.active

beforeAll(async () => {
  server = await startKeywright()
  api = await server.make.api()
  const customer = await server.make.account()
  person = await createTestUser(server.knex, customer)
  application = await createApplication(server, {}, { apis: [api.identifier] })
  tokens = await getTokens(server, application, person, { params: { scope: 'openid offline_access read write' } })
})

afterAll(() => server.stop())

describe('an agent exchanges the token of a user', () => {
  test('for a narrower one that names the user, the agent and the account', async () => {
    const agent = await makeAgent()
    const { status, body, headers } = await exchange(agent, { scope: 'read' })
    expect([status, body]).toEqual([
      200,
      {
        access_token: expect.any(String),
        issued_token_type: ACCESS_TOKEN,
        token_type: 'Bearer',
        expires_in: expect.any(Number),
        scope: 'read',
      },
    ])
    expect(headers.get('cache-control')).toBe('no-store')
    const subject = claimsOf(tokens.access_token)
    const claims = claimsOf(body.access_token)
    expect(claims).toMatchObject({
      sub: person.id,
      account_id: subject.account_id,
      client_id: agent.clientId,
      aud: api.identifier,
      scope: 'read',
      act: { sub: agent.clientId },
    })
    expect(claims.exp).toBeLessThanOrEqual(subject.exp as number)
    expect(body.expires_in).toBeLessThanOrEqual(3600)
    expect((await server.introspect(body.access_token, api)).body).toMatchObject({
      active: true,
      act: { sub: agent.clientId },
    })
    expect(await isActive(tokens.access_token)).toBe(true)
  })

  test('for all scopes that both have, without those of OpenID Connect', async () => {
    expect((await exchange(await makeAgent())).body.scope).toBe('read write')
    expect((await exchange(await makeAgent({}, [api.identifier], ['write']))).body.scope).toBe('write')
    expect((await exchange(await makeAgent({ exchangeScopes: ['read'] }))).body.scope).toBe('read')
  })

  test('for at most the lifetime of its policy', async () => {
    expect((await exchange(await makeAgent({ exchangeTtl: 60 }))).body.expires_in).toBe(60)
  })

  test('for a token of another API only if its policy has that API', async () => {
    const other = await server.make.api()
    const apis = [other.identifier, api.identifier]
    const form = { resource: other.identifier }
    expect((await exchange(await makeAgent({}, apis), form)).body.error).toBe('invalid_target')
    const agent = await makeAgent({ exchangeApis: [other.identifier] }, apis)
    expect(claimsOf((await exchange(agent, form)).body.access_token).aud).toBe(other.identifier)
    // The agent's default API is another one.
    expect(claimsOf((await exchange(agent)).body.access_token).aud).toBe(api.identifier)
  })

  test('and it is recorded in the activity of the account of the user, with both identities', async () => {
    const agent = await makeAgent()
    await exchange(agent, { scope: 'read' })
    const [event] = await server
      .knex('audit_log')
      .where({ action: 'token.exchanged', actor_id: agent.clientId })
      .select('target_type', 'target_id', 'account_id', 'detail')
    expect(event).toEqual({
      target_type: 'user',
      target_id: person.id,
      account_id: claimsOf(tokens.access_token).account_id,
      detail: {
        client_id: agent.clientId,
        subject_client_id: application.clientId,
        audience: api.identifier,
        scope: 'read',
      },
    })
  })
})

test('exchanges form a chain that names each actor, and has a greatest length', async () => {
  let subject = tokens.access_token
  let exchangeFrom = [application.clientId]
  const actors: string[] = []
  for (let n = 0; n < 3; n++) {
    const agent = await makeAgent({ exchangeFrom })
    const { body } = await exchange(agent, { subject_token: subject })
    actors.unshift(agent.clientId)
    subject = body.access_token
    exchangeFrom = [agent.clientId]
  }
  const [third, second, first] = actors
  expect(claimsOf(subject).act).toEqual({ sub: third, act: { sub: second, act: { sub: first } } })
  const { status, body } = await exchange(await makeAgent({ exchangeFrom }), { subject_token: subject })
  expect([status, body.error]).toEqual([400, 'invalid_request'])
  expect(body.error_description).toContain('at most 3')
})

test('a client that is in the chain already cannot exchange again', async () => {
  const one = await makeAgent()
  const two = await makeAgent({ exchangeFrom: [one.clientId] })
  await server
    .knex('clients')
    .where({ client_id: one.clientId })
    .update({ exchange_from: [application.clientId, two.clientId] })
  const first = await exchange(one)
  const second = await exchange(two, { subject_token: first.body.access_token })
  const { status, body } = await exchange(one, { subject_token: second.body.access_token })
  expect([status, body.error]).toEqual([400, 'invalid_request'])
})

describe('is refused', () => {
  let agent: Credentials

  beforeAll(async () => {
    agent = await makeAgent()
  })

  const TYPE = 'urn:ietf:params:oauth:token-type'
  const forged = () => `${tokens.access_token.slice(0, tokens.access_token.lastIndexOf('.'))}.${'A'.repeat(86)}`
  test.each<[string, () => Record<string, string>, string]>([
    ['no subject token', () => ({ subject_token: '' }), 'invalid_request'],
    ['no type of the subject token', () => ({ subject_token_type: '' }), 'invalid_request'],
    ['a type that is no access token', () => ({ subject_token_type: `${TYPE}:saml2` }), 'invalid_request'],
    [
      'a type of ID tokens',
      () => ({ subject_token_type: `${TYPE}:id_token`, subject_token: tokens.id_token }),
      'invalid_request',
    ],
    ['an ID token as an access token', () => ({ subject_token: tokens.id_token }), 'invalid_request'],
    ['a refresh token', () => ({ subject_token: tokens.refresh_token }), 'invalid_request'],
    [
      'a refresh token by its type',
      () => ({ subject_token_type: `${TYPE}:refresh_token`, subject_token: tokens.refresh_token }),
      'invalid_request',
    ],
    ['a text', () => ({ subject_token: 'abc' }), 'invalid_request'],
    ['a very long text', () => ({ subject_token: `a.b.${'c'.repeat(20_000)}` }), 'invalid_request'],
    ['a forged signature', () => ({ subject_token: forged() }), 'invalid_request'],
    ['a requested refresh token', () => ({ requested_token_type: `${TYPE}:refresh_token` }), 'invalid_request'],
    ['a requested ID token', () => ({ requested_token_type: `${TYPE}:id_token` }), 'invalid_request'],
    ['an actor token', () => ({ actor_token: tokens.access_token, actor_token_type: ACCESS_TOKEN }), 'invalid_request'],
    ['an actor token without its type', () => ({ actor_token: tokens.access_token }), 'invalid_request'],
    ['the type of an actor token without it', () => ({ actor_token_type: ACCESS_TOKEN }), 'invalid_request'],
    ['a scope that the user did not give', () => ({ scope: 'admin' }), 'invalid_scope'],
    ['a scope of OpenID Connect', () => ({ scope: 'openid' }), 'invalid_scope'],
    ['an API that the client has not', () => ({ resource: 'https://nowhere.example.com' }), 'invalid_target'],
    ['an audience that the client has not', () => ({ audience: 'https://nowhere.example.com' }), 'invalid_target'],
    ['the management API', () => ({ resource: 'urn:keywright:management' }), 'invalid_target'],
  ])('%s', async (_what, form, error) => {
    const { status, body } = await exchange(agent, form())
    expect([status, body.error, body.access_token]).toEqual([400, error, undefined])
  })

  test.each(['subject_token', 'subject_token_type', 'requested_token_type'])('%s given twice', async (name) => {
    const form = new URLSearchParams({
      grant_type: TOKEN_EXCHANGE_GRANT,
      subject_token: tokens.access_token,
      subject_token_type: ACCESS_TOKEN,
      client_id: agent.clientId,
      client_secret: agent.clientSecret!,
    })
    form.append(name, ACCESS_TOKEN)
    form.append(name, ACCESS_TOKEN)
    const response = await fetch(`${server.url}/oauth2/token`, { method: 'POST', body: form })
    expect([response.status, ((await response.json()) as { error: string }).error]).toEqual([400, 'invalid_request'])
  })

  test('a token that is exchanged for a wider one again', async () => {
    const { body } = await exchange(agent, { scope: 'read' })
    const next = await makeAgent({ exchangeFrom: [agent.clientId] })
    const wider = await exchange(next, { subject_token: body.access_token, scope: 'read write' })
    expect([wider.status, wider.body.error]).toEqual([400, 'invalid_scope'])
    expect((await exchange(next, { subject_token: body.access_token })).body.scope).toBe('read')
  })

  test('a client without the grant type, without a policy, or with one for other clients', async () => {
    const without = await server.make.client({ exchangeFrom: [application.clientId] }, [api.identifier])
    const answers = await Promise.all(
      [without, await makeAgent({ exchangeFrom: null }), await makeAgent({ exchangeFrom: [agent.clientId] })].map(
        (client) => exchange(client),
      ),
    )
    expect(answers.map(({ status, body }) => [status, body.error])).toEqual([
      [400, 'unauthorized_client'],
      [400, 'invalid_request'],
      [400, 'invalid_request'],
    ])
  })

  test('a client that does not authenticate', async () => {
    const { status, body } = await exchange({ clientId: agent.clientId, clientSecret: 'wrong' })
    expect([status, body.error]).toEqual([401, 'invalid_client'])
  })

  test('a client that is deleted after it authenticated', async () => {
    const deleted = await makeAgent()
    const deletion = await server.knex.transaction()
    await deletion('clients').where({ client_id: deleted.clientId }).delete()
    const answer = exchange(deleted)
    await untilLocked({ query: (text) => server.knex.raw(text) }, answer)
    await deletion.commit()
    const { status, body } = await answer
    expect([status, body.error]).toEqual([401, 'invalid_client'])
  })

  test('a token of a client that acts for itself, also its own', async () => {
    const own = await makeAgent()
    await server
      .knex('clients')
      .where({ client_id: own.clientId })
      .update({ exchange_from: [own.clientId] })
    const { body } = await server.machineToken(own)
    const answer = await exchange(own, { subject_token: body.access_token })
    expect([answer.status, answer.body.error]).toEqual([400, 'invalid_request'])
  })

  test.each(['the token', 'its refresh token'])(
    'a token while the revocation of %s waits for an earlier exchange',
    async (which) => {
      const { access_token, refresh_token } = await getTokens(server, application, person, {
        params: { scope: 'openid offline_access read' },
      })
      const jti = claimsOf(access_token).jti as string
      const earlier = await server.knex.transaction()
      const { grant_id } = await earlier('access_tokens').where({ jti }).first('grant_id')
      await lockTokensShared(earlier, [jti, grant_id])
      await earlier('access_tokens').where({ jti }).forShare().select('jti')
      const revocation = server.revoke(which === 'the token' ? access_token : refresh_token, application)
      await untilLocked({ query: (text) => server.knex.raw(text) }, revocation)
      let isAnswered = false
      const answer = exchange(agent, { subject_token: access_token }).finally(() => {
        isAnswered = true
      })
      await until(async () => isAnswered || (await countWaiting(server.knex)) > 1)
      await earlier.commit()
      await revocation
      const { status, body } = await answer
      expect([status, body.error]).toEqual([400, 'invalid_request'])
    },
  )

  test('a token whose revocation waits for no other token', async () => {
    const { access_token } = await getTokens(server, application, person, { params: { scope: 'read' } })
    await server.knex.transaction(async (trx) => {
      await lockTokensShared(trx, Array.from({ length: 2000 }, newId))
      expect((await server.revoke(access_token, application)).status).toBe(200)
    })
    expect((await exchange(agent, { subject_token: access_token })).body).toMatchObject({ error: 'invalid_request' })
  })

  test('a revoked and an unknown token', async () => {
    const { access_token } = await getTokens(server, application, person, { params: { scope: 'read' } })
    const again = await getTokens(server, application, person, { params: { scope: 'read' } })
    await server.revoke(access_token, application)
    await server
      .knex('access_tokens')
      .where({ jti: claimsOf(again.access_token).jti as string })
      .delete()
    for (const subject_token of [access_token, again.access_token])
      expect((await exchange(agent, { subject_token })).body).toMatchObject({ error: 'invalid_request' })
  })
})

test('a client exchanges its own token of a user, unless the policy single would revoke it', async () => {
  const grants = ['authorization_code', TOKEN_EXCHANGE_GRANT]
  const own = await createApplication(server, { grants }, { apis: [api.identifier] })
  await server
    .knex('clients')
    .where({ client_id: own.clientId })
    .update({ exchange_from: [own.clientId] })
  const { access_token } = await getTokens(server, own, person, { params: { scope: 'read write' } })
  const { body } = await exchange(own, { subject_token: access_token, scope: 'read' })
  expect(claimsOf(body.access_token)).toMatchObject({ scope: 'read', act: { sub: own.clientId } })
  await server.knex('clients').where({ client_id: own.clientId }).update({ policy: 'single', version: 9 })
  const refused = await exchange(own, { subject_token: access_token, scope: 'read' })
  expect([refused.status, refused.body.error]).toEqual([400, 'invalid_request'])
  expect(await isActive(access_token)).toBe(true)
})

test('exchanged tokens are found where the planner reads their table whole', async () => {
  const agent = await makeAgent()
  const exchanged: string[] = []
  for (let n = 0; n < 12; n++) exchanged.push((await exchange(agent)).body.access_token)
  const jti = claimsOf(exchanged.at(-1)!).jti as string
  const rows = await server.knex.transaction(async (trx) => {
    await trx.raw('DISCARD PLANS')
    await trx.raw(
      `SET LOCAL enable_indexscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL statement_timeout = '20s'`,
    )
    return await trx('client_access_tokens').where({ jti }).select('jti')
  })
  expect(rows).toEqual([{ jti }])
})

test('the revocation of a grant takes one lock, however many tokens it has: PostgreSQL has few thousands', async () => {
  const { access_token, refresh_token } = await getTokens(server, application, person, {
    params: { scope: 'openid offline_access read' },
  })
  await server.token({ grant_type: 'refresh_token', refresh_token }, { basic: application })
  const jti = claimsOf(access_token).jti as string
  const { grant_id } = await server.knex('access_tokens').where({ jti }).first('grant_id')
  const { revoked, locks } = await server.knex.transaction(async (trx) => {
    const revoked = await revokeGrant(trx, grant_id)
    const { rows } = await trx.raw(
      `SELECT classid FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()`,
    )
    return { revoked, locks: rows.length }
  })
  expect([revoked, locks]).toEqual([2, 1])
})

test('a public client cannot be registered for it', async () => {
  const settings = { grants: [TOKEN_EXCHANGE_GRANT], isPublic: true }
  await expect(server.make.client(settings)).rejects.toThrow(/public client has no client secret/)
})

test('the discovery document names the grant type', async () => {
  const response = await fetch(`${server.url}/.well-known/oauth-authorization-server`)
  expect(((await response.json()) as Record<string, unknown>).grant_types_supported).toContain(TOKEN_EXCHANGE_GRANT)
})
