/** Seed 002: client_credentials with a refresh token; Basic, or credentials as query parameters where that is on. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { keywright } from '../support/cli-in-process.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { type Credentials, metricOf } from '../support/requests.ts'

const YEAR = 31_536_000

let server: Keywright
let cli: ReturnType<typeof keywright>
/** Both legacy compatibility options are on. */
let allowed: Credentials & { clientSecret: string }
/** Neither is. */
let standard: Credentials & { clientSecret: string }

beforeAll(async () => {
  server = await startKeywright()
  cli = keywright(server.env)
  allowed = await register('--client-credentials-refresh', 'on', '--refresh-token-ttl', `${YEAR}`)
  await cli(`client update ${allowed.clientId} --query-credentials on`)
  standard = await register()
})

afterAll(() => server.stop())

async function register(...options: string[]) {
  const owner = `client create --account ${server.firstStart.accountId} --grants client_credentials`
  const made = await cli(`${owner} --name Organization`, ...options)
  return { clientId: made.client_id as string, clientSecret: made.client_secret as string }
}

const inQuery = ({ clientId, clientSecret }: Credentials, rest: Record<string, string>) =>
  server.token({}, { query: { client_id: clientId, client_secret: clientSecret!, ...rest } })

const whole = {
  access_token: expect.any(String),
  token_type: 'Bearer',
  expires_in: 36_000,
  scope: 'all',
  refresh_token: expect.any(String),
  refresh_token_expires_in: YEAR,
}

async function isActive(token: string): Promise<boolean> {
  return (await server.introspect(token, server.firstStart.api)).body.active
}

test('client_credentials with Basic answers a refresh token too, and that refreshes with Basic', async () => {
  const first = await server.machineToken(allowed)
  expect([first.status, first.body]).toEqual([200, whole])
  const form = { grant_type: 'refresh_token', refresh_token: first.body.refresh_token }
  const second = await server.token(form, { basic: allowed })
  expect([second.status, second.body]).toEqual([200, whole])
  expect(second.body.refresh_token).not.toBe(first.body.refresh_token)
  expect(second.body.access_token).not.toBe(first.body.access_token)
  expect(await isActive(second.body.access_token)).toBe(true)
})

test('request and refresh work with credentials in the query, where it is switched on', async () => {
  const first = await inQuery(allowed, { grant_type: 'client_credentials' })
  expect([first.status, first.body]).toEqual([200, whole])
  const second = await inQuery(allowed, { grant_type: 'refresh_token', refresh_token: first.body.refresh_token })
  expect([second.status, second.body]).toEqual([200, whole])
})

test('surplus spaces in a scope in the query mean nothing', async () => {
  const { status, body } = await inQuery(allowed, { grant_type: 'client_credentials', scope: '  all   all ' })
  expect([status, body.scope]).toEqual([200, 'all'])
})

test('by default the query is refused with invalid_request, right credentials or not', async () => {
  for (const client of [standard, { ...standard, clientSecret: 'wrong' }, { clientId: 'nobody', clientSecret: 'x' }]) {
    const { status, body } = await inQuery(client, { grant_type: 'client_credentials' })
    expect([status, body.error]).toEqual([400, 'invalid_request'])
  }
  const basic = await server.token({}, { query: { grant_type: 'client_credentials' }, basic: standard })
  expect([basic.status, basic.body.error]).toEqual([400, 'invalid_request'])
})

test('by default client_credentials answers no refresh token, and the grant is not the client’s', async () => {
  const { body } = await server.machineToken(standard)
  expect(body).toEqual({ access_token: expect.any(String), token_type: 'Bearer', expires_in: 36_000, scope: 'all' })
  const { refresh_token } = (await server.machineToken(allowed)).body
  const stolen = await server.token({ grant_type: 'refresh_token', refresh_token }, { basic: standard })
  expect([stolen.status, stolen.body.error]).toEqual([400, 'unauthorized_client'])
})

