/** Clients that registered themselves manage their registration (RFC 7592). */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { rotateSecret } from '../../src/management/client-secret-rotation.ts'
import { deleteUnusedRegistrations } from '../../src/management/registered-clients.ts'
import { assertionForm, type ClientKey, newClientKey, signAssertion } from '../support/client-assertions.ts'
import {
  METADATA,
  type Registrations,
  registrationsOf,
  setDynamicRegistration,
  updateOf,
} from '../support/dynamic-registration.ts'
import { ACTOR } from '../support/factory.ts'
import { documentOf, jwkSet, startKeyServer } from '../support/key-server.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { untilLocked } from '../support/lock-waits.ts'
import type { Answer } from '../support/requests.ts'

type Options = Record<string, unknown>

let server: Keywright
let account: string
let tokenWith: Registrations['tokenWith']
let register: Registrations['register']
let configure: Registrations['configure']
let keyServer: Awaited<ReturnType<typeof startKeyServer>>

beforeAll(async () => {
  keyServer = await startKeyServer()
  server = await startKeywright({ env: { OUTGOING_ALLOW: '127.0.0.1' } })
  account = await server.make.account()
  const api = await server.make.api({ scopes: ['read', 'write', 'delete'] })
  ;({ tokenWith, register, configure } = registrationsOf(server, account, api.identifier))
  await setDynamicRegistration(server, 'initial_access_token')
})
beforeEach(async () => {
  await server.knex('initial_access_tokens').delete()
  await server.knex('sign_in_limits').delete()
})
afterAll(async () => {
  await server?.stop()
  keyServer.stop()
})

/** The key of a client, as a query. */
const keyOf = ({ body }: Answer) => server.knex('clients').where({ client_id: body.client_id }).select('id')

