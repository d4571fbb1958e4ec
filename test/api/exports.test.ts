/** Exports: long responses in JSON lines. */
import type { AddressInfo } from 'node:net'
import type { Readable } from 'node:stream'
import Koa, { type Context } from 'koa'
import { Agent, fetch } from 'undici'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import type { ApiCaller } from '../../src/api/callers.ts'
import { createLineStreams } from '../../src/api/line-streams.ts'
import type { ApiRoute, Call } from '../../src/api/route.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { until } from '../support/load.ts'
import { managementToken, managingApplication, rawManagement } from '../support/management.ts'

let server: Keywright

/** About 4 KB each: more than all buffers between server and reader hold. */
const ENTRIES = 6000

beforeAll(async () => {
  server = await startKeywright()
  // In several statements, because on a busy machine one takes longer than the statement timeout.
  for (let from = 1; from <= ENTRIES; from += 1000) {
    await server.knex.raw(
      `INSERT INTO audit_log (id, at, action, actor_type, actor_id, target_type, target_id, detail)
     SELECT gen_random_uuid(), now() - n * interval '1 second', 'test.bulk', 'system', 'tests', 'test', n::text,
            jsonb_build_object('text', repeat('lorem ipsum ', 340))
       FROM generate_series(?::int, ?::int) n`,
      [from, from + 999],
    )
  }
})

afterAll(async () => {
  await readers.destroy()
  await server?.stop()
})

async function operator() {
  const client = await managingApplication(server, null)
  return { client, token: await managementToken(server, client) }
}

// A dispatcher of its own: the default one may open a spare connection, and the server would wait for its end.
const readers = new Agent()

const openExport = (token: string, signal: AbortSignal | null = null) =>
  fetch(`${server.url}/api/v1/activity/export?actions=test.bulk`, {
    dispatcher: readers,
    signal,
    headers: { authorization: `Bearer ${token}` },
  })

test('an export holds every entry', async () => {
  const { token } = await operator()
  const response = await openExport(token)
  expect(response.headers.get('content-type')).toMatch(/^application\/x-ndjson/)
  const lines = (await response.text()).trimEnd().split('\n')
  expect(new Set(lines.map((line) => JSON.parse(line).id)).size).toBe(ENTRIES)
})

test('an export is cut off when its token is revoked', async () => {
  const { client, token } = await operator()
  const response = await openExport(token)
  const reader = response.body!.getReader()
  await reader.read()
  await server.revoke(token, client)
  const readOn = async () => {
    while (!(await reader.read()).done);
  }
  await expect(readOn()).rejects.toThrow()
  await until(() => server.logLines().some(({ detail }) => detail === 'the access token has expired or was revoked'))
})

test('a caller may run four exports at once, and a fifth is 429 until one ends', async () => {
  const { token } = await operator()
  const leave = new AbortController()
  const open = await Promise.all([leave.signal, null, null, null].map((signal) => openExport(token, signal)))
  expect(open.map(({ status }) => status)).toEqual([200, 200, 200, 200])
  const fifth = await rawManagement(server.url, token).send('GET', '/activity/export')
  expect(fifth).toMatchObject({ status: 429, body: { type: 'urn:keywright:error:rate_limited' } })
  expect(Number(fifth.headers.get('retry-after'))).toBeGreaterThan(0)
  expect((await openExport((await operator()).token)).status).toBe(200)
  leave.abort()
  await until(async () => (await openExport(token)).status === 200)
})

test('an export ends after its maximum duration, whether or not its reader reads', async () => {
  const app = new Koa()
  const failures: string[] = []
  app.on('error', ({ message }: Error) => failures.push(message))
  const streams = createLineStreams({ perCaller: 1, lifetime: 50 })
  const route = { responses: { 200: z.string() } } as unknown as ApiRoute
  const endless = async function* () {
    for (;;) yield 'x'.repeat(10_000)
  }
  const call = {} as Call
  const caller = { who: { accountId: null }, clientId: 'kwc_endless', subject: null } as ApiCaller
  app.use((ctx) =>
    streams.send(ctx, { ...route, handle: async () => ({ lines: endless() }) }, caller, call, async () => {}),
  )
  const http = app.listen(0)
  const url = `http://localhost:${(http.address() as AddressInfo).port}`
  for (let n = 0; n < 2; n++) {
    const response = await fetch(url)
    expect(response.status).toBe(200)
    await until(() => failures.length > n)
    await expect(response.text()).rejects.toThrow()
  }
  expect(new Set(failures)).toEqual(new Set(['the stream reached its maximum duration']))
  http.close()
})

