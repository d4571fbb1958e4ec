import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { changeAccountValues } from '../../../src/management/account-changes.ts'
import { createCallers } from '../../guarantees/all-routes.ts'
import { ACTOR } from '../../support/factory.ts'
import { type Keywright, startKeywright } from '../../support/keywright.ts'
import { until } from '../../support/load.ts'
import { untilPeriodLasts } from '../../support/utc-periods.ts'

let server: Keywright
let visitors: Awaited<ReturnType<typeof createCallers>>
let client: { key: number; clientId: string; clientSecret: string }

beforeAll(async () => {
  await untilPeriodLasts('hour')
  server = await startKeywright()
  visitors = await createCallers(server)
  const api = await server.make.api()
  client = await server.make.register({
    settings: { name: '=Night job' },
    apis: [api.identifier],
    account: visitors.home,
  })
  const headers = { 'user-agent': 'night-job/2 <b>' }
  await server.machineToken(client)
  await server.machineToken({ ...client, clientSecret: 'wrong' }, {}, { headers })
  await server.machineToken({ clientId: 'kwc_00000000000000000000', clientSecret: 'wrong' })
  await until(async () => (await server.knex('client_usage_hours').where({ client_id: client.key })).length >= 2)
})

afterAll(() => server?.stop())

test.each(['day', 'two-days', 'week', 'month'])(
  'the usage page of a client has its plot, its reasons and its samples (%s)',
  async (span) => {
    const page = await visitors.browsers.admin.visit(`/usage/${client.clientId}?span=${span}`)
    expect(page.status).toBe(200)
    for (const text of ['tokens issued', 'Wrong client secret', 'night-job/2 &lt;b&gt;', '127.0.0.1', '<svg', '<table'])
      expect(page.text).toContain(text)
  },
)

test('the usage page shows the quotas of a client and its account, and how much of them is used', async () => {
  const limited = await server.make.register({
    settings: { quotaPerDay: 2000, quotaMode: 'observe' },
    account: visitors.home,
  })
  await changeAccountValues(server.knex, visitors.home, { quotaPerHour: 7 }, ACTOR)
  await server.knex('quota_uses').where({ client_id: limited.key }).update({ day_count: 2012 })
  const page = await visitors.browsers.admin.visit(`/usage/${limited.clientId}`)
  for (const text of ['Tokens today', '2,012', '12 beyond, observed', 'Tokens this hour', 'Quota of the account'])
    expect(page.text).toContain(text)
  await changeAccountValues(server.knex, visitors.home, { quotaPerHour: null }, ACTOR)
  expect((await visitors.browsers.admin.visit(`/usage/${client.clientId}`)).text).not.toContain('Quotas')
})

test('the page of an account shows how much of its own quotas is used, and nothing without a quota', async () => {
  const path = `/accounts/${visitors.home}`
  const { operator } = visitors.browsers
  expect((await operator.visit(path)).text).not.toContain('Tokens this hour')
  await changeAccountValues(server.knex, visitors.home, { quotaPerHour: 7, quotaPerDay: 2000 }, ACTOR)
  await server.knex('quota_uses').where({ account_id: visitors.home }).update({ day_count: 2000 })
  const page = await operator.visit(path)
  for (const text of ['Tokens this hour', 'Tokens today', '2,000', 'Used up', 'Quota of the account', 'Resets'])
    expect(page.text).toContain(text)
  await changeAccountValues(server.knex, visitors.home, { quotaPerHour: null, quotaPerDay: null }, ACTOR)
})

test('an unknown period is a bad request, and a client of another account does not exist', async () => {
  const { admin, stranger } = visitors.browsers
  expect((await admin.visit(`/usage/${client.clientId}?span=year`)).status).toBe(400)
  expect((await stranger.visit(`/usage/${client.clientId}`)).status).toBe(404)
})

test('the first page says how many clients were refused, and links them', async () => {
  for (const browser of [visitors.browsers.admin, visitors.browsers.operator]) {
    const page = await browser.visit('/')
    expect(page.text).toContain('was refused in the last hour')
    expect((await browser.visit('/usage')).text).toContain(`/usage/${client.clientId}`)
  }
  expect((await visitors.browsers.stranger.visit('/')).text).not.toContain('refused in the last hour')
})

test('only an operator sees unknown client IDs', async () => {
  expect((await visitors.browsers.operator.visit('/usage')).text).toContain('kwc_00000000000000000000')
  expect((await visitors.browsers.admin.visit('/usage')).text).not.toContain('kwc_00000000000000000000')
})

test('the CSV has the usage of the own account, and no cell that a spreadsheet runs', async () => {
  const page = await visitors.browsers.admin.visit('/usage/export')
  expect(page.status).toBe(200)
  const lines = page.text.trim().split('\r\n')
  expect(lines[0]).toBe('Day,Account ID,Client ID,Client,API,Tokens issued,Requests refused')
  expect(lines.filter((line) => line.includes(`,${client.clientId},'=Night job,`)).length).toBeGreaterThan(0)
  expect((await visitors.browsers.stranger.visit('/usage/export')).text).not.toContain(client.clientId)
  for (const day of ['never', '2026-02-30', '2026-1-1'])
    expect((await visitors.browsers.admin.visit(`/usage/export?from=${day}`)).status).toBe(400)
  const today = new Date().toISOString().slice(0, 10)
  const range = await visitors.browsers.admin.visit(`/usage/export?from=${today}&to=${today}`)
  expect(range.text).toContain(client.clientId)
  const past = await visitors.browsers.admin.visit('/usage/export?from=2026-01-01&to=2026-01-31')
  expect(past.text.trim().split('\r\n')).toHaveLength(1)
})

test('the navigation links to Usage, which has a form for the range of the CSV', async () => {
  for (const browser of [visitors.browsers.admin, visitors.browsers.operator]) {
    expect((await browser.visit('/')).text).toContain('href="/usage"')
    const page = await browser.visit('/usage')
    expect(page.text).toMatch(/<form[^>]*action="\/usage\/export"/)
    for (const name of ['from', 'to']) expect(page.text).toContain(`type="date" name="${name}"`)
  }
})

test('a reason that a node of a newer version wrote is shown as another reason', async () => {
  const { key, clientId } = await server.make.register({ account: visitors.home })
  const hour = new Date(Math.floor(Date.now() / 3_600_000) * 3_600_000)
  const seen = { client_id: key, api_id: 0, endpoint: 'token' }
  const outcome = 'reason_of_a_newer_version'
  await server.knex('client_usage_hours').insert({ ...seen, hour, outcome, count: 1 })
  const sample = {
    ...seen,
    reason: outcome,
    at: server.knex.fn.now(),
    ip: '192.0.2.1',
    user_agent: '',
    request_id: randomUUID(),
  }
  await server.knex('refusal_samples').insert([sample, { ...sample, client_id: 0 }])
  const caller = { client_id: key, ip: '192.0.2.1', api_id: 0, last_used_at: server.knex.fn.now() }
  await server.knex('client_callers').insert(caller)
  await server
    .knex('clients')
    .where({ id: key })
    .update({ deactivated_at: server.knex.raw(`now() - interval '1 hour'`) })
  for (const path of [`/usage/${clientId}`, '/usage', `/revocations/${clientId}`]) {
    const page = await visitors.browsers.operator.visit(path)
    expect([path, page.status, page.text.includes('>Other<')]).toEqual([path, 200, true])
  }
})
