import { randomBytes } from 'node:crypto'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { rotateSecret } from '../../src/management/client-secret-rotation.ts'
import { createEncryptionKeys } from '../../src/shared/encryption-keys.ts'
import { encodeCursor } from '../../src/status/feed-cursors.ts'
import { revokeToken } from '../../src/tokens/revocation.ts'
import { ACTOR } from '../support/factory.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { together, until } from '../support/load.ts'
import { basicHeader, type Credentials, claimsOf, send } from '../support/requests.ts'
import { openFeed } from '../support/status.ts'

let server: Keywright
let api: Credentials & { identifier: string }
let client: Credentials

beforeAll(async () => {
  server = await startKeywright({ env: { STATUS_FEED_MAX: '40', STATUS_LIST_TTL: '5' } })
  api = await server.make.api()
  client = await server.make.client({}, [api.identifier])
})
afterAll(() => server.stop())

const issue = async () => (await server.machineToken(client)).body.access_token as string
const revoke = (jwt: string) => revokeToken(server.knex, String(claimsOf(jwt).jti), ACTOR)
const ask = (headers: Record<string, string>, init: RequestInit = {}) =>
  send(`${server.url}/oauth2/status/feed`, { headers, ...init })

test('only the client of an API can read the feed', async () => {
  const strangers: [string | undefined, number, string][] = [
    [undefined, 401, 'invalid_client'],
    ['Bearer x', 401, 'invalid_client'],
    ['Basic !!!', 401, 'invalid_client'],
    [basicHeader({ ...api, clientSecret: `${api.clientSecret}x` }), 401, 'invalid_client'],
    [basicHeader({ ...api, clientId: '\0' }), 400, 'invalid_request'],
    [basicHeader({ ...api, clientId: 'x'.repeat(5000) }), 401, 'invalid_client'],
    [basicHeader(client), 403, 'access_denied'],
  ]
  for (const [authorization, status, error] of strangers) {
    const answer = await ask(authorization === undefined ? {} : { authorization })
    expect([authorization, answer.status, answer.body.error]).toEqual([authorization, status, error])
    if (status === 401) expect(answer.headers.get('www-authenticate')).toContain('Basic')
  }
  const authorization = basicHeader(api)
  expect((await ask({ authorization, accept: 'application/json' })).status).toBe(406)
  expect((await ask({ authorization }, { method: 'POST' })).status).toBe(405)
})

test('a stream starts with the signing keys and its history, says that it is current, and repeats that every five seconds', async () => {
  const doomed = await issue()
  await revoke(doomed)
  const feed = await openFeed(server, api)
  expect(feed.headers['content-type']).toBe('text/event-stream')
  expect(feed.headers['cache-control']).toBe('no-store')
  await until(() => feed.events.length >= 4)
  const [since, keys, revoked, current] = feed.events
  expect(since).toEqual({ event: 'since', id: undefined, data: { at: expect.any(Number) } })
  expect(since!.data.at).toBeLessThan(Date.now() - 150_000)
  const published = (await send(`${server.url}/oauth2/jwks`)).body.keys.map(({ kid }: { kid: string }) => kid)
  expect(keys).toEqual({ event: 'keys', id: undefined, data: { keys: published.sort(), revoked: [] } })
  expect(revoked).toMatchObject({ event: 'revoked', id: expect.any(String), data: { at: expect.any(Number) } })
  expect(current).toMatchObject({ event: 'current', data: { at: expect.any(Number), lists: 1 } })
  expect(feed.isTold(doomed)).toBe(true)
  const first = current!.data.at
  expect(Math.abs(first - Date.now())).toBeLessThan(5000)
  await feed.current(first + 4000)
  await feed.close()
})

test('a client that returns with its cursor gets the later revocations only', async () => {
  const feed = await openFeed(server, api)
  const [before, after] = [await issue(), await issue()]
  await revoke(before)
  await feed.reported([before])
  await feed.close()
  await revoke(after)
  const next = await openFeed(server, api, feed.lastId())
  await next.reported([after])
  expect(next.isTold(before)).toBe(false)
  expect(next.events.some(({ event }) => event === 'reset')).toBe(false)
  const left = feed.events.findLast(({ id }) => id)!
  expect(next.events[0]).toMatchObject({ event: 'since', data: { at: left.data.at } })
  await next.close()
})

test('a client whose cursor is unreadable gets a reset event, and then the history', async () => {
  const doomed = await issue()
  await revoke(doomed)
  const keys = server.instance.encryptionKeys
  const now = Date.now()
  for (const cursor of [
    'x',
    '0',
    'ä'.repeat(10),
    'a'.repeat(8000),
    encodeCursor(createEncryptionKeys([Buffer.alloc(32)]), { snapshot: '3:3:', at: now }),
    encodeCursor(keys, { snapshot: '3:999999999999:', at: now }),
    encodeCursor(keys, { snapshot: '3:3:', at: now - 7_900_000 }),
  ]) {
    const feed = await openFeed(server, api, encodeURIComponent(cursor))
    const raw = cursor.startsWith('ä') ? feed : await openFeed(server, api, cursor)
    await raw.reported([doomed])
    expect([cursor.slice(0, 20), raw.events[0]!.event]).toEqual([cursor.slice(0, 20), 'reset'])
    await Promise.all([feed.close(), raw.close()])
  }
})