test('the streams of an account are bounded on a node, and those of all accounts', async () => {
  const streams = createLineStreams({ perCaller: 2, perAccount: 3, perNode: 4 })
  const route = { responses: { 200: z.string() } } as unknown as ApiRoute
  const endless = async function* () {
    for (;;) yield 'x'
  }
  const take = async (accountId: string | null, clientId: string) => {
    const ctx = {} as Context
    const caller = { who: { accountId }, clientId, subject: null } as unknown as ApiCaller
    await streams.send(
      ctx,
      { ...route, handle: async () => ({ lines: endless() }) },
      caller,
      {} as Call,
      async () => {},
    )
    return ctx.body as Readable
  }
  const refused = { headers: { 'Retry-After': '10' } }
  const first = await take('a', 'kwc_1')
  await take('a', 'kwc_1')
  await expect(take('a', 'kwc_1')).rejects.toMatchObject({ code: 'rate_limited', ...refused })
  await take('a', 'kwc_2')
  await expect(take('a', 'kwc_3')).rejects.toMatchObject({ code: 'rate_limited', ...refused })
  await take('b', 'kwc_4')
  await expect(take(null, 'kwc_5')).rejects.toMatchObject({ code: 'unavailable', ...refused })
  first.destroy()
  await until(
    async () =>
      await take('a', 'kwc_3').then(
        () => true,
        () => false,
      ),
  )
})

test('a sign of life of an event stream depends on the time alone, and on no event of others', async () => {
  const streams = createLineStreams({ signOfLife: Number.POSITIVE_INFINITY })
  const schema = z.object({ id: z.string(), event: z.object({}).nullable() })
  const route = { responses: { 200: schema }, lines: 'events' } as unknown as ApiRoute
  const items = async function* () {
    for (const id of ['1', '2', '3']) yield { id, event: null }
    yield { id: '4', event: {} }
    yield { id: '5', event: null }
  }
  const ctx = { set: () => {} } as unknown as Context
  const caller = { who: { accountId: null }, clientId: 'kwc_1', subject: null } as unknown as ApiCaller
  await streams.send(ctx, { ...route, handle: async () => ({ lines: items() }) }, caller, {} as Call, async () => {})
  const text = (await Array.fromAsync(ctx.body as Readable)).join('')
  expect(text.match(/id: \d/g)).toEqual(['id: 1', 'id: 4'])
})

test('HEAD requests and rejected requests do not count as running exports', async () => {
  const { token } = await operator()
  const api = rawManagement(server.url, token)
  for (let n = 0; n < 6; n++) {
    expect((await api.send('HEAD', '/activity/export')).status).toBe(200)
    expect((await api.send('GET', '/activity/export?after=x')).status).toBe(400)
    expect((await api.send('GET', '/activity/export?from=0001-01-01T00:00:00%2b23:59')).status).toBe(400)
  }
})

test('a time outside the range of PostgreSQL is an error of its parameter', async () => {
  const api = rawManagement(server.url, (await operator()).token)
  for (const path of ['/activity', '/activity/export']) {
    for (const name of ['from', 'to']) {
      for (const time of ['0001-01-01T00:00:00%2b23:59', '9999-12-31T23:59:59-23:59']) {
        const response = await api.send('GET', `${path}?${name}=${time}`)
        expect(response, `${path} ${name} ${time}`).toMatchObject({
          status: 400,
          body: { errors: [{ parameter: name }] },
        })
      }
    }
  }
})

test('the usage export is CSV with a line of column names', async () => {
  const { client, token } = await operator()
  const key = server.knex('clients').where({ client_id: client.clientId }).select('id')
  await until(async () => (await server.knex('client_usage_hours').where('client_id', key)).length > 0)
  const answer = await fetch(`${server.url}/api/v1/usage/export`, {
    dispatcher: readers,
    headers: { authorization: `Bearer ${token}` },
  })
  expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'text/csv; charset=utf-8'])
  const [head, ...rows] = (await answer.text()).trim().split('\r\n')
  expect(head).toBe('day,account_id,client_id,client_name,api,tokens_issued,requests_refused')
  expect(rows.some((row) => row.includes(`${client.clientId},Automation,`))).toBe(true)
})
