import { expect, test } from 'vitest'
import { readClientIdDocument } from '../../src/clients/client-id-documents.ts'
import { newClientKey } from '../support/client-assertions.ts'

const URL = 'https://app.example.com/client.json'
const REQUIRED = { client_id: URL, redirect_uris: ['https://app.example.com/callback'] }

const respond = (text: string, headers: Record<string, string> = {}, status = 200) =>
  new Response(text, { status, headers: { 'content-type': 'application/json', ...headers } })

const readText = (text: string) => readClientIdDocument(URL, respond(text))
const read = (members: object) => readText(JSON.stringify({ ...REQUIRED, ...members }))

test('a document describes a public client, and members without a meaning for us are ignored', async () => {
  const { settings } = await read({
    client_name: 'Editor',
    client_uri: 'https://app.example.com',
    logo_uri: 'https://app.example.com/logo.png',
    application_type: 'native',
    grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
    scope: 'unknown',
    unknown: { member: 1 },
    // The server would call it for each session of a user, and a stranger chooses it.
    backchannel_logout_uri: 'https://victim.example.com/logout',
  })
  expect(settings).toMatchObject({
    name: 'Editor',
    isPublic: true,
    grants: ['authorization_code', 'refresh_token'],
    redirectUris: ['https://app.example.com/callback'],
    clientUri: 'https://app.example.com',
    backchannelLogoutUri: null,
  })
})

test('without a method of client authentication the client is public, and not one with a secret', async () => {
  expect((await read({})).settings).toMatchObject({ isPublic: true, grants: ['authorization_code'] })
})

test.each([
  ['https://app.example.com/client.json/'],
  ['https://app.example.com:443/client.json'],
  ['https://APP.example.com/client.json'],
  ['https://other.example.com/client.json'],
  [[URL]],
  [null],
  [undefined],
])('a document whose client_id is %j is refused', async (clientId) => {
  await expect(read({ client_id: clientId })).rejects.toThrow('client_id in the document is not its URL')
})

test.each(['client_secret_basic', 'client_secret_post', 'client_secret_jwt'])(
  'a document with the method %s is refused',
  async (method) => {
    await expect(read({ token_endpoint_auth_method: method })).rejects.toThrow('shared secret')
  },
)

test.each(['tls_client_auth', 'self_signed_tls_client_auth', 'unknown', ['none'], null, 1])(
  'a document with the method %j is refused',
  async (method) => {
    await expect(read({ token_endpoint_auth_method: method })).rejects.toThrow('must be none or private_key_jwt')
  },
)

test.each(['client_secret', 'client_secret_expires_at', 'registration_access_token', 'registration_client_uri'])(
  'a document with %s is refused, also with null',
  async (name) => {
    await expect(read({ [name]: 'x' })).rejects.toThrow(`must not have the member ${name}`)
    await expect(read({ [name]: null })).rejects.toThrow(`must not have the member ${name}`)
  },
)

test('a document with a private or symmetric key is refused', async () => {
  const { jwk } = await newClientKey()
  await expect(read({ jwks: { keys: [jwk, { ...jwk, d: 'AAAA' }] } })).rejects.toThrow('private or symmetric')
  await expect(read({ jwks: { keys: [{ kty: 'oct', k: 'AAAA' }] } })).rejects.toThrow('private or symmetric')
  expect((await read({ jwks: { keys: [jwk] } })).settings.isPublic).toBe(true)
})

test('a document with private_key_jwt names its keys by a URL on its own host', async () => {
  const method = { token_endpoint_auth_method: 'private_key_jwt' }
  const own = 'https://app.example.com/jwks'
  const { settings } = await read({ ...method, jwks_uri: own })
  expect(settings).toMatchObject({ isPublic: false, authMethod: 'private_key_jwt', jwksUri: own })
  const { jwk } = await newClientKey()
  for (const keys of [{}, { jwks: { keys: [jwk] } }, { jwks_uri: 7 }, { jwks: { keys: [jwk] }, jwks_uri: own }])
    await expect(read({ ...method, ...keys })).rejects.toThrow('jwks_uri')
  const others = [
    'http://app.example.com/jwks',
    'https://app.example.com:8443/jwks',
    'https://other.example.com/jwks',
    'jwks',
  ]
  for (const uri of others) await expect(read({ ...method, jwks_uri: uri })).rejects.toThrow('must have the host')
})