describe('the registration of a client', () => {
  test('is read with its registration access token, and with no other', async () => {
    const token = await tokenWith()
    const [one, other] = [await register(token, METADATA), await register(token, METADATA)]
    const { client_secret: _, client_secret_expires_at: __, ...rest } = one.body
    expect((await configure('GET', one)).body).toEqual(rest)
    for (const wrong of [other.body.registration_access_token, token, 'x']) {
      const refused = await configure('GET', one, undefined, wrong)
      expect([refused.status, refused.body.error]).toEqual([401, 'invalid_token'])
    }
    expect(await server.knex('dynamic_registrations').whereRaw('token_hash::text LIKE ?', ['%kwg%'])).toEqual([])
  })

  test('is replaced by an update', async () => {
    const made = await register(await tokenWith(), { ...METADATA, client_uri: 'https://app.example.com/' })
    const changes = {
      client_name: 'Renamed',
      redirect_uris: ['https://b.example/cb'],
      client_secret: made.body.client_secret,
    }
    const updated = await configure('PUT', made, updateOf(made, changes))
    expect(updated.body).toMatchObject({ client_name: 'Renamed', redirect_uris: ['https://b.example/cb'] })
    expect(updated.body.client_uri).toBeUndefined()
    expect(updated.body.registration_access_token).toBe(made.body.registration_access_token)
    expect((await configure('GET', made)).body).toEqual(updated.body)
  })

  test('gains no grant type, scope or other method by an update', async () => {
    const token = await tokenWith({ scopes: ['read'] })
    const made = await register(token, { ...METADATA, grant_types: ['authorization_code'], scope: 'read' })
    const wrong: [Options, string][] = [
      [{ grant_types: ['authorization_code', 'refresh_token'] }, 'invalid_client_metadata'],
      [{ grant_types: ['authorization_code'], scope: 'write' }, 'invalid_client_metadata'],
      [{ grant_types: ['authorization_code'], token_endpoint_auth_method: 'none' }, 'invalid_client_metadata'],
      [{ grant_types: ['authorization_code'], redirect_uris: [] }, 'invalid_redirect_uri'],
      [{ grant_types: ['authorization_code'], client_id: 'other' }, 'invalid_request'],
      [{ grant_types: ['authorization_code'], client_secret: 'other' }, 'invalid_request'],
      [{ grant_types: ['authorization_code'], registration_access_token: 'x' }, 'invalid_request'],
    ]
    for (const [changes, error] of wrong) {
      const answer = await configure('PUT', made, updateOf(made, changes))
      expect([changes, answer.status, answer.body.error]).toEqual([changes, 400, error])
    }
    const wider = await configure(
      'PUT',
      made,
      updateOf(made, { grant_types: ['authorization_code'], scope: 'read write' }),
    )
    expect([wider.status, wider.body.scope]).toEqual([200, 'read'])
  })

  test('has other keys after an update', async () => {
    const [former, key] = [await newClientKey(), await newClientKey()]
    const withKey = ({ parsed }: typeof key) => ({
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: parsed.map(({ jwk }) => jwk) },
    })
    const made = await register(await tokenWith(), { ...METADATA, ...withKey(former) })
    expect((await configure('PUT', made, updateOf(made, withKey(key)))).status).toBe(200)
    const { id } = await server.knex('clients').where({ client_id: made.body.client_id }).first()
    const works = await server.knex('client_secrets').where({ client_id: id }).whereNull('retires_at').pluck('hash')
    expect(works).toEqual([key.parsed[0]!.thumbprint])
  })

  test('names the URL of its keys, another URL, and keys instead', async () => {
    const [first, second, third] = [await newClientKey(), await newClientKey(), await newClientKey()]
    const [site, other] = [keyServer.publish(documentOf(jwkSet(first))), keyServer.publish(documentOf(jwkSet(second)))]
    const grants = ['client_credentials']
    const keyed = { redirect_uris: [], grant_types: grants, token_endpoint_auth_method: 'private_key_jwt' }
    const made = await register(await tokenWith({ grants }), { ...keyed, jwks_uri: site.uri })
    expect([made.status, made.body.jwks_uri, made.body.client_secret]).toEqual([201, site.uri, undefined])
    const statusBy = async (by: ClientKey) => {
      const assertion = await signAssertion(by, { clientId: made.body.client_id, audience: server.issuer })
      return (await server.token({ grant_type: 'client_credentials', ...assertionForm(assertion) })).status
    }
    expect(await statusBy(first)).toBe(200)

    const unchanged = await configure('PUT', made, updateOf(made, { ...keyed, jwks_uri: site.uri }))
    expect([unchanged.body.jwks_uri, await statusBy(first)]).toEqual([site.uri, 200])

    const moved = await configure('PUT', made, updateOf(made, { ...keyed, jwks_uri: other.uri }))
    expect([moved.status, moved.body.jwks_uri]).toEqual([200, other.uri])
    expect([await statusBy(second), await statusBy(first)]).toEqual([200, 401])

    // The same key as at the URL, and then another one.
    for (const key of [second, third]) {
      const jwks = { keys: key.parsed.map(({ jwk }) => jwk) }
      const stored = await configure('PUT', made, updateOf(made, { ...keyed, jwks }))
      expect([stored.status, stored.body.jwks_uri, await statusBy(key)]).toEqual([200, undefined, 200])
    }
    expect(await statusBy(second)).toBe(401)
  })

  test('requires proofs, which an update can require too but not lift', async () => {
    const names = [
      'dpop_bound_access_tokens',
      'require_pushed_authorization_requests',
      'require_signed_request_object',
      'tls_client_certificate_bound_access_tokens',
    ]
    const all = Object.fromEntries(names.map((name) => [name, true]))
    const token = await tokenWith()
    const required = {
      dpop: 'required',
      par_required: true,
      request_objects_required: true,
      certificate_bound_access_tokens: true,
    }
    const jwks = { keys: (await newClientKey()).parsed.map(({ jwk }) => jwk) }
    const keyed = { ...METADATA, token_endpoint_auth_method: 'private_key_jwt', jwks }
    const rowOf = ({ body }: Answer) => server.knex('clients').where({ client_id: body.client_id }).first()

    const without = await register(token, keyed)
    expect(names.filter((name) => name in without.body)).toEqual([])
    const made = await register(token, { ...keyed, ...all })
    expect(made.body).toMatchObject(all)
    expect(await rowOf(made)).toMatchObject(required)
    const lifted = Object.fromEntries(names.map((name) => [name, false]))
    for (const changes of [{}, lifted]) {
      expect((await configure('PUT', made, updateOf(made, { ...keyed, ...changes }))).body).toMatchObject(all)
      expect(await rowOf(made)).toMatchObject(required)
    }
    expect((await configure('PUT', without, updateOf(without, { ...keyed, ...all }))).body).toMatchObject(all)
    expect((await configure('GET', without)).body).toMatchObject(all)
  })

  test('keeps a nonce in each proof that an admin required', async () => {
    const made = await register(await tokenWith(), METADATA)
    const row = server.knex('clients').where({ client_id: made.body.client_id })
    await row.clone().update({ dpop: 'nonce' })
    const updated = await configure('PUT', made, updateOf(made))
    expect([updated.status, updated.body.dpop_bound_access_tokens]).toEqual([200, true])
    expect(await row.clone().first()).toMatchObject({ dpop: 'nonce' })
  })

  test('has its keys in each response, so that what was read can be sent back', async () => {
    const [first, second] = [await newClientKey(), await newClientKey()]
    const jwks = { keys: [first, second].flatMap(({ parsed }) => parsed.map(({ jwk }) => jwk)) }
    const keyed = { ...METADATA, token_endpoint_auth_method: 'private_key_jwt', jwks }
    const made = await register(await tokenWith(), keyed)
    const read = await configure('GET', made)
    for (const { body } of [made, read]) expect(body.jwks).toEqual(jwks)
    const rows = () => server.knex('client_secrets').orderBy('id').whereIn('client_id', keyOf(made)).select('id')
    const before = await rows()
    const {
      client_id_issued_at: _,
      registration_client_uri: __,
      registration_access_token: ___,
      ...metadata
    } = read.body
    expect((await configure('PUT', made, metadata)).body).toEqual(read.body)
    expect(await rows()).toEqual(before)
  })

  test('changes completely or not at all', async () => {
    const key = await newClientKey()
    const keyed = { token_endpoint_auth_method: 'private_key_jwt', software_id: 'notes' }
    const jwks = { keys: key.parsed.map(({ jwk }) => jwk) }
    const made = await register(await tokenWith(), { ...METADATA, ...keyed, jwks })
    const before = (await configure('GET', made)).body
    const wrong = {
      ...keyed,
      client_name: 'Renamed',
      software_id: 'other',
      jwks: { keys: [{ kty: 'oct', k: 'c2VjcmV0' }] },
    }
    expect((await configure('PUT', made, updateOf(made, wrong))).status).toBe(400)
    expect((await configure('GET', made)).body).toEqual(before)

    // What fails after the settings were changed.
    const other = { keys: (await newClientKey()).parsed.map(({ jwk }) => jwk) }
    const fail = `CREATE FUNCTION fail_key() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no keys'; END $$;
      CREATE TRIGGER fail_key BEFORE INSERT ON client_secrets FOR EACH ROW EXECUTE FUNCTION fail_key()`
    await server.knex.raw(fail)
    const failed = await configure('PUT', made, updateOf(made, { ...keyed, client_name: 'Renamed', jwks: other }))
    await server.knex.raw('DROP FUNCTION fail_key CASCADE')
    expect(failed.status).toBe(500)
    expect((await configure('GET', made)).body).toEqual(before)
  })

  test('does not regain a scope that an admin takes while an update waits for the client', async () => {
    const made = await register(await tokenWith(), METADATA)
    const update = await server.knex.transaction(async (admin) => {
      await admin('clients').where({ client_id: made.body.client_id }).forUpdate()
      const answer = configure('PUT', made, updateOf(made, { scope: 'write' }))
      await untilLocked({ query: (text) => server.knex.raw(text) }, answer)
      await admin('client_apis')
        .whereIn('client_id', keyOf(made))
        .update({ scopes: ['read'] })
      return { answer }
    })
    const { status } = await update.answer
    expect(status).toBeGreaterThanOrEqual(400)
    expect(status).toBeLessThan(500)
    expect(await server.knex('client_apis').whereIn('client_id', keyOf(made)).pluck('scopes')).toEqual([['read']])
  })

  test('does not take back how an admin lets the client authenticate', async () => {
    const made = await register(await tokenWith(), METADATA)
    const { parsed } = await newClientKey()
    const change = { authMethod: 'private_key_jwt', keys: parsed } as const
    await rotateSecret(server.knex, made.body.client_id, 3600, ACTOR, change)
    expect((await configure('GET', made)).body.token_endpoint_auth_method).toBe('private_key_jwt')
    for (const changes of [{ token_endpoint_auth_method: 'client_secret_basic' }, {}]) {
      const update = await configure('PUT', made, updateOf(made, changes))
      expect([update.status, update.body.error]).toEqual([400, 'invalid_client_metadata'])
    }
    const row = await server.knex('clients').where({ client_id: made.body.client_id }).first()
    expect(row.auth_method).toBe('private_key_jwt')
  })

  test("is its admin's alone after an immediate rotation by them, and stays its own after others", async () => {
    const made = await register(await tokenWith(), METADATA)
    await rotateSecret(server.knex, made.body.client_id, 3600, ACTOR)
    expect((await configure('GET', made)).status).toBe(200)
    // By a program of the admin, which is a client too.
    await rotateSecret(server.knex, made.body.client_id, 0, { type: 'client', id: 'kwc_program' })
    for (const method of ['GET', 'PUT', 'DELETE'] as const) {
      const refused = await configure(method, made, method === 'PUT' ? updateOf(made) : undefined)
      expect([refused.status, refused.body.error]).toEqual([401, 'invalid_token'])
    }
  })

  test('asks its users again after it added a redirect URI, and not after it removed one', async () => {
    const [one, other] = ['https://one.example/cb', 'https://other.example/cb']
    const made = await register(await tokenWith(), { ...METADATA, redirect_uris: [one, other] })
    const consentSince = async () =>
      (await server.knex('dynamic_registrations').whereIn('client_id', keyOf(made)).first()).consent_since
    for (const redirect_uris of [[other, one], [one]]) {
      expect((await configure('PUT', made, updateOf(made, { redirect_uris }))).status).toBe(200)
      expect(await consentSince()).toBeNull()
    }
    expect((await configure('PUT', made, updateOf(made, { redirect_uris: [other] }))).status).toBe(200)
    expect(await consentSince()).toBeInstanceOf(Date)
  })

  test('is deleted with its tokens', async () => {
    const made = await register(await tokenWith({ grants: ['client_credentials'] }), {
      grant_types: ['client_credentials'],
    })
    const basic = { clientId: made.body.client_id, clientSecret: made.body.client_secret }
    expect((await server.token({ grant_type: 'client_credentials' }, { basic })).status).toBe(200)
    expect((await configure('DELETE', made)).status).toBe(204)
    expect((await server.token({ grant_type: 'client_credentials' }, { basic })).status).toBe(401)
    for (const method of ['GET', 'DELETE']) expect((await configure(method, made)).status).toBe(401)
  })

  test('cannot be read, changed or deleted after an admin archived the client or disabled the account', async () => {
    const made = await register(await tokenWith(), METADATA)
    const row = server.knex('clients').where({ client_id: made.body.client_id })
    const refuse = async () => {
      expect((await configure('GET', made)).status).toBe(401)
      expect((await configure('PUT', made, updateOf(made))).status).toBe(401)
      expect((await configure('DELETE', made)).status).toBe(401)
    }
    await row.clone().update({ status: 'archived' })
    await refuse()
    expect(await row.clone().first()).toMatchObject({ status: 'archived' })
    await row.clone().update({ status: 'active' })
    await server.knex('accounts').where({ id: account }).update({ status: 'disabled' })
    await refuse()
    await server.knex('accounts').where({ id: account }).update({ status: 'active' })
    expect((await configure('GET', made)).status).toBe(200)
  })

  test('expires when nobody used the client, and stays otherwise', async () => {
    const token = await tokenWith({ grants: ['client_credentials'] })
    const [used, unused] = [
      await register(token, { grant_types: ['client_credentials'] }),
      await register(token, { grant_types: ['client_credentials'] }),
    ]
    const idOf = async ({ body }: Answer) =>
      (await server.knex('clients').where({ client_id: body.client_id }).first()).id
    await server
      .knex('client_secrets')
      .where({ client_id: await idOf(used) })
      .update({ last_used_at: server.knex.fn.now() })
    const ids = [await idOf(used), await idOf(unused)]
    await server
      .knex('dynamic_registrations')
      .whereIn('client_id', ids)
      .update({ expires_at: server.knex.raw(`now() - interval '1 second'`) })
    await deleteUnusedRegistrations(server.knex, 500)
    expect((await configure('GET', used)).status).toBe(200)
    expect((await configure('GET', unused)).status).toBe(401)
  })
})
