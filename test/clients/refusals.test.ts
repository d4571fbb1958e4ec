import { afterAll, beforeAll, expect, test } from 'vitest'
import { deleteOldUsageDays, moveHoursToDays } from '../../src/clients/client-usage-days.ts'
import { deleteOldRefusalSamples } from '../../src/clients/refusal-statement.ts'
import { createRefusals, maskedUserAgent, type Refusal } from '../../src/clients/refusals.ts'
import { retireSecrets } from '../../src/clients/retired-secrets.ts'
import { changeClientStatus } from '../../src/management/client-status.ts'
import { generateSecret } from '../../src/shared/secrets.ts'
import { ACTOR, CALLBACK } from '../support/factory.ts'
import { withoutJob } from '../support/jobs.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { until } from '../support/load.ts'
import { send } from '../support/requests.ts'
import { untilPeriodLasts } from '../support/utc-periods.ts'

let server: Keywright
let api: { identifier: string; clientId: string; clientSecret: string }

beforeAll(async () => {
  server = await startKeywright()
  api = await server.make.api()
})

afterAll(() => server?.stop())

const newClient = (settings = {}) => server.make.client(settings, [api.identifier])

async function countsOf(clientKey: number): Promise<Record<string, number>> {
  const rows = await server.knex('client_usage_hours').where({ client_id: clientKey })
  const counts: Record<string, number> = {}
  // One row of each hour.
  for (const { endpoint, outcome, count } of rows)
    counts[`${endpoint} ${outcome}`] = (counts[`${endpoint} ${outcome}`] ?? 0) + count
  return counts
}

const untilCounted = async (clientKey: number, counts: Record<string, number>) => {
  const sum = Object.values(counts).reduce((a, b) => a + b)
  await until(async () => Object.values(await countsOf(clientKey)).reduce((a, b) => a + b, 0) >= sum)
  expect(await countsOf(clientKey)).toEqual(counts)
}

const samplesOf = (clientKey: number) => server.knex('refusal_samples').where({ client_id: clientKey }).orderBy('at')

test('each reason of a failed client authentication is counted as what it is', async () => {
  const [wrong, retired, expired, archived, keyed] = await Promise.all([
    newClient(),
    newClient(),
    newClient(),
    newClient(),
    newClient({ apiKeyRequired: true }),
  ])
  await retireSecrets(server.knex, retired.key, 'secret')
  const now = server.knex.fn.now()
  await server.knex('client_secrets').where({ client_id: expired.key }).update({ expires_at: now, retires_at: now })
  await changeClientStatus(server.knex, archived.clientId, 'archived', ACTOR)
  const other = generateSecret('clientSecret')
  await server.machineToken({ ...wrong, clientSecret: other })
  await server.machineToken({ ...wrong, clientSecret: 'typo' })
  await server.token({ grant_type: 'client_credentials', client_id: wrong.clientId })
  await server.introspect('x', { ...wrong, clientSecret: other })
  await server.machineToken(retired)
  await server.machineToken(expired)
  await server.machineToken(archived)
  await server.machineToken(keyed)
  await untilCounted(wrong.key, { 'token wrong_secret': 2, 'token secret_missing': 1, 'introspection wrong_secret': 1 })
  await untilCounted(retired.key, { 'token secret_retired': 1 })
  await untilCounted(expired.key, { 'token secret_expired': 1 })
  await untilCounted(archived.key, { 'token client_archived': 1 })
  await untilCounted(keyed.key, { 'token wrong_api_key': 1 })
})

test('the former client ID of a replaced key pair says that the key pair was replaced', async () => {
  const user = await server.make.user()
  const before = await server.make.keyPair(user.id, [api.identifier])
  await server.make.keyPair(user.id, [api.identifier])
  await server.machineToken(before)
  await untilCounted(before.key, { 'token key_pair_replaced': 1 })
})

