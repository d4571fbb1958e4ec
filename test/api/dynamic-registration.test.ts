/** Clients that register themselves, with an initial access token or without one (RFC 7591). `registered-clients.test.ts` manages their registrations. */
import * as client from 'openid-client'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { parseClientMetadata } from '../../src/clients/client-metadata.ts'
import { rotateSecret } from '../../src/management/client-secret-rotation.ts'
import { registerClient } from '../../src/management/dynamic-registration.ts'
import { deleteUnusedRegistrations } from '../../src/management/registered-clients.ts'
import { signedIn } from '../guarantees/all-routes.ts'
import { keywright } from '../support/cli-in-process.ts'
import { newClientKey } from '../support/client-assertions.ts'
import {
  CALLBACK,
  METADATA,
  type Registrations,
  registrationsOf,
  setDynamicRegistration,
  updateOf,
} from '../support/dynamic-registration.ts'
import { ACTOR } from '../support/factory.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { managementToken, managingApplication, rawManagement } from '../support/management.ts'
import { type Answer, claimsOf } from '../support/requests.ts'
import { createPkce } from '../support/scriptless-browser.ts'
import { createTestUser } from '../support/test-users.ts'

let server: Keywright
let account: string
let api: { identifier: string }
let tokenWith: Registrations['tokenWith']
let register: Registrations['register']
let configure: Registrations['configure']

beforeAll(async () => {
  server = await startKeywright()
  account = await server.make.account()
  api = await server.make.api({ scopes: ['read', 'write', 'delete'] })
  ;({ tokenWith, register, configure } = registrationsOf(server, account, api.identifier))
  await setDynamicRegistration(server, 'initial_access_token')
})
beforeEach(async () => {
  await server.knex('initial_access_tokens').delete()
  await server.knex('sign_in_limits').delete()
})
afterAll(async () => await server?.stop())

const clients = async () => Number((await server.knex('clients').where({ account_id: account }).count())[0]!.count)

/** A stack overflows when it writes such keys. */
const deepKeys = `{"token_endpoint_auth_method":"private_key_jwt","jwks":{"keys":${'['.repeat(20_000)}${']'.repeat(20_000)}}}`

