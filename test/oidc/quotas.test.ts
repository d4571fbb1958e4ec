/** Quotas of clients and accounts at the token endpoint. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { ClientSettings } from '../../src/clients/client-settings.ts'
import { changeAccountValues } from '../../src/management/account-changes.ts'
import { updateClient } from '../../src/management/client-registration.ts'
import { ACTOR } from '../support/factory.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { served, together, until } from '../support/load.ts'
import { type Answer, type Credentials, claimsOf, METRICS_TOKEN, send } from '../support/requests.ts'
import { untilPeriodLasts } from '../support/utc-periods.ts'
import { createApplication, getCode, getTokens, openBrowserOn } from './application-fixtures.ts'

type Client = Credentials & { key: number }

let server: Keywright
let api: Credentials & { identifier: string }

beforeAll(async () => {
  server = await startKeywright({ env: { METRICS_TOKEN } })
  api = await server.make.api()
})

afterAll(() => server?.stop())

beforeEach(() => untilPeriodLasts('hour'))

const make = (settings: Partial<ClientSettings>, account?: string): Promise<Client> =>
  server.make.register({ settings, account, apis: [api.identifier] })

const change = (client: Credentials, settings: Partial<ClientSettings>) =>
  updateClient(server.knex, client.clientId, { settings }, ACTOR)

const countOf = async (owner: string | number): Promise<Record<string, unknown>> =>
  await server
    .knex('quota_uses')
    .where({ owner: String(owner) })
    .first('hour_count', 'day_count')

/** The statuses of token requests, one after another. */
async function statusesOf(client: Credentials, count: number): Promise<number[]> {
  const statuses: number[] = []
  for (let n = 0; n < count; n++) statuses.push((await server.machineToken(client)).status)
  return statuses
}

const limitsOf = ({ headers }: Answer) => [headers.get('ratelimit-policy'), headers.get('ratelimit')]

describe('a client at its quota', () => {
  test.each([
    ['on the fast path', {}],
    ['through the engine', { clientCredentialsRefresh: true }],
    ['under the policy single', { policy: 'single' as const }],
  ])('gets its tokens, then status 429 until the window ends, %s', async (_path, settings) => {
    const client = await make({ ...settings, quotaPerDay: 2, quotaPerHour: 100 })
    const first = await server.machineToken(client)
    expect(first.status).toBe(200)
    expect(limitsOf(first)).toEqual([
      '"client-hour";q=100;w=3600, "client-day";q=2;w=86400',
      expect.stringMatching(/^"client-hour";r=99;t=\d{1,4}, "client-day";r=1;t=\d{1,5}$/),
    ])
    const second = await server.machineToken(client)
    expect(second.status).toBe(200)
    const refused = await server.machineToken(client)
    expect(refused).toMatchObject({ status: 429, body: { error: 'rate_limit_exceeded' } })
    const seconds = Number(refused.headers.get('retry-after'))
    expect(refused.body.error_description).toBe(`the quota of 2 tokens per day is used up; try again in ${seconds} s`)
    expect(limitsOf(refused)[1]).toMatch(new RegExp(`"client-day";r=0;t=${seconds}$`))
    expect(refused.headers.get('cache-control')).toBe('no-store')
    const midnight = Math.ceil(Date.now() / 86_400_000) * 86_400
    expect(Math.abs(seconds - (midnight - Date.now() / 1000))).toBeLessThan(60)
    expect(await countOf(client.key)).toMatchObject({ day_count: 2 })
    // A refused request changes nothing, also under the token policy `single`.
    expect((await server.introspect(second.body.access_token, api)).body.active).toBe(true)
  })

  test('gets exactly its quota from concurrent requests, and each refusal is counted with its reason', async () => {
    const client = await make({ quotaPerDay: 7 })
    const answers = await together(30, () => served(() => server.machineToken(client)))
    const issued = answers.filter(({ status }) => status === 200)
    expect(issued).toHaveLength(7)
    expect(new Set(issued.map(({ body }) => claimsOf(body.access_token).jti)).size).toBe(7)
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(23)
    expect(await countOf(client.key)).toEqual({ hour_count: 7, day_count: 7 })
    const refusals = { client_id: client.key, outcome: 'quota_exceeded' }
    await until(async () => Number((await server.knex('client_usage_hours').where(refusals).first())?.count) === 23)
  })

  test('gets more as soon as its quota is raised or removed, and none when it is lowered below its use', async () => {
    const client = await make({ quotaPerDay: 2 })
    expect(await statusesOf(client, 3)).toEqual([200, 200, 429])
    await change(client, { quotaPerDay: 3 })
    expect(await statusesOf(client, 2)).toEqual([200, 429])
    await change(client, { quotaPerDay: null })
    expect(limitsOf(await server.machineToken(client))).toEqual([null, null])
    await change(client, { quotaPerDay: 1 })
    expect(await statusesOf(client, 1)).toEqual([429])
    expect(await countOf(client.key)).toMatchObject({ day_count: 3 })
  })

  test('gets the tokens of the next hour when the hour ends; the day goes on', async () => {
    const client = await make({ quotaPerHour: 2, quotaPerDay: 3 })
    const begin = `UPDATE quota_uses SET hour = date_trunc('hour', now(), 'UTC')`
    await server.knex.raw(`${begin} + interval '1 hour' WHERE client_id = ?`, [client.key])
    expect(await statusesOf(client, 3)).toEqual([200, 200, 429])
    await server.knex.raw(`${begin} - interval '1 hour' WHERE client_id = ?`, [client.key])
    expect(await statusesOf(client, 2)).toEqual([200, 429])
    expect(await countOf(client.key)).toEqual({ hour_count: 1, day_count: 3 })
    await server.knex.raw(
      `UPDATE quota_uses SET day = day - interval '1 day', hour = hour - interval '1 day' WHERE client_id = ?`,
      [client.key],
    )
    expect(await statusesOf(client, 3)).toEqual([200, 200, 429])
  })

  test('does not get its tokens again when the clock of the database is set back', async () => {
    const client = await make({ quotaPerDay: 1 })
    const later = (days: number) =>
      server.knex.raw(
        `UPDATE quota_uses SET day = date_trunc('day', now(), 'UTC') + make_interval(days => ?) WHERE client_id = ?`,
        [days, client.key],
      )
    expect(await statusesOf(client, 1)).toEqual([200])
    await later(1)
    expect(await statusesOf(client, 1)).toEqual([429])
    // A clock that was wrong by more than a window does not stop the client.
    await later(3)
    expect(await statusesOf(client, 2)).toEqual([200, 429])
  })
})