test('a document can require proofs of possession, and keys for other purposes are ignored', async () => {
  const keys = { jwks_uri: 'https://app.example.com/keys' }
  const { settings } = await read({ dpop_bound_access_tokens: true, ...keys })
  expect(settings).toMatchObject({ isPublic: true, dpop: 'required', jwksUri: null })
})

test.each([
  [undefined],
  [null],
  [[]],
  ['https://app.example.com/callback'],
  [['http://app.example.com/callback']],
  [['https://app.example.com/*']],
  [['https://app.example.com/callback#part']],
  [['https://user@app.example.com/callback']],
  [['javascript:alert(1)']],
  [['app:/callback']],
  [['https://app.example.com/callback', 1]],
  [Array.from({ length: 101 }, (_, n) => `https://app.example.com/${n}`)],
])('a document with the redirect URIs %j is refused', async (uris) => {
  await expect(read({ redirect_uris: uris })).rejects.toMatchObject({ code: 'invalid_input' })
})

test('a redirect URI can have a scheme that an operator has allowed', async () => {
  const text = JSON.stringify({ ...REQUIRED, redirect_uris: ['app:/callback'] })
  const { settings } = await readClientIdDocument(URL, respond(text), ['app'])
  expect(settings.redirectUris).toEqual(['app:/callback'])
})

test.each([
  { grant_types: ['client_credentials'] },
  { grant_types: [] },
  { grant_types: 'authorization_code' },
  { response_types: ['token'] },
  { client_name: 'x'.repeat(2001) },
  { client_name: 'a\0b' },
  { client_name: 'a\ud800b' },
  { client_uri: 'javascript:alert(1)' },
  { policy_uri: 'http://app.example.com/policy' },
  { jwks: [] },
  { software_statement: 'x' },
  { subject_type: 'pairwise' },
])('a document with %j is refused', async (members) => {
  await expect(read(members)).rejects.toMatchObject({ code: 'invalid_input' })
})

test.each([
  '',
  'null',
  '[]',
  '"text"',
  '{',
  '<html></html>',
  `{"client_id":"${URL}","client_id":"${URL}","redirect_uris":["https://app.example.com/callback"]}`,
  `{"client_id":"${URL}","redirect_uris":["https://app.example.com/a"],"redirect_uris":["https://other.example/b"]}`,
  `{"client_id":"${URL}","redirect_uris":["https://app.example.com/a"],"redirect\\u005furis":["https://other.example/b"]}`,
  `{"__proto__":{},"client_id":"${URL}","redirect_uris":["https://app.example.com/callback"]}`,
])('the response %s is refused', async (text) => {
  await expect(readText(text)).rejects.toMatchObject({ code: 'invalid_input' })
})

test('only a JSON response with the status 200 counts', async () => {
  const text = JSON.stringify(REQUIRED)
  for (const status of [201, 203, 206, 301, 302, 303, 307, 308, 404, 500])
    await expect(readClientIdDocument(URL, respond(text, {}, status))).rejects.toThrow(`${status}`)
  for (const type of ['text/html', 'text/json', 'application/jsonp', 'application/x-json', 'application/jwt', ''])
    await expect(readClientIdDocument(URL, respond(text, { 'content-type': type }))).rejects.toThrow('media type')
  for (const type of ['Application/JSON; charset=utf-8', 'application/client-metadata+json'])
    expect((await readClientIdDocument(URL, respond(text, { 'content-type': type }))).settings.isPublic).toBe(true)
})

test.each([
  [undefined, 3600],
  ['max-age=600', 600],
  ['max-age=0', 60],
  ['no-store', 60],
  ['no-cache, max-age=3000', 60],
  ['public, max-age=31536000', 86_400],
  ['max-age=-1', 3600],
])('with the header Cache-Control: %s a document is fresh for %i seconds', async (header, seconds) => {
  const headers: Record<string, string> = header === undefined ? {} : { 'cache-control': header }
  expect((await readClientIdDocument(URL, respond(JSON.stringify(REQUIRED), headers))).freshFor).toBe(seconds)
})
