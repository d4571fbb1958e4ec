/** Answers in JSON lines, which last. */
import type { AddressInfo } from 'node:net'
import Koa from 'koa'
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

/** Of about 4 KB each: far more than any buffer between server and reader takes. */
const ENTRIES = 6000

beforeAll(async () => {
  server = await startKeywright()
  await server.knex.raw(
    `INSERT INTO audit_log (id, at, action, actor_type, actor_id, target_type, target_id, detail)
     SELECT gen_random_uuid(), now() - n * interval '1 second', 'test.bulk', 'system', 'tests', 'test', n::text,
            jsonb_build_object('text', repeat('lorem ipsum ', 340))
       FROM generate_series(1, ?::int) n`,
    [ENTRIES],
  )
})

afterAll(async () => {
  await readers.destroy()
  await server?.stop()
})

async function operator() {
  const client = await managingApplication(server, null)
  return { client, token: await managementToken(server, client) }
}

// Connections of its own: one that `fetch` opens as a spare is not closed, and the server's end would wait for it.
const readers = new Agent()

const openExport = (token: string, signal: AbortSignal | null = null) =>
  fetch(`${server.url}/api/v1/activity/export?actions=test.bulk`, {
    dispatcher: readers,
    signal,
    headers: { authorization: `Bearer ${token}` },
  })

test('an export is whole', async () => {
  const { token } = await operator()
  const answer = await openExport(token)
  expect(answer.headers.get('content-type')).toMatch(/^application\/x-ndjson/)
  const lines = (await answer.text()).trimEnd().split('\n')
  expect(new Set(lines.map((line) => JSON.parse(line).id)).size).toBe(ENTRIES)
})

test('an export is cut off when its token is revoked', async () => {
  const { client, token } = await operator()
  const answer = await openExport(token)
  const reader = answer.body!.getReader()
  await reader.read()
  await server.revoke(token, client)
  const readOn = async () => {
    while (!(await reader.read()).done);
  }
  await expect(readOn()).rejects.toThrow()
  await until(() => server.logLines().some(({ detail }) => detail === 'it has expired or was revoked'))
})

test('four exports of one caller go on at once, and the next waits until one is over', async () => {
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

test('an export has an end, whether its reader reads or not', async () => {
  const app = new Koa()
  const failures: string[] = []
  app.on('error', ({ message }: Error) => failures.push(message))
  const streams = createLineStreams({ perCaller: 1, lifetime: 50 })
  const route = { answers: { 200: z.string() } } as unknown as ApiRoute
  const endless = async function* () {
    for (;;) yield 'x'.repeat(10_000)
  }
  const call = {} as Call
  const caller = { clientId: 'kwc_endless', subject: null } as ApiCaller
  app.use((ctx) =>
    streams.send(ctx, { ...route, handle: async () => ({ lines: endless() }) }, caller, call, async () => {}),
  )
  const http = app.listen(0)
  const url = `http://localhost:${(http.address() as AddressInfo).port}`
  for (let n = 0; n < 2; n++) {
    const answer = await fetch(url)
    expect(answer.status).toBe(200)
    await until(() => failures.length > n)
    await expect(answer.text()).rejects.toThrow()
  }
  expect(new Set(failures)).toEqual(new Set(['the stream has had its time']))
  http.close()
})

test('what asks for no body, or is refused, takes no place', async () => {
  const { token } = await operator()
  const api = rawManagement(server.url, token)
  for (let n = 0; n < 6; n++) {
    expect((await api.send('HEAD', '/activity/export')).status).toBe(200)
    expect((await api.send('GET', '/activity/export?after=x')).status).toBe(400)
    expect((await api.send('GET', '/activity/export?from=0001-01-01T00:00:00%2b23:59')).status).toBe(400)
  }
})

test('a time that no calendar of the database has is a error of its parameter', async () => {
  const api = rawManagement(server.url, (await operator()).token)
  for (const path of ['/activity', '/activity/export']) {
    for (const name of ['from', 'to']) {
      for (const time of ['0001-01-01T00:00:00%2b23:59', '9999-12-31T23:59:59-23:59']) {
        const answer = await api.send('GET', `${path}?${name}=${time}`)
        expect(answer, `${path} ${name} ${time}`).toMatchObject({
          status: 400,
          body: { errors: [{ parameter: name }] },
        })
      }
    }
  }
})
