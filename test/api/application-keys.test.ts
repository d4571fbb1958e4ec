/** The public keys of an application through the management API and on the command line. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { exportPKCS8, exportSPKI } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { keywright, runCli } from '../support/cli-in-process.ts'
import {
  assertionForm,
  type ClientKey,
  introspectionStatus,
  newClientKey,
  signAssertion,
} from '../support/client-assertions.ts'
import { documentOf, endCooldown, jwkSet, startKeyServer } from '../support/key-server.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { managementToken, managingApplication, rawManagement } from '../support/management.ts'

let server: Keywright
let api: ReturnType<typeof rawManagement>
let directory: string
let keyServer: Awaited<ReturnType<typeof startKeyServer>>

beforeAll(async () => {
  keyServer = await startKeyServer()
  server = await startKeywright({ env: { OUTGOING_ALLOW: '127.0.0.1' } })
  api = rawManagement(server.url, await managementToken(server, await managingApplication(server, null)))
  directory = mkdtempSync(join(tmpdir(), 'keys-'))
})
afterAll(async () => {
  rmSync(directory, { recursive: true, force: true })
  await server?.stop()
  keyServer.stop()
})

async function statusBy(clientId: string, key: ClientKey): Promise<number> {
  const assertion = await signAssertion(key, { clientId, audience: server.issuer })
  return (await server.token({ grant_type: 'client_credentials', ...assertionForm(assertion) })).status
}

async function create(jwks: unknown) {
  const account = { account_id: server.firstStart.accountId, auth_method: 'private_key_jwt' }
  return await api.json('POST', '/applications', { ...account, name: 'Keys', type: 'service', jwks })
}

test('keys in PEM and as a JWK set are added through the API, and each is revoked but for the last one', async () => {
  const [first, second] = [await newClientKey(), await newClientKey('EdDSA', { kid: 'second' })]
  const created = await create(await exportSPKI(first.publicKey))
  expect([created.status, created.body.client_secret]).toEqual([201, undefined])
  const { client_id: id } = created.body
  const path = `/applications/${id}`
  expect((await api.json('POST', `${path}/keys`, { jwks: { keys: [second.jwk] } })).status).toBe(204)
  expect([await statusBy(id, first), await statusBy(id, second)]).toEqual([200, 200])
  const { items } = (await api.send('GET', `${path}/secrets`)).body
  expect(items).toMatchObject([
    { kind: 'key', last_four: 'cond', is_current: true, retires_at: null },
    { kind: 'key', is_current: true, retires_at: null },
  ])
  expect((await api.send('DELETE', `${path}/secrets/${items[1].id}`)).status).toBe(204)
  expect([await statusBy(id, first), await statusBy(id, second)]).toEqual([401, 200])
  const last = await api.send('DELETE', `${path}/secrets/${items[0].id}`)
  expect([last.status, last.text]).toEqual([409, expect.stringContaining('is the only one: replace it instead')])
  expect(await statusBy(id, second)).toBe(200)
})

test('FAPI 2.0 is enabled with a list of what it requires, in the response and on the command line', async () => {
  const { body } = await create(await exportSPKI((await newClientKey()).publicKey))
  expect(body.application.fapi2_requirements).toEqual([])
  const { client_id: id } = body
  const headers = { 'if-match': '*' }
  const enabled = await api.json('PATCH', `/applications/${id}`, { fapi2: true }, headers)
  const pushed = { requirement: 'Pushed authorization requests (PAR)', reference: 'RFC 9126' }
  expect([enabled.status, enabled.body.application.par_required]).toEqual([200, true])
  expect(enabled.body.application.fapi2_requirements).toContainEqual(pushed)
  expect((await api.send('GET', `/applications/${id}`)).body.fapi2_requirements).toContainEqual(pushed)
  const shown = await keywright(server.env)(`client show ${id}`)
  expect(shown.fapi2_requirements).toContain('Pushed authorization requests (PAR): RFC 9126')
  const off = await keywright(server.env)(`client update ${id} --fapi2 off`)
  expect(off.fapi2_requirements).toBeUndefined()
})

test('private keys, keys that the application has, an earlier revision and applications without keys are refused', async () => {
  const key = await newClientKey()
  const { body, headers } = await create({ keys: [key.jwk] })
  const keys = `/applications/${body.client_id}/keys`
  const other = await newClientKey()
  const refused = [await exportPKCS8(other.privateKey), { keys: [key.jwk] }, { keys: [] }, '', 'x'.repeat(20_001), 1]
  for (const jwks of refused) expect((await api.json('POST', keys, { jwks })).status).toBe(400)
  expect((await api.json('POST', keys, {})).status).toBe(400)
  const many = await Promise.all(Array.from({ length: 10 }, () => newClientKey()))
  expect((await api.json('POST', keys, { jwks: { keys: many.map(({ jwk }) => jwk) } })).status).toBe(400)
  const etag = { 'if-match': headers.get('etag')! }
  expect((await api.json('POST', keys, { jwks: { keys: [other.jwk] } }, etag)).status).toBe(204)
  expect((await api.json('POST', keys, { jwks: { keys: [many[0]!.jwk] } }, etag)).status).toBe(412)
  const { clientId } = await server.make.client()
  expect((await api.json('POST', `/applications/${clientId}/keys`, { jwks: { keys: [other.jwk] } })).status).toBe(400)
  expect(
    await server
      .knex('client_secrets')
      .where({ kind: 'key' })
      .whereIn('client_id', server.knex('clients').where({ client_id: body.client_id }).select('id')),
  ).toHaveLength(2)
})

test('keys are added and retired one by one on the command line', async () => {
  const [first, second] = [await newClientKey(), await newClientKey()]
  const { client_id: id } = (await create({ keys: [first.jwk] })).body
  const file = join(directory, 'second.pem')
  writeFileSync(file, await exportSPKI(second.publicKey))
  const cli = keywright(server.env)
  const shown = await cli(`client add-keys ${id} --jwks ${file}`)
  expect(shown.secrets).toHaveLength(2)
  expect([await statusBy(id, first), await statusBy(id, second)]).toEqual([200, 200])
  await cli(`client retire-secret ${id} --secret ${shown.secrets[1].id}`)
  expect([await statusBy(id, first), await statusBy(id, second)]).toEqual([401, 200])
  expect((await runCli(['client', 'add-keys', id, '--jwks', file], server.env)).code).toBe(2)
})

test('keys are published at a URL, which the API sets, changes and shows with its last fetch', async () => {
  const [first, second] = [await newClientKey(), await newClientKey()]
  const [site, other] = [first, second].map((key) => keyServer.publish(documentOf(jwkSet(key))))
  const given = {
    account_id: server.firstStart.accountId,
    auth_method: 'private_key_jwt',
    name: 'Keys',
    type: 'service',
  }
  const make = (body: object) => api.json('POST', '/applications', { ...given, ...body })
  const keySet = { keys: [first.jwk] }
  for (const wrong of [{ jwks: keySet, jwks_uri: site!.uri }, { jwks_uri: 'http://app.example.com/' }, {}])
    expect((await make(wrong)).status).toBe(400)
  expect((await make({ auth_method: 'client_secret', jwks_uri: site!.uri })).status).toBe(400)
  const { client_id: id, application } = (await make({ jwks_uri: site!.uri })).body
  expect(application.jwks_uri).toBe(site!.uri)
  expect(await statusBy(id, first)).toBe(200)
  const read = async () => (await api.send('GET', `/applications/${id}`)).body
  expect(await read()).toMatchObject({
    jwks_uri: site!.uri,
    key_fetch: { fetched_at: expect.any(String), failed_at: null, failure: null },
    secrets: [{ kind: 'key' }],
  })
  expect((await api.json('POST', `/applications/${id}/keys`, { jwks: { keys: [second.jwk] } })).status).toBe(400)
  const fetchNow = () => api.send('POST', `/applications/${id}/keys/fetch`)
  const early = await fetchNow()
  expect([early.status, Number(early.headers.get('retry-after'))]).toEqual([429, expect.any(Number)])
  expect(Number(early.headers.get('retry-after'))).toBeLessThanOrEqual(60)
  await endCooldown(server.knex, (await server.knex('clients').where({ client_id: id }).first('id')).id)
  site!.respond(documentOf('no keys'))
  const failed = await fetchNow()
  expect([failed.status, failed.body]).toMatchObject([200, { failure: expect.stringContaining('JWK set') }])
  expect(failed.body.cools_until).toEqual(expect.any(String))
  site!.respond(documentOf(jwkSet(first)))
  const change = (body: object) => api.json('PATCH', `/applications/${id}`, body, { 'if-match': '*' })
  expect((await change({ jwks_uri: null })).status).toBe(400)
  expect((await change({ jwks_uri: other!.uri })).status).toBe(200)
  expect([await statusBy(id, first), await statusBy(id, second)]).toEqual([401, 200])
  const rotate = (body: object) => api.json('POST', `/applications/${id}/secrets`, body)
  expect((await rotate({ jwks: keySet, jwks_uri: site!.uri })).status).toBe(400)
  expect((await rotate({ jwks: keySet })).status).toBe(201)
  expect((await fetchNow()).status).toBe(409)
  expect([await statusBy(id, first), await statusBy(id, second)]).toEqual([200, 401])
  expect(await read()).toMatchObject({ jwks_uri: null, key_fetch: null })
})

test('keys are published at a URL on the command line', async () => {
  const [first, second] = [await newClientKey(), await newClientKey()]
  const [site, other] = [first, second].map((key) => keyServer.publish(documentOf(jwkSet(key))))
  const cli = keywright(server.env)
  const account = `--account ${server.firstStart.accountId}`
  const { client_id: id, key_fetch } = await cli(
    `client create ${account} --name Keys --type service --auth-method private_key_jwt --jwks-uri ${site!.uri}`,
  )
  expect(key_fetch).toEqual({ fetched_at: null, failed_at: null, failure: null, cools_until: null })
  const fetched = await cli(`client fetch-keys ${id}`)
  expect(fetched).toMatchObject({
    key_fetch: { fetched_at: expect.any(String), failure: null },
    secrets: [{ kind: 'key' }],
  })
  expect(await statusBy(id, first)).toBe(200)
  expect(await cli(`client show ${id}`)).toMatchObject({
    jwks_uri: site!.uri,
    key_fetch: { fetched_at: expect.any(String), failure: null },
  })
  await cli(`client rotate-secret ${id} --jwks-uri ${other!.uri} --overlap 3600`)
  expect([await statusBy(id, first), await statusBy(id, second)]).toEqual([200, 200])
  await cli(`client update ${id} --jwks-uri ${site!.uri}`)
  expect([await statusBy(id, first), await statusBy(id, second)]).toEqual([200, 401])
})

test('a rotation changes the authentication method, with the credentials that the new one needs', async () => {
  const own = await newClientKey()
  const { clientId: id, clientSecret } = await server.make.client()
  const bySecret = async (secret: string) =>
    (await server.token({ grant_type: 'client_credentials' }, { basic: { clientId: id, clientSecret: secret } })).status
  const rotate = (body: object) => api.json('POST', `/applications/${id}/secrets`, body)
  const jwks = { keys: [own.jwk] }
  for (const wrong of [
    { jwks },
    { auth_method: 'private_key_jwt' },
    { auth_method: 'other', jwks },
    { auth_method: 'client_secret', jwks_uri: 'https://app.example.com/jwks.json' },
    { auth_method: 'self_signed_tls_client_auth' },
  ])
    expect([wrong, (await rotate(wrong)).status]).toEqual([wrong, 400])
  expect(await bySecret(clientSecret)).toBe(200)
  const { status, body } = await rotate({ auth_method: 'private_key_jwt', jwks, overlap: 600 })
  expect([status, body.client_secret, body.application.auth_method]).toEqual([201, undefined, 'private_key_jwt'])
  expect([await bySecret(clientSecret), await statusBy(id, own)]).toEqual([200, 200])
  const back = await keywright(server.env)(`client rotate-secret ${id} --auth-method client_secret`)
  expect([await bySecret(clientSecret), await statusBy(id, own)]).toEqual([401, 401])
  expect(await bySecret(back.client_secret)).toBe(200)
  const name = { auth_method: 'tls_client_auth', tls_client_auth_san_dns: 'client.example.com' }
  expect((await rotate(name)).status).toBe(201)
  expect((await rotate({ auth_method: 'client_secret', overlap: 60 })).status).toBe(400)
  expect((await rotate({ auth_method: 'client_secret' })).status).toBe(201)
})

test('an API introspects by its keys, which are added, rotated and retired, and by a secret again', async () => {
  const [first, second, third] = [await newClientKey(), await newClientKey('EdDSA'), await newClientKey('RS256')]
  const jwks = (key: ClientKey) => ({ keys: [key.jwk] })
  const identifier = 'https://introspects-by-key.example.com'
  const path = `/apis/${encodeURIComponent(identifier)}`
  const declared = { identifier, scopes: ['read'] }
  const wrong = { ...declared, jwks: jwks(first), jwks_uri: 'https://api.example.com/jwks.json' }
  expect((await api.json('POST', '/apis', wrong)).status).toBe(400)
  expect((await api.json('POST', '/apis', { ...declared, jwks_uri: 'http://api.example.com/' })).status).toBe(400)
  const { status, body } = await api.json('POST', '/apis', { ...declared, jwks: jwks(first) })
  expect([status, body.client_secret]).toEqual([201, undefined])
  const { client_id: id } = body
  const statuses = (...keys: ClientKey[]) => Promise.all(keys.map((key) => introspectionStatus(server, id, key)))
  expect(await statuses(first, second)).toEqual([200, 401])
  expect((await api.json('POST', `${path}/keys`, { jwks: jwks(second) })).status).toBe(204)
  expect(await statuses(first, second)).toEqual([200, 200])
  const read = async () => (await api.send('GET', path)).body
  const { secrets, auth_method } = await read()
  expect([auth_method, secrets.map(({ kind }: { kind: string }) => kind)]).toEqual(['private_key_jwt', ['key', 'key']])
  // The first of the list is the newest.
  expect((await api.send('DELETE', `${path}/secrets/${secrets[1].id}`)).status).toBe(204)
  expect(await statuses(first, second)).toEqual([401, 200])
  expect((await api.send('DELETE', `${path}/secrets/${secrets[0].id}`)).status).toBe(409)
  const rotate = (change: object) => api.json('POST', `${path}/secrets`, change)
  expect((await rotate({ overlap: 60 })).status).toBe(400)
  expect((await rotate({ auth_method: 'tls_client_auth' })).status).toBe(400)
  expect((await rotate({ overlap: 60, jwks: jwks(third) })).status).toBe(201)
  expect(await statuses(second, third)).toEqual([200, 200])
  const back = await rotate({ auth_method: 'client_secret' })
  expect(await statuses(second, third)).toEqual([401, 401])
  const bySecret = { clientId: id, clientSecret: back.body.client_secret }
  expect((await server.introspect('any', bySecret)).status).toBe(200)
  expect((await api.json('POST', `${path}/keys`, { jwks: jwks(first) })).status).toBe(400)
  expect((await rotate({ auth_method: 'private_key_jwt', jwks: jwks(first) })).status).toBe(201)
  expect([(await server.introspect('any', bySecret)).status, ...(await statuses(first))]).toEqual([401, 200])
})

test('an API publishes its keys at a URL, and takes others on the command line', async () => {
  const [first, second] = [await newClientKey(), await newClientKey()]
  const site = keyServer.publish(documentOf(jwkSet(first)))
  const cli = keywright(server.env)
  const identifier = 'https://publishes.example.com'
  const made = await cli(`api create --identifier ${identifier} --scopes read --jwks-uri ${site.uri}`)
  expect(made.client_secret).toBeUndefined()
  expect(await introspectionStatus(server, made.client_id, first)).toBe(200)
  const path = join(directory, 'api.json')
  writeFileSync(path, JSON.stringify({ keys: [second.jwk] }))
  await cli(`client rotate-secret ${made.client_id} --jwks ${path}`)
  expect(await introspectionStatus(server, made.client_id, first)).toBe(401)
  expect(await introspectionStatus(server, made.client_id, second)).toBe(200)
})