describe('a client with an initial access token', () => {
  test('registers itself, and belongs to the account of the token', async () => {
    const metadata = {
      ...METADATA,
      client_uri: 'https://app.example.com/',
      scope: 'openid read unknown',
      software_id: 'notes',
      x: 1,
    }
    const answer = await register(await tokenWith(), metadata)

    expect([answer.status, answer.headers.get('cache-control')]).toEqual([201, 'no-store'])
    expect(answer.body).toEqual({
      client_id: expect.stringMatching(/^kwc_/),
      client_id_issued_at: expect.any(Number),
      client_secret: expect.stringMatching(/^kws_[0-9A-Za-z]{49}$/),
      client_secret_expires_at: 0,
      registration_access_token: expect.stringMatching(/^kwg_[0-9A-Za-z]{49}$/),
      registration_client_uri: `${server.issuer}/oauth2/register/${answer.body.client_id}`,
      ...METADATA,
      client_uri: 'https://app.example.com/',
      response_types: ['code'],
      token_endpoint_auth_method: 'client_secret_basic',
      id_token_signed_response_alg: 'RS256',
      authorization_signed_response_alg: 'RS256',
      // All that it may ask users for: it can ask for more than at first (step-up).
      scope: 'read write delete',
      software_id: 'notes',
    })
    const row = await server.knex('clients').where({ client_id: answer.body.client_id }).first()
    expect(row).toMatchObject({ account_id: account, consent: 'show', kind: 'application', is_public: false })
  })

  test('is marked in the management API, and its registration is in the activity log', async () => {
    const { body } = await register(await tokenWith(), METADATA)
    const management = rawManagement(
      server.url,
      await managementToken(server, await managingApplication(server, account)),
    )
    const shown = await management.json('GET', `/applications/${body.client_id}`, undefined)
    expect(shown.body.registration).toMatchObject({
      source: 'initial_access_token',
      auth_method: 'client_secret_basic',
    })
    const { parsed } = await newClientKey()
    await rotateSecret(server.knex, body.client_id, 0, ACTOR, { authMethod: 'private_key_jwt', keys: parsed })
    const changed = await management.json('GET', `/applications/${body.client_id}`, undefined)
    expect(changed.body.registration.auth_method).toBe('private_key_jwt')
    const event = await server.knex('audit_log').where({ target_id: body.client_id, action: 'client.created' }).first()
    expect(event).toMatchObject({ actor_type: 'system', actor_id: 'dynamic_registration', account_id: account })
  })

  test('gets tokens with its secret, or signed by its key', async () => {
    const grants = ['client_credentials']
    const token = await tokenWith({ grants, scopes: ['read'] })
    const { body } = await register(token, { grant_types: grants })
    const basic = { clientId: body.client_id, clientSecret: body.client_secret }
    const { body: issued } = await server.token({ grant_type: 'client_credentials' }, { basic })
    expect(claimsOf(issued.access_token)).toMatchObject({ scope: 'read', aud: api.identifier, sub: body.client_id })

    // No user allows what it does, so it has the scopes that it requested.
    const narrow = await register(await tokenWith({ grants }), { grant_types: grants, scope: 'write unknown' })
    expect([narrow.status, narrow.body.scope]).toEqual([201, 'write'])
    const key = await newClientKey()
    const metadata = {
      grant_types: grants,
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: key.parsed.map(({ jwk }) => jwk) },
    }
    const keyed = await register(token, metadata)
    expect([keyed.status, keyed.body.client_secret]).toEqual([201, undefined])
    expect(
      await server
        .knex('client_secrets')
        .whereIn('client_id', server.knex('clients').where({ client_id: keyed.body.client_id }).select('id'))
        .pluck('kind'),
    ).toEqual(['key'])
  })

  test('registers by openid-client, which finds the endpoint by discovery', async () => {
    const config = await client.dynamicClientRegistration(new URL(server.issuer), METADATA, undefined, {
      initialAccessToken: await tokenWith(),
      execute: [client.allowInsecureRequests],
    })
    expect(config.clientMetadata()).toMatchObject({
      client_id: expect.stringMatching(/^kwc_/),
      redirect_uris: [CALLBACK],
    })
  })

  test('registers as a public client', async () => {
    const answer = await register(await tokenWith(), { ...METADATA, token_endpoint_auth_method: 'none' })
    expect([answer.status, answer.body.client_secret]).toEqual([201, undefined])
  })

  test('uses a token no more often than it allows, also at the same time', async () => {
    const token = await tokenWith({ max_uses: 2 })
    const before = await clients()
    const statuses = await Promise.all(Array.from({ length: 10 }, async () => (await register(token, METADATA)).status))
    expect(statuses.filter((status) => status === 201)).toHaveLength(2)
    expect(statuses.filter((status) => status === 401)).toHaveLength(8)
    expect(await clients()).toBe(before + 2)
  })

  test('is refused with an unknown, expired or revoked token, and after the account is disabled', async () => {
    const missing = await register(undefined, METADATA)
    expect([missing.status, missing.headers.get('www-authenticate'), missing.body.error]).toEqual([
      401,
      'Bearer',
      'invalid_token',
    ])
    const unknown = await register(`kwi_${'x'.repeat(49)}`, METADATA)
    expect([unknown.status, unknown.headers.get('www-authenticate')]).toEqual([401, 'Bearer error="invalid_token"'])
    const token = await tokenWith()
    const rows = () => server.knex('initial_access_tokens').where({ last_four: token.slice(-4) })
    await rows().update({ expires_at: server.knex.fn.now() })
    expect((await register(token, METADATA)).status).toBe(401)
    const other = await tokenWith()
    await server
      .knex('initial_access_tokens')
      .where({ last_four: other.slice(-4) })
      .delete()
    expect((await register(other, METADATA)).status).toBe(401)
  })

  test.each([
    ['no redirect URI', { redirect_uris: [] }, 'invalid_redirect_uri'],
    ['a redirect URI without TLS', { redirect_uris: ['http://app.example.com/'] }, 'invalid_redirect_uri'],
    ['a redirect URI that is no text', { redirect_uris: [1] }, 'invalid_redirect_uri'],
    ['a grant type that the token does not permit', { grant_types: ['client_credentials'] }, 'invalid_client_metadata'],
    ['an unknown grant type', { grant_types: ['implicit'] }, 'invalid_client_metadata'],
    ['response types that do not fit', { response_types: ['token'] }, 'invalid_client_metadata'],
    ['an unknown method', { token_endpoint_auth_method: 'client_secret_jwt' }, 'invalid_client_metadata'],
    ['private_key_jwt without keys', { token_endpoint_auth_method: 'private_key_jwt' }, 'invalid_client_metadata'],
    [
      'keys beside their URL',
      { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [] }, jwks_uri: 'https://app.example.com/jwks' },
      'invalid_client_metadata',
    ],
    [
      'a URL of keys without TLS',
      { token_endpoint_auth_method: 'private_key_jwt', jwks_uri: 'http://app.example.com/jwks' },
      'invalid_client_metadata',
    ],
    ['a requirement that is no boolean', { dpop_bound_access_tokens: 'true' }, 'invalid_client_metadata'],
    ['signed requests of a client without keys', { require_signed_request_object: true }, 'invalid_client_metadata'],
    ['a default age of sign-ins', { default_max_age: 60 }, 'invalid_client_metadata'],
    ['a required time of the sign-in', { require_auth_time: true }, 'invalid_client_metadata'],
    ['pairwise subjects', { subject_type: 'pairwise' }, 'invalid_client_metadata'],
    ['encrypted ID tokens', { id_token_encrypted_response_alg: 'RSA-OAEP' }, 'invalid_client_metadata'],
    ['ID tokens without signature', { id_token_signed_response_alg: 'none' }, 'invalid_client_metadata'],
    ['responses by another algorithm', { authorization_signed_response_alg: 'ES256' }, 'invalid_client_metadata'],
    ['a name with control characters', { client_name: 'a\u0000b' }, 'invalid_client_metadata'],
    ['a link that is no URI', { client_uri: 'javascript:alert(1)' }, 'invalid_client_metadata'],
    ['scopes that it may not have', { scope: 'admin' }, 'invalid_client_metadata'],
  ])('is refused with %s, and nothing is stored', async (_, changes, error) => {
    const token = await tokenWith()
    const before = await clients()
    const answer = await register(token, { ...METADATA, ...changes })
    expect([answer.status, answer.body.error]).toEqual([400, error])
    expect(answer.body.error_description).toBeTypeOf('string')
    expect(await clients()).toBe(before)
    expect(
      (
        await server
          .knex('initial_access_tokens')
          .where({ last_four: token.slice(-4) })
          .first()
      ).uses,
    ).toBe(0)
  })

  test.each([
    ['no JSON', '{', {}, 400],
    ['a list', '[]', {}, 400],
    ['deeply nested keys', deepKeys, {}, 400],
    ['a duplicate member', '{"redirect_uris":["https://a.example/"],"redirect_uris":["https://b.example/"]}', {}, 400],
    ['a body that is too large', `{"x":"${'x'.repeat(70_000)}"}`, {}, 413],
    ['a form', 'a=b', { 'content-type': 'application/x-www-form-urlencoded' }, 415],
  ])('is refused with %s', async (_, body, headers, status) => {
    expect((await register(await tokenWith(), body, headers)).status).toBe(status)
  })
})