describe('the quota of an account', () => {
  test('limits all its clients together, in addition to their own', async () => {
    const account = await server.make.account()
    const [limited, free] = [await make({ quotaPerDay: 1 }, account), await make({}, account)]
    expect(await statusesOf(free, 1)).toEqual([200])
    await changeAccountValues(server.knex, account, { quotaPerDay: 3 }, ACTOR)
    expect(await statusesOf(limited, 3)).toEqual([200, 429, 429])
    const last = await server.machineToken(free)
    expect(last.headers.get('ratelimit')).toMatch(/^"account-day";r=1;t=\d+$/)
    expect(await statusesOf(free, 2)).toEqual([200, 429])
    expect(await countOf(account)).toMatchObject({ day_count: 3 })
    await changeAccountValues(server.knex, account, { quotaPerDay: 4 }, ACTOR)
    expect(await statusesOf(limited, 1)).toEqual([429])
    expect(await statusesOf(free, 2)).toEqual([200, 429])
    await changeAccountValues(server.knex, account, { quotaPerDay: null }, ACTOR)
    expect(limitsOf(await server.machineToken(free))).toEqual([null, null])
  })

  test('of concurrent requests of several clients, lets exactly its number pass', async () => {
    const account = await server.make.account()
    await changeAccountValues(server.knex, account, { quotaPerDay: 10 }, ACTOR)
    const clients = [await make({ quotaPerDay: 3 }, account), await make({}, account), await make({}, account)]
    const answers = await together(45, (n) => served(() => server.machineToken(clients[n % 3]!)))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(10)
    expect(await countOf(account)).toMatchObject({ day_count: 10 })
    const own = await countOf(clients[0]!.key)
    expect(own.day_count).toBe(answers.filter(({ status }, n) => n % 3 === 0 && status === 200).length)
  })

  test('counts for a new key pair what its former key pair used', async () => {
    const user = await server.make.user()
    const former = await server.make.keyPair(user.id, [api.identifier])
    await change(former, { quotaPerDay: 2 })
    expect(await statusesOf(former, 2)).toEqual([200, 200])
    const pair = await server.make.keyPair(user.id)
    expect(await statusesOf(pair, 1)).toEqual([429])
  })
})