test('issued tokens, and refusals after the client authenticated, are counted with their reason', async () => {
  const client = await newClient({ rateLimit: { count: 5, period: 3600 } })
  await server.machineToken(client)
  await server.machineToken(client, { scope: 'unknown' })
  await server.machineToken(client, { resource: 'https://other.example.com' })
  await server.token({ grant_type: 'refresh_token', refresh_token: 'x' }, { basic: client })
  await server.token({ grant_type: 'nothing' }, { basic: client })
  await server.machineToken(client)
  await untilCounted(client.key, {
    'token issued': 1,
    'token scope_not_allowed': 1,
    'token api_not_allowed': 1,
    'token grant_type_not_allowed': 1,
    'token grant_type_not_supported': 1,
    'token rate_limited': 1,
  })
})

test('a request from a network that is not allowed is counted as that', async () => {
  const client = await newClient({ allowedNetworks: ['192.0.2.0/24'] })
  await server.machineToken(client)
  await untilCounted(client.key, { 'token network_not_allowed': 1 })
})

test('an error that the authorization endpoint shows, and one that it sends to the client, are counted', async () => {
  const app = await server.make.application([api.identifier])
  const link = (params: Record<string, string>) =>
    `${server.url}/oauth2/authorize?${new URLSearchParams({ client_id: app.clientId, response_type: 'code', ...params })}`
  const pkce = { code_challenge: 'x'.repeat(43), code_challenge_method: 'S256' }
  await send(link({ redirect_uri: 'https://evil.example.com', ...pkce }))
  await send(link({ redirect_uri: CALLBACK, scope: 'unknown', ...pkce }), { redirect: 'manual' })
  await send(link({ redirect_uri: CALLBACK, prompt: 'none', ...pkce }), { redirect: 'manual' })
  const code = { grant_type: 'authorization_code', code: 'x'.repeat(43), code_verifier: 'y'.repeat(43) }
  await server.token({ ...code, redirect_uri: CALLBACK }, { basic: app })
  await untilCounted(app.key, {
    'authorization redirect_uri_mismatch': 1,
    'authorization scope_not_allowed': 1,
    'authorization login_required': 1,
    'token code_invalid': 1,
  })
})

test('a sample has no secret, also if a client sends its secret in the wrong field', async () => {
  const client = await newClient()
  const jwt = `eyJ${'x'.repeat(40)}.eyJ${'y'.repeat(40)}.${'z'.repeat(40)}`
  const encoded = Buffer.from(`${client.clientId}:${client.clientSecret}`).toString('base64')
  const headers = { 'user-agent': `tool/1 ${client.clientSecret} ${jwt} ${encoded}` }
  await server.machineToken({ ...client, clientSecret: 'wrong' }, {}, { headers })
  await server.token(
    { grant_type: 'client_credentials', client_id: client.clientSecret, client_secret: 'x' },
    { headers },
  )
  await untilCounted(client.key, { 'token wrong_secret': 1 })
  const { rows } = await server.knex.raw(`SELECT p::text AS row FROM refusal_samples p`)
  const all = rows.map(({ row }: { row: string }) => row).join('\n')
  expect((await samplesOf(client.key))[0]).toMatchObject({ user_agent: 'tool/1 kws_… JWT … …', ip: '127.0.0.1' })
  for (const secret of [client.clientSecret.slice(4), 'x'.repeat(40), encoded]) expect(all).not.toContain(secret)
})

test('the user agent of a sample is at most 200 characters long', () => {
  expect(maskedUserAgent('word '.repeat(1000))).toHaveLength(200)
})

const refusal = (client: Partial<Refusal['client']>, n = 0): Refusal => ({
  client: { key: undefined, claimedId: undefined, hasSecret: false, ...client },
  endpoint: 'token',
  reason: 'authentication',
  apiId: 0,
  ip: '192.0.2.1',
  userAgent: 'tool/1',
  requestId: `00000000-0000-7000-8000-${String(n).padStart(12, '0')}`,
})