test('the command line generates, lists and revokes tokens, and switches dynamic registration off', async () => {
  const cli = keywright(server.env)
  const made = (await cli(
    `initial-access-token generate --account ${account} --grants client_credentials --max-uses 3 --days 1`,
  )) as Record<string, string>
  expect(made).toMatchObject({ grants: 'client_credentials', max_uses: 3, uses: 0, apis: [], scopes: 'all' })
  expect((await register(made.token, { grant_types: ['client_credentials'] })).status).toBe(201)
  const { initial_access_tokens: listed } = (await cli(`initial-access-token list --account ${account}`)) as {
    initial_access_tokens: object[]
  }
  expect(listed).toContainEqual(
    expect.objectContaining({ initial_access_token_id: made.initial_access_token_id, uses: 1 }),
  )
  await cli(`initial-access-token revoke ${made.initial_access_token_id}`)
  expect((await register(made.token, METADATA)).status).toBe(401)
  await cli('instance update --dynamic-registration off')
  expect((await register(made.token, METADATA)).status).toBe(404)
  await cli('instance update --dynamic-registration initial_access_token')
})

test('no client registers after dynamic registration was switched off, also if its request had begun', async () => {
  const token = await tokenWith()
  await server.knex('instance_settings').update({ dynamic_registration: 'off' })
  const late = registerClient(server.knex, token, parseClientMetadata(METADATA, 'none'), {})
  await expect(late).rejects.toThrow(/initial access token/)
  await server.knex('instance_settings').update({ dynamic_registration: 'initial_access_token' })
})

test('a client that registered itself always asks for consent, whatever an admin sets', async () => {
  const { body } = await register(await tokenWith(), METADATA)
  const skipping = keywright(server.env)(`client update ${body.client_id} --consent skip_own_account`)
  await expect(skipping).rejects.toThrow(/always asks for consent/)
})