test('a revocation is not sent to another API', async () => {
  const other = await server.make.api()
  const [feed, othersFeed] = [await openFeed(server, api), await openFeed(server, other)]
  const doomed = await issue()
  await revoke(doomed)
  await feed.reported([doomed])
  await othersFeed.current(feed.events.at(-1)!.data.at)
  expect([...othersFeed.revoked]).toEqual([])
  await Promise.all([feed.close(), othersFeed.close()])
})

test('a stream closes when its client secret is retired, or when the overlap ends', async () => {
  const own = await server.make.api()
  const feed = await openFeed(server, own)
  const { clientSecret } = await rotateSecret(server.knex, own.clientId, 0, ACTOR)
  await until(feed.isEnded)
  expect((await ask({ authorization: basicHeader(own) })).status).toBe(401)
  const held = { ...own, clientSecret: clientSecret! }
  const [old, next] = [await openFeed(server, held), await rotateSecret(server.knex, own.clientId, 3, ACTOR)]
  const fresh = await openFeed(server, { ...own, clientSecret: next.clientSecret! })
  await until(old.isEnded)
  expect(fresh.isEnded()).toBe(false)
  await fresh.close()
})

test('a stream above the limit gets 503, and opens after another one has closed', async () => {
  const feeds = await together(40, () => openFeed(server, api))
  const refused = await ask({ authorization: basicHeader(api) })
  expect([refused.status, refused.body.error]).toEqual([503, 'temporarily_unavailable'])
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
  await feeds[0]!.close()
  let taken: Awaited<ReturnType<typeof openFeed>> | undefined
  await until(async () => {
    taken = await openFeed(server, api).catch(() => undefined)
    return taken !== undefined
  })
  await Promise.all([...feeds, taken!].map((feed) => feed.close()))
})

/** Opens the feed and reads nothing. Resolves to the client's socket and the server's response. */
async function listenWithoutReading(): Promise<{ socket: Socket; response: ServerResponse }> {
  const { hostname, port } = new URL(server.url)
  const socket = connect(Number(port), hostname)
  await once(socket, 'connect')
  let response: ServerResponse | undefined
  const notice = (message: unknown) => {
    const started = message as { response: ServerResponse; socket: Socket }
    if (started.socket.remotePort === socket.localPort) response = started.response
  }
  subscribe('http.server.request.start', notice)
  socket.write(`GET /oauth2/status/feed HTTP/1.1\r\nHost: x\r\nAuthorization: ${basicHeader(api)}\r\n\r\n`)
  await once(socket, 'readable')
  unsubscribe('http.server.request.start', notice)
  return { socket, response: response! }
}

/** Lists of the API, and indexes of each revoked at random, which compress badly: some 1.4 MB a time for 400 lists. */
async function createLargeLists(count: number) {
  const { id: api_id } = await server.knex('apis').where('identifier', api.identifier).first('id')
  const rows = Array.from({ length: count }, () => ({ api_id, order_key: randomBytes(32), closed_at: new Date() }))
  const lists: { id: number }[] = await server.knex('status_lists').insert(rows).returning('id')
  return async () => {
    const indexes = Array.from({ length: 65_536 }, (_, n) => n).filter(() => Math.random() < 0.06)
    const ended = server.knex.raw('SELECT id, ?::int[] FROM unnest(?::bigint[]) id', [
      indexes,
      lists.map(({ id }) => id),
    ])
    await server.knex.raw('INSERT INTO revocations (status_list, status_indexes) ?', [ended])
  }
}

/** Counts what arrives from now on. */
function readAll(socket: Socket) {
  const seen = { bytes: 0, closed: false }
  socket.on('error', () => {})
  socket.on('close', () => {
    seen.closed = true
  })
  socket.on('data', (chunk) => {
    seen.bytes += chunk.length
  })
  return seen
}

test('a client that does not read is disconnected, and delays no other stream', async () => {
  const revokeMany = await createLargeLists(400)
  const [silent, busy] = [await listenWithoutReading(), await listenWithoutReading()]
  const read = readAll(busy.socket)
  while (!silent.response.destroyed) {
    const before = read.bytes
    await revokeMany()
    await until(() => read.bytes > before + 1_000_000)
  }
  // What the kernel has taken is still read; then it ends, in the middle.
  const late = readAll(silent.socket)
  await until(() => late.closed)
  expect(late.bytes).toBeLessThan(read.bytes)
  expect(read.closed).toBe(false)
  busy.socket.destroy()
})
