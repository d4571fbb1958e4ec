/** Seed 003: grant_type in the query, Basic, an x-api-key; the resource server checks the token and the same key. */
import { createHash } from 'node:crypto'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createVerifier } from '../../packages/resource-server/src/index.ts'
import { keywright } from '../support/cli-in-process.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { until } from '../support/load.ts'
import type { Credentials } from '../support/requests.ts'

const API = 'https://profile.example.com'
const EIGHT_HOURS = 28_800

interface KeyedClient extends Credentials {
  readonly apiKey: string
}

let server: Keywright
let cli: ReturnType<typeof keywright>
let api: Credentials
let client: KeyedClient

async function register(): Promise<KeyedClient> {
  const owner = `client create --account ${server.firstStart.accountId} --grants client_credentials --api ${API}`
  const made = await cli(`${owner} --name Profiles --api-key on --query-credentials on`)
  return { clientId: made.client_id, clientSecret: made.client_secret, apiKey: made.api_key }
}

beforeAll(async () => {
  server = await startKeywright()
  cli = keywright(server.env)
  const settings = `--identifier ${API} --scopes read --token-ttl ${EIGHT_HOURS} --policy single`
  const made = await cli(`api create ${settings}`)
  api = { clientId: made.client_id, clientSecret: made.client_secret }
  client = await register()
})

afterAll(() => server.stop())

/** curl -X POST -H "x-api-key: …" "https://…/oauth2/token?grant_type=client_credentials" -u "username:password" */
function curl(basic: Credentials, apiKey: string | undefined) {
  const headers = {
    'content-type': 'application/x-www-form-urlencoded',
    ...(apiKey !== undefined && { 'x-api-key': apiKey }),
  }
  return server.token({}, { query: { grant_type: 'client_credentials' }, basic, headers })
}

/** What a resource server does, without asking the server about this token. */
async function acceptsOffline(bearer: string, apiKey: string): Promise<boolean> {
  const keys = createRemoteJWKSet(new URL(`${server.url}/oauth2/jwks`))
  const { payload } = await jwtVerify(bearer, keys, { issuer: server.issuer, audience: API, typ: 'at+jwt' })
  const bound = (payload.cnf as Record<string, string>)['x-api-key#S256']
  return bound === createHash('sha256').update(apiKey).digest('base64url')
}

async function isActive(token: string): Promise<boolean> {
  return (await server.introspect(token, api)).body.active
}

test('the request of the seed answers a JWT of 8 hours', async () => {
  const { status, body } = await curl(client, client.apiKey)
  expect(status).toBe(200)
  expect(body).toMatchObject({ token_type: 'Bearer', expires_in: EIGHT_HOURS })
  expect(body.access_token.split('.')).toHaveLength(3)
})

test('the same without any body or content type works as well', async () => {
  const url = `${server.url}/oauth2/token?grant_type=client_credentials`
  const authorization = `Basic ${btoa(`${client.clientId}:${client.clientSecret}`)}`
  const response = await fetch(url, { method: 'POST', headers: { authorization, 'x-api-key': client.apiKey } })
  expect(response.status).toBe(200)
})

test('a new token ends the previous one', async () => {
  const [first, second] = [await curl(client, client.apiKey), await curl(client, client.apiKey)]
  expect(await isActive(first.body.access_token)).toBe(false)
  expect(await isActive(second.body.access_token)).toBe(true)
})

test('a missing, wrong or foreign API key is invalid_client, and ends no token', async () => {
  const { access_token } = (await curl(client, client.apiKey)).body
  const other = await register()
  const wrong = [undefined, '', 'nonsense', client.apiKey.slice(0, -1), other.apiKey, client.clientSecret]
  for (const apiKey of wrong) {
    const { status, body, headers } = await curl(client, apiKey)
    expect([apiKey, status, body.error]).toEqual([apiKey, 401, 'invalid_client'])
    expect(headers.get('www-authenticate')).toMatch(/^Basic realm=/)
  }
  expect(await isActive(access_token)).toBe(true)
})

test('a wrong password with the right API key is invalid_client', async () => {
  const { status, body } = await curl({ ...client, clientSecret: client.apiKey }, client.apiKey)
  expect([status, body.error]).toEqual([401, 'invalid_client'])
})

test('a resource server checks the token and the key offline, and refuses the token with another key', async () => {
  const { access_token } = (await curl(client, client.apiKey)).body
  const other = await register()
  expect(await acceptsOffline(access_token, client.apiKey)).toBe(true)
  expect(await acceptsOffline(access_token, other.apiKey)).toBe(false)
  expect(access_token).not.toContain(client.apiKey)
})

test('at a resource server that never asks, the key must come along, and a newer token ends the older one there too', async () => {
  const feed = { clientId: api.clientId, clientSecret: api.clientSecret! }
  const verifier = createVerifier({ issuer: server.issuer, audience: API, statusList: { feed } })
  const verdict = async (token: string, key?: string) => {
    const headers = { authorization: `Bearer ${token}`, ...(key !== undefined && { 'x-api-key': key }) }
    const request = verifier.verify({ method: 'GET', url: `${API}/v1/profile`, headers })
    return await request.then(
      ({ clientId }) => clientId,
      ({ code }) => code,
    )
  }
  const older = (await curl(client, client.apiKey)).body.access_token
  expect(await verdict(older, client.apiKey)).toBe(client.clientId)
  expect(await verdict(older)).toBe('api_key_missing')
  expect(await verdict(older, (await register()).apiKey)).toBe('api_key_wrong')
  const newer = (await curl(client, client.apiKey)).body.access_token
  await until(async () => (await verdict(older, client.apiKey)) === 'token_revoked')
  expect(await verdict(newer, client.apiKey)).toBe(client.clientId)
  verifier.close()
})

test('introspection names the same binding, for resource servers that ask', async () => {
  const { access_token } = (await curl(client, client.apiKey)).body
  const digest = createHash('sha256').update(client.apiKey).digest('base64url')
  expect((await server.introspect(access_token, api)).body.cnf).toEqual({ 'x-api-key#S256': digest })
})

test('a new secret comes with a new API key, and the old key is dead at once with its tokens', async () => {
  const keyed = await register()
  const { access_token } = (await curl(keyed, keyed.apiKey)).body
  const rotated = await cli(`client rotate-secret ${keyed.clientId}`)
  const next = { clientId: keyed.clientId, clientSecret: rotated.client_secret }
  expect((await curl(next, keyed.apiKey)).status).toBe(401)
  expect((await curl(keyed, rotated.api_key)).status).toBe(401)
  expect(await isActive(access_token)).toBe(false)
  expect((await curl(next, rotated.api_key)).status).toBe(200)
})

test('switching the API key off frees the client of it, and on again gives another', async () => {
  const keyed = await register()
  await cli(`client update ${keyed.clientId} --api-key off`)
  expect((await curl(keyed, undefined)).status).toBe(200)
  const { api_key } = await cli(`client update ${keyed.clientId} --api-key on`)
  expect(api_key).not.toBe(keyed.apiKey)
  expect((await curl(keyed, undefined)).status).toBe(401)
  expect((await curl(keyed, keyed.apiKey)).status).toBe(401)
  expect((await curl(keyed, api_key)).status).toBe(200)
})