test('an observed quota refuses nothing, and says what it would refuse', async () => {
  const client = await make({ quotaPerDay: 2, quotaMode: 'observe' })
  async function beyond(): Promise<number> {
    const { text } = await send(`${server.url}/metrics`, { headers: { authorization: `Bearer ${METRICS_TOKEN}` } })
    return Number(/^keywright_tokens_beyond_quota_total (\d+)$/m.exec(text)?.[1])
  }
  expect(await statusesOf(client, 2)).toEqual([200, 200])
  expect(await beyond()).toBe(0)
  const answer = await server.machineToken(client)
  expect(answer.status).toBe(200)
  expect(answer.headers.get('ratelimit')).toMatch(/^"client-day";r=0;t=\d+$/)
  expect(await beyond()).toBe(1)
  expect(await countOf(client.key)).toMatchObject({ day_count: 3 })
  await change(client, { quotaMode: 'enforce' })
  expect(await statusesOf(client, 1)).toEqual([429])
})

test('a refused refresh token stays valid, and its use counts once', async () => {
  const client = await make({ quotaPerDay: 2, clientCredentialsRefresh: true })
  const refresh = (token: string) =>
    server.token({ grant_type: 'refresh_token', refresh_token: token }, { basic: client })
  const first = await refresh((await server.machineToken(client)).body.refresh_token)
  expect(first.status).toBe(200)
  expect(first.headers.get('ratelimit')).toMatch(/^"client-day";r=0;t=\d+$/)
  expect(first.body).not.toHaveProperty('quota')
  expect(await refresh(first.body.refresh_token)).toMatchObject({ status: 429, body: { error: 'rate_limit_exceeded' } })
  await change(client, { quotaPerDay: 3 })
  const second = await refresh(first.body.refresh_token)
  expect(second.status).toBe(200)
  // A retry within the grace period gets the same response.
  expect((await refresh(first.body.refresh_token)).body).toEqual(second.body)
  expect(await countOf(client.key)).toMatchObject({ day_count: 3 })
})

test('a code that is refused at the quota can be redeemed later', async () => {
  const person = await server.make.person()
  const application = await createApplication(server, { quotaPerDay: 1 }, { apis: [api.identifier] })
  const browser = openBrowserOn(server)
  await getTokens(server, application, person, { browser })
  const code = await getCode(browser, application, person)
  expect((await application.redeem(code)).status).toBe(429)
  expect((await application.redeem(code)).status).toBe(429)
  await change(application, { quotaPerDay: 2 })
  const { status, headers } = await application.redeem(code)
  expect(status).toBe(200)
  expect(headers.get('ratelimit')).toMatch(/^"client-day";r=0;t=\d+$/)
})

test('a token whose transaction is rolled back does not count', async () => {
  const client = await make({ quotaPerDay: 1, clientCredentialsRefresh: true })
  await server.knex.raw(
    `ALTER TABLE refresh_tokens ADD CONSTRAINT refused CHECK (client_id <> ${client.key}) NOT VALID`,
  )
  expect((await server.machineToken(client)).status).toBe(500)
  await server.knex.raw('ALTER TABLE refresh_tokens DROP CONSTRAINT refused')
  expect(await countOf(client.key)).toMatchObject({ day_count: 0 })
  expect(await statusesOf(client, 2)).toEqual([200, 429])
})

test('while the count of one client is locked, clients with and without a quota get their tokens', async () => {
  const [held, other] = [await make({ quotaPerDay: 100 }), await make({ quotaPerDay: 100 })]
  const free = await make({})
  const holding = await server.knex.transaction()
  await holding.raw('SET LOCAL idle_in_transaction_session_timeout = 0')
  await holding('quota_uses').where({ client_id: held.key }).forUpdate()
  const waiting = together(10, () => served(() => server.machineToken(held)))
  const lockWaits = () =>
    server.knex('pg_stat_activity').where({ datname: server.knex.raw('current_database()'), wait_event_type: 'Lock' })
  await until(async () => (await lockWaits()).length > 0)
  expect(await statusesOf(free, 20)).toEqual(Array(20).fill(200))
  expect(await statusesOf(other, 5)).toEqual(Array(5).fill(200))
  await until(async () => (await lockWaits()).length > 0)
  await holding.commit()
  expect((await waiting).map(({ status }) => status)).toEqual(Array(10).fill(200))
  expect(await countOf(held.key)).toMatchObject({ day_count: 10 })
})

test.each([0, -1, 1.5, 1_000_000_000])('a quota of %d tokens is invalid', async (quotaPerHour) => {
  const client = await make({})
  await expect(change(client, { quotaPerHour })).rejects.toMatchObject({
    code: 'invalid_input',
    fieldErrors: [{ field: 'quotaPerHour', message: 'a quota is 1 to 999999999 tokens' }],
  })
})