test('invented client IDs have one count, and samples of at most 50 an hour', async () => {
  await untilPeriodLasts('hour')
  const before = (await countsOf(0))['token unknown_client'] ?? 0
  const refusals = createRefusals()
  for (let n = 0; n < 3000; n++) {
    refusals.record(refusal({ claimedId: `kwc_${String(n).padStart(20, '0')}` }, n))
  }
  await refusals.flush(server.knex)
  for (let n = 0; n < 100; n++) refusals.record(refusal({}, n))
  await refusals.flush(server.knex)
  expect((await countsOf(0))['token unknown_client']).toBe(before + 3100)
  const samples = await samplesOf(0).whereRaw(`at >= date_trunc('hour', now())`)
  expect(samples).toHaveLength(50)
  expect(samples.at(-1).claimed_id).toMatch(/^kwc_0{10}/)
})

test('the latest samples of a client and reason stay, and those of a week ago are deleted in batches', async () => {
  const { key } = await newClient()
  const refusals = createRefusals()
  for (let n = 0; n < 60; n++) {
    refusals.record(refusal({ key }, n))
    if (n % 3 === 0) await refusals.flush(server.knex)
  }
  await refusals.flush(server.knex)
  const ids = (await samplesOf(key)).map((row) => Number(row.request_id.slice(-12)))
  expect(ids.length).toBeLessThanOrEqual(25)
  expect(ids.slice(-20)).toEqual(Array.from({ length: 20 }, (_, n) => 40 + n))
  await withoutJob(server.knex, 'sweep rows that expired long ago', async () => {
    await server
      .knex('refusal_samples')
      .where({ client_id: key })
      .update({ at: new Date(Date.now() - 8 * 86_400_000) })
    expect(await deleteOldRefusalSamples(server.knex, 10)).toBe(10)
  })
})

test('a write that failed is repeated, and one whose response was lost is not counted twice', async () => {
  const { key } = await newClient()
  const refusals = createRefusals()
  refusals.record(refusal({ key }))
  await expect(refusals.flush({ raw: async () => Promise.reject(new Error('no database')) } as never)).rejects.toThrow()
  const lost = {
    raw: async (sql: string, values: object) => {
      await server.knex.raw(sql, values as never)
      throw new Error('lost')
    },
  }
  await expect(refusals.flush(lost as never)).rejects.toThrow('lost')
  refusals.record(refusal({ key }))
  await refusals.flush(server.knex, true)
  expect(await countsOf(key)).toEqual({ 'token secret_missing': 2 })
})

test('counts of hours become counts of days without a loss, and those of 400 days ago are deleted', async () => {
  const { key } = await newClient()
  const day = 86_400_000
  const old = Math.floor((Date.now() - 4 * day) / day) * day
  const rows = Array.from({ length: 24 }, (_, n) => ({ hour: new Date(old + n * 3_600_000), count: n }))
  const row = { client_id: key, api_id: 1, endpoint: 'token', outcome: 'issued' }
  await withoutJob(server.knex, 'sweep rows that expired long ago', async () => {
    await server.knex('client_usage_hours').insert(rows.map((one) => ({ ...one, ...row })))
    expect([await moveHoursToDays(server.knex, 20), await moveHoursToDays(server.knex, 20)]).toEqual([20, 4])
    expect(await server.knex('client_usage_hours').where({ client_id: key })).toEqual([])
    const [moved] = await server.knex('client_usage_days').where({ client_id: key })
    expect(moved).toMatchObject({ count: 276, account_id: server.firstStart.accountId })
    await server
      .knex('client_usage_days')
      .where({ client_id: key })
      .update({ day: new Date(Date.now() - 402 * day) })
    expect([await deleteOldUsageDays(server.knex, 10), await deleteOldUsageDays(server.knex, 10)]).toEqual([1, 0])
  })
})