test('a refresh token of one client is worth nothing to another, and is not ended by the try', async () => {
  const other = await register('--client-credentials-refresh', 'on')
  const { refresh_token } = (await server.machineToken(allowed)).body
  const stolen = await server.token({ grant_type: 'refresh_token', refresh_token }, { basic: other })
  expect([stolen.status, stolen.body.error]).toEqual([400, 'invalid_grant'])
  expect((await server.token({ grant_type: 'refresh_token', refresh_token }, { basic: allowed })).status).toBe(200)
})

test('a change of the client is felt by its very next request, which is served all the same', async () => {
  const client = await register('--client-credentials-refresh', 'on')
  const { refresh_token } = (await server.machineToken(client)).body
  await cli(`client update ${client.clientId} --access-token-ttl 60`)
  const { status, body } = await server.machineToken(client)
  expect([status, body.expires_in]).toEqual([200, 60])
  await cli(`client rotate-secret ${client.clientId} --overlap 600`)
  expect((await server.machineToken(client)).status).toBe(200)
  expect((await server.token({ grant_type: 'refresh_token', refresh_token }, { basic: client })).status).toBe(200)
})

test('archive ends refresh tokens, and restore does not revive them', async () => {
  const client = await register('--client-credentials-refresh', 'on')
  const { refresh_token } = (await server.machineToken(client)).body
  await cli(`client archive ${client.clientId}`)
  await cli(`client restore ${client.clientId} --keep-secret`)
  const { status, body } = await server.token({ grant_type: 'refresh_token', refresh_token }, { basic: client })
  expect([status, body.error]).toEqual([400, 'invalid_grant'])
})

test('query credentials that are switched off are refused from the very next request on', async () => {
  const client = await register('--query-credentials', 'on')
  expect((await inQuery(client, { grant_type: 'client_credentials' })).status).toBe(200)
  await cli(`client update ${client.clientId} --query-credentials off`)
  const { status, body } = await inQuery(client, { grant_type: 'client_credentials' })
  expect([status, body.error]).toEqual([400, 'invalid_request'])
})

test('refresh tokens that are switched off are in no answer from the very next request on', async () => {
  const client = await register('--client-credentials-refresh', 'on')
  expect((await server.machineToken(client)).body).toHaveProperty('refresh_token')
  await cli(`client update ${client.clientId} --client-credentials-refresh off`)
  const { status, body } = await server.machineToken(client)
  expect([status, body.refresh_token]).toEqual([200, undefined])
})

test('what the client is allowed against the standard is counted in /metrics', async () => {
  const kinds = ['query_credentials', 'client_credentials_refresh']
  const count = () =>
    Promise.all(kinds.map((kind) => metricOf(server.url, 'keywright_legacy_option_uses_total', `kind="${kind}"`)))
  const before = await count()
  await inQuery(allowed, { grant_type: 'client_credentials' })
  expect(await count()).toEqual(before.map((value) => value + 1))
  await inQuery(standard, { grant_type: 'client_credentials' })
  expect(await count()).toEqual(before.map((value) => value + 1))
})

test('it is written to the audit log, and neither that nor the log holds the secret', async () => {
  const client = await register('--query-credentials', 'on')
  for (let n = 0; n < 3; n++) expect((await inQuery(client, { grant_type: 'client_credentials' })).status).toBe(200)
  await server.stopServing()
  const entries = await server
    .knex('audit_log')
    .where({ action: 'client.legacy_option_used', target_id: client.clientId })
  expect(entries.map((entry) => entry.detail.kind)).toContain('query_credentials')
  expect(entries.reduce((sum, entry) => sum + entry.detail.count, 0)).toBe(3)
  expect(entries[0].account_id).toBe(server.firstStart.accountId)
  const written = JSON.stringify(server.logLines()) + JSON.stringify(await server.knex('audit_log'))
  expect(written).toContain('/oauth2/token')
  for (const secret of [client, allowed, standard]) expect(written).not.toContain(secret.clientSecret)
  expect(written).not.toContain('kwr_')
})