test('an initial access token permits no management API and no unknown scope', async () => {
  const management = rawManagement(
    server.url,
    await managementToken(server, await managingApplication(server, account)),
  )
  for (const wrong of [
    { apis: ['urn:keywright:management'] },
    { apis: [api.identifier], scopes: ['admin'] },
    { days: 0 },
    { max_uses: 0 },
    { grants: [] },
    { grants: ['urn:ietf:params:oauth:grant-type:token-exchange'] },
  ]) {
    const answer = await management.json('POST', '/initial-access-tokens', wrong)
    expect([wrong, answer.status]).toEqual([wrong, 400])
  }
})

describe('open registration', () => {
  const open = (changes: object) =>
    server.knex('instance_settings').update({ dynamic_registration: 'open', ...changes })
  let holder: string
  beforeAll(async () => {
    holder = await server.make.account()
    await open({
      open_registration_account: holder,
      open_registration_apis: [api.identifier],
      open_registration_scopes: ['read'],
    })
  })
  afterAll(() => server.knex('instance_settings').update({ dynamic_registration: 'initial_access_token' }))

  test('lets a stranger register a client with the permitted scopes, which the selected account holds', async () => {
    const { status, body } = await register(undefined, {
      ...METADATA,
      scope: 'read write',
      token_endpoint_auth_method: 'none',
    })
    expect([status, body.scope]).toEqual([201, 'read'])
    const row = await server.knex('clients').where({ client_id: body.client_id }).first()
    expect(row).toMatchObject({ account_id: holder, consent: 'show' })
    const { expires_at } = await server.knex('dynamic_registrations').where({ client_id: row.id }).first()
    expect(expires_at.getTime()).toBeLessThan(Date.now() + 25 * 3_600_000)
  })

  test('permits no URL of keys, which the server would fetch for a stranger', async () => {
    const keyed = { ...METADATA, token_endpoint_auth_method: 'private_key_jwt' }
    const refused = await register(undefined, { ...keyed, jwks_uri: 'https://victim.example.com/jwks' })
    expect([refused.status, refused.body.error]).toEqual([400, 'invalid_client_metadata'])
    const { parsed } = await newClientKey()
    const jwks = { keys: parsed.map(({ jwk }) => jwk) }
    const made = await register(undefined, { ...keyed, jwks })
    expect(made.status).toBe(201)
    const uri = 'https://victim.example.com/jwks'
    const update = await configure('PUT', made, updateOf(made, { ...keyed, jwks_uri: uri }))
    expect([update.status, update.body.error]).toEqual([400, 'invalid_client_metadata'])
    expect(await server.knex('client_key_sets').where({ uri })).toEqual([])
  })

  test('permits no URL of sign-outs, which users would make the server call', async () => {
    const uri = 'https://victim.example.com/logout'
    const refused = await register(undefined, { ...METADATA, backchannel_logout_uri: uri })
    expect([refused.status, refused.body.error]).toEqual([400, 'invalid_client_metadata'])
    const made = await register(undefined, METADATA)
    const named = updateOf(made, { backchannel_logout_uri: uri })
    expect((await configure('PUT', made, named)).status).toBe(400)
    await keywright(server.env)(`client update ${made.body.client_id} --backchannel-logout-uri ${uri}`)
    expect((await configure('PUT', made, named)).body.backchannel_logout_uri).toBe(uri)
  })

  test('lets an account hold a limited number of such clients', async () => {
    const full = await server.make.account()
    await server.knex.raw(
      `WITH c AS (INSERT INTO clients (client_id, account_id, kind, name, grants)
                  SELECT 'full-' || n, :account, 'application', 'Full', '{authorization_code}' FROM generate_series(1, 10000) n RETURNING id)
       INSERT INTO dynamic_registrations (client_id, source, token_hash, auth_method)
       SELECT id, 'open', sha256(id::text::bytea), 'none' FROM c`,
      { account: full },
    )
    await open({ open_registration_account: full })
    const refused = await register(undefined, METADATA)
    expect([refused.status, refused.body.error]).toEqual([409, 'access_denied'])
    await server.knex('clients').where({ client_id: 'full-1' }).delete()
    expect((await register(undefined, METADATA)).status).toBe(201)
    await open({ open_registration_account: holder })
    await server.knex('clients').where({ account_id: full }).delete()
  })

  test('permits no client that acts for itself, and no wrong token', async () => {
    const itself = await register(undefined, { grant_types: ['client_credentials'] })
    expect([itself.status, itself.body.error]).toEqual([400, 'invalid_client_metadata'])
    expect((await register('wrong', METADATA)).status).toBe(401)
  })

  test('always asks for consent, whatever the account sets', async () => {
    const { body } = await register(undefined, METADATA)
    const cli = keywright(server.env)
    const skipping = cli(`client update ${body.client_id} --consent skip_own_account`)
    await expect(skipping).rejects.toThrow(/always asks for consent/)
    const person = await createTestUser(server.knex, account, 'admin')
    const request = {
      client_id: body.client_id,
      response_type: 'code',
      redirect_uri: CALLBACK,
      scope: 'read',
      code_challenge: createPkce().challenge,
      code_challenge_method: 'S256',
    }
    const page = await (await signedIn(server, person)).visit(`/oauth2/authorize?${new URLSearchParams(request)}`)
    expect(page.text).toContain('nobody has checked who runs it')
    expect(page.text).toContain('app.example.com')
    const { name } = await server.knex('accounts').where({ id: holder }).first()
    expect(page.text).not.toContain(name)
  })

  test('deletes a client that no user allowed, however often it authenticated', async () => {
    const { body } = await register(undefined, METADATA)
    const { id } = await server.knex('clients').where({ client_id: body.client_id }).first('id')
    const now = server.knex.fn.now()
    await server.knex('client_secrets').where({ client_id: id }).update({ last_used_at: now })
    await server.knex('client_callers').insert({ client_id: id, ip: '192.0.2.1', api_id: 0, last_used_at: now })
    const past = server.knex.raw(`now() - interval '1 second'`)
    await server.knex('dynamic_registrations').where({ client_id: id }).update({ expires_at: past })
    await deleteUnusedRegistrations(server.knex, 500)
    expect(await server.knex('clients').where({ id, status: 'active' })).toEqual([])
  })

  test('limits how often strangers change what they registered', async () => {
    const made = await register(undefined, METADATA)
    const statuses: number[] = []
    for (let n = 0; n < 100 && statuses.at(-1) !== 429; n++)
      statuses.push((await configure('PUT', made, updateOf(made, { client_name: `Notes ${n}` }))).status)
    expect(statuses.at(-1)).toBe(429)
    expect(statuses.length).toBeLessThan(30)
  })

  test('is refused while no account is selected', async () => {
    await open({ open_registration_account: null })
    expect((await register(undefined, METADATA)).status).toBe(401)
    await open({ open_registration_account: holder })
    await server.knex('accounts').where({ id: holder }).update({ status: 'disabled' })
    const disabled = await register(undefined, METADATA)
    expect([disabled.status, disabled.text.includes(holder)]).toEqual([401, false])
    await server.knex('accounts').where({ id: holder }).update({ status: 'active' })
    const cli = keywright(server.env)
    await expect(cli('instance update --open-registration-account off --dynamic-registration open')).rejects.toThrow(
      /needs an account/,
    )
    await expect(cli(`instance update --open-registration-account ${api.identifier}`)).rejects.toThrow(
      /not an account ID/,
    )
  })

  test('stores no more clients than the limits allow, from one network or many', async () => {
    const count = async () => Number((await server.knex('clients').where({ account_id: holder }).count())[0]!.count)
    const metadata = parseClientMetadata(METADATA, 'none')
    const begun = Date.now()
    const attempt = async (ip: string) =>
      await registerClient(server.knex, '', metadata, { ip }).then(
        () => 1,
        () => 0,
      )
    const before = await count()
    for (let n = 0; n < 30; n++) await attempt('192.0.2.1')
    const refilled = () => Math.ceil((Date.now() - begun) / 60_000)
    expect((await count()) - before).toBeLessThanOrEqual(10 + refilled())
    for (let n = 0; n < 400; n++) await attempt(`198.51.${n % 250}.${n % 200}`)
    expect((await count()) - before).toBeLessThanOrEqual(100 + refilled())
  })
})

test('a network that sends many requests is slowed down', async () => {
  const answers: Answer[] = []
  for (let n = 0; n < 400 && answers.at(-1)?.status !== 429; n++) answers.push(await register(undefined, METADATA))
  expect(answers.at(-1)).toMatchObject({ status: 429, body: { error: 'rate_limit_exceeded' } })
  expect(Number(answers.at(-1)!.headers.get('retry-after'))).toBeGreaterThan(0)
})
