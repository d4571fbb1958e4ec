import { afterAll, beforeAll, expect, test } from 'vitest'
import { changeAccountValues } from '../../src/management/account-changes.ts'
import { readClientRefusals, readClientUsage } from '../../src/management/client-usage-operations.ts'
import { listRefusedClients } from '../../src/management/refused-client-operations.ts'
import { exportUsage } from '../../src/management/usage-export-operations.ts'
import { ACTOR } from '../support/factory.ts'
import { untilPeriodLasts } from '../support/utc-periods.ts'
import { adminOf, openManagement, operator } from './principals.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR

let on: Awaited<ReturnType<typeof openManagement>>
let home: string
let foreign: string
let client: { key: number; clientId: string }
let other: { key: number; clientId: string }
let apiId: number

await untilPeriodLasts('hour')
const now = Math.floor(Date.now() / HOUR) * HOUR
const today = Math.floor(Date.now() / DAY) * DAY
const sampled = (clientKey: number, at: number, more = {}) => ({
  client_id: clientKey,
  at: new Date(at),
  endpoint: 'token',
  reason: 'wrong_secret',
  api_id: 0,
  ip: '192.0.2.1',
  user_agent: 'tool/1',
  request_id: '00000000-0000-7000-8000-000000000000',
  ...more,
})

beforeAll(async () => {
  on = await openManagement()
  const { make, knex } = on
  home = await make.account()
  foreign = await make.account()
  const api = await make.api()
  client = await make.client([api.identifier], { name: '=1+1' }, home)
  other = await make.client([api.identifier], {}, foreign)
  apiId = (await knex('apis').where({ identifier: api.identifier }).first('id')).id
  const hour = (clientKey: number, at: number, outcome: string, count: number) => ({
    client_id: clientKey,
    hour: new Date(at),
    api_id: apiId,
    endpoint: 'token',
    outcome,
    count,
  })
  await knex('client_usage_hours').insert([
    hour(client.key, now, 'issued', 10),
    hour(client.key, now - HOUR, 'issued', 5),
    hour(client.key, now, 'wrong_secret', 2),
    hour(client.key, now, 'secret_retired', 3),
    hour(other.key, now, 'issued', 100),
    hour(0, now, 'unknown_client', 7),
  ])
  await knex('client_usage_days').insert({
    client_id: client.key,
    day: new Date(today - 5 * DAY).toISOString().slice(0, 10),
    api_id: apiId,
    endpoint: 'token',
    outcome: 'wrong_secret',
    count: 40,
    client_identifier: client.clientId,
    account_id: home,
  })
  await knex('refusal_samples').insert([
    sampled(client.key, Date.now() - 1000, { reason: 'secret_retired', api_id: apiId }),
    sampled(client.key, Date.now() - 2 * DAY),
    sampled(other.key, Date.now() - 2 * HOUR),
    sampled(0, Date.now() - 1000, { reason: 'unknown_client', claimed_id: 'kwc_00000000000000000000' }),
  ])
})

afterAll(() => on?.close())

test('usage has each hour or day of the range with its issued tokens and refused requests', async () => {
  const hours = await readClientUsage(on.management, adminOf(home), { clientId: client.clientId, step: 'hour' })
  expect(hours.points).toHaveLength(24)
  expect(hours.points.slice(-2)).toEqual([
    { at: new Date(now - HOUR), issued: 5, refused: 0 },
    { at: new Date(now), issued: 10, refused: 5 },
  ])
  const days = await readClientUsage(on.management, operator, { clientId: client.clientId, step: 'day' })
  expect(days.points).toHaveLength(30)
  expect(days.points.at(-6)).toEqual({ at: new Date(today - 5 * DAY), issued: 0, refused: 40 })
})

test('usage has the quotas of the client and its account, with their use in the present hour and day', async () => {
  const { knex, make } = on
  const account = await make.account()
  const api = await make.api()
  const limited = await make.client([api.identifier], { quotaPerHour: 10, quotaMode: 'observe' }, account)
  await changeAccountValues(knex, account, { quotaPerDay: 50 }, ACTOR)
  const set = (owner: string, hours: number, days: number) =>
    knex.raw(
      `UPDATE quota_uses SET hour = date_trunc('hour', now(), 'UTC') + make_interval(hours => :hours), hour_count = 12,
              day = date_trunc('day', now(), 'UTC') + make_interval(days => :days), day_count = 40 WHERE owner = :owner`,
      { owner, hours, days },
    )
  // The beginning of the next window counts as present, so that this test may run across the end of an hour.
  await set(String(limited.key), 1, 1)
  await set(account, 1, 1)
  const read = async () =>
    (await readClientUsage(on.management, adminOf(account), { clientId: limited.clientId, step: 'hour' })).quotas
  const own = { owner: 'client', window: 'hour', limit: 10, mode: 'observe' }
  const common = { owner: 'account', window: 'day', limit: 50, mode: 'enforce' }
  expect(await read()).toEqual([
    { ...own, used: 12, resetsIn: expect.any(Number) },
    { ...common, used: 40, resetsIn: expect.any(Number) },
  ])
  await set(String(limited.key), -1, -1)
  await set(account, -1, -1)
  expect(await read()).toMatchObject([
    { ...own, used: 0 },
    { ...common, used: 0 },
  ])
  const { quotas } = await readClientUsage(on.management, operator, { clientId: client.clientId, step: 'hour' })
  expect(quotas).toEqual([])
})

test('a range that ends before it begins, or that is too long, is invalid', async () => {
  const read = (range: object) =>
    readClientUsage(on.management, operator, { clientId: client.clientId, step: 'hour', ...range })
  const at = (time: number) => new Date(time)
  await expect(read({ from: at(now), to: at(now - DAY) })).rejects.toMatchObject({ code: 'invalid_input' })
  await expect(read({ from: at(now - 4 * DAY) })).rejects.toMatchObject({ code: 'invalid_input' })
  await expect(read({ step: 'day', from: at(0) })).rejects.toMatchObject({ code: 'invalid_input' })
  await expect(exportUsage(on.management, operator, { from: at(now), to: at(now - 2 * DAY) })).rejects.toMatchObject({
    code: 'invalid_input',
  })
})

test('refusals are listed by reason, the most frequent first, with the latest samples', async () => {
  const day = await readClientRefusals(on.management, adminOf(home), { clientId: client.clientId })
  expect(day.reasons).toEqual([
    { endpoint: 'token', reason: 'secret_retired', count: 3 },
    { endpoint: 'token', reason: 'wrong_secret', count: 2 },
  ])
  expect(day.samples).toMatchObject([
    { reason: 'secret_retired', ip: '192.0.2.1', api: expect.stringMatching(/^https/) },
  ])
  const week = await readClientRefusals(on.management, operator, { clientId: client.clientId, days: 7 })
  expect(week.reasons[0]).toEqual({ endpoint: 'token', reason: 'wrong_secret', count: 42 })
  expect(week.samples).toHaveLength(2)
})

test('an admin sees the refusals and the usage of the own account only, and no unknown client IDs', async () => {
  for (const clientId of [other.clientId, 'kwc_00000000000000000000']) {
    const request = { clientId, step: 'hour' } as const
    await expect(readClientUsage(on.management, adminOf(home), request)).rejects.toMatchObject({ code: 'not_found' })
    await expect(readClientRefusals(on.management, adminOf(home), request)).rejects.toMatchObject({ code: 'not_found' })
  }
  expect(await listRefusedClients(on.management, adminOf(home), {})).toMatchObject({
    count: { count: 1 },
    clients: [{ clientId: client.clientId, lastReason: 'secret_retired' }],
    unknown: [],
  })
  expect((await listRefusedClients(on.management, adminOf(foreign), {})).clients).toEqual([])
  const rows = await Array.fromAsync(await exportUsage(on.management, adminOf(home), {}))
  expect(rows.map(({ accountId }) => accountId)).toEqual(rows.map(() => home))
  await expect(exportUsage(on.management, adminOf(home), { accountId: foreign })).rejects.toMatchObject({
    code: 'not_found',
  })
})

test('an operator sees the refused clients of all accounts, and the client IDs that do not exist', async () => {
  const all = await listRefusedClients(on.management, operator, {})
  expect(all.clients.map(({ clientId }) => clientId)).toEqual([client.clientId])
  expect(all.unknown).toMatchObject([{ claimedId: 'kwc_00000000000000000000', reason: 'unknown_client' }])
})

test('the export has a row per day, client and API, over more rows than one page', async () => {
  const rows = Array.from({ length: 2500 }, (_, n) => ({
    client_id: 1_000_000 + n,
    day: new Date(today - 9 * DAY).toISOString().slice(0, 10),
    api_id: apiId,
    endpoint: 'token',
    outcome: 'issued',
    count: 1,
    account_id: foreign,
    client_identifier: `kwc_${n}`,
  }))
  await on.knex('client_usage_days').insert(rows)
  const exported = await Array.fromAsync(await exportUsage(on.management, operator, { accountId: foreign }))
  expect(exported).toHaveLength(2501)
  expect(new Set(exported.map(({ clientId }) => clientId)).size).toBe(2501)
  const own = await Array.fromAsync(await exportUsage(on.management, operator, { accountId: home }))
  expect(own.map(({ day, tokensIssued, requestsRefused }) => [day, tokensIssued, requestsRefused])).toContainEqual([
    new Date(today - 5 * DAY).toISOString().slice(0, 10),
    0,
    40,
  ])
})
