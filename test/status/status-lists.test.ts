import { afterAll, beforeAll, expect, test } from 'vitest'
import { createServerWatch } from '../../src/database/server-watch.ts'
import { SMALLEST_LIST } from '../../src/status/status-bitmap.ts'
import { type StatusIndex, StatusIndexes } from '../../src/status/status-indexes.ts'
import { deleteExpiredStatusLists, leaseStatusIndexes, listStatusLists } from '../../src/status/status-lists.ts'
import { revokeToken } from '../../src/tokens/revocation.ts'
import { ACTOR } from '../support/factory.ts'
import { withoutJob } from '../support/jobs.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { together } from '../support/load.ts'
import { claimsOf } from '../support/requests.ts'
import { fetchList, openFeed, placeOf, statusAt } from '../support/status.ts'

let server: Keywright

beforeAll(async () => {
  server = await startKeywright()
})
afterAll(() => server.stop())

let apis = 1000
/** No token is recorded for it, so the API need not exist. */
const newApi = () => ++apis

/** Draws `count` indexes as the issuer does. */
async function draw(indexes: StatusIndexes, apiId: number, count: number) {
  const drawn: StatusIndex[] = []
  while (drawn.length < count) {
    const index = indexes.draw(apiId, 1)
    if (index) drawn.push(index)
    else await indexes.ready()
  }
  return drawn
}

const nameOf = ({ list, index }: StatusIndex) => `${list.key} ${index}`

test('processes that draw indexes at once, across several lists, never get the same index twice', async () => {
  const apiId = newApi()
  const processes = await together(4, async () => new StatusIndexes(server.instance.database))
  const drawn = (await together(4, (n) => draw(processes[n]!, apiId, 40_000))).flat()
  expect(new Set(drawn.map(nameOf)).size).toBe(160_000)
  expect(drawn.every(({ index }) => index >= 0 && index < SMALLEST_LIST)).toBe(true)
  const lists = (await listStatusLists(server.instance.database)).filter((list) => list.apiId === apiId)
  expect(lists.length).toBe(3)
  expect(await server.knex('status_lists').where('api_id', apiId).whereNull('closed_at')).toHaveLength(1)
})

test('a hundred requests that wait for the first lease of an API get an index each, with few leases', async () => {
  const apiId = newApi()
  const indexes = new StatusIndexes(server.instance.database)
  const drawn = (await together(100, () => draw(indexes, apiId, 1))).flat()
  expect(new Set(drawn.map(nameOf)).size).toBe(100)
  const [list] = await server.knex('status_lists').where('api_id', apiId)
  expect(list.next).toBeLessThanOrEqual(64 + 1024 + 1024)
})

test('an API that issues few tokens gets small leases, and an old lease is no longer used', async () => {
  const apiId = newApi()
  let now = Date.now()
  const indexes = new StatusIndexes(server.instance.database, undefined, () => now)
  const [first] = await draw(indexes, apiId, 1)
  now += 3_600_001
  expect(indexes.draw(apiId, 1)).toBeUndefined()
  await indexes.ready()
  const later = await draw(indexes, apiId, 3)
  expect(later.map(nameOf)).not.toContain(nameOf(first!))
  const [list] = await server.knex('status_lists').where('api_id', apiId)
  expect(list.next).toBe(128)
})

test('an index that no token got is drawn again, unless its lease is no longer used', async () => {
  const apiId = newApi()
  const watch = createServerWatch()
  const indexes = new StatusIndexes(server.instance.database, watch)
  const [first, second] = await draw(indexes, apiId, 2)
  indexes.putBack(apiId, first!)
  expect(indexes.draw(apiId, 1)).toEqual(first)
  const others = await draw(indexes, apiId, 5)
  expect(new Set([first!, second!, ...others].map(nameOf)).size).toBe(7)
  // After a failover another node may have got the same index.
  watch.notice(1)
  watch.notice(2)
  indexes.putBack(apiId, second!)
  const later = await draw(indexes, apiId, 200)
  expect(later.map(nameOf)).not.toContain(nameOf(second!))
})

test('a request that waits for a lease gets the error of the database, and the next request leases again', async () => {
  const apiId = newApi()
  const { database } = server.instance
  let fail = true
  const failing = {
    ...database,
    query: async (statement: Parameters<typeof database.query>[0]) => {
      if (fail) throw new Error('gone')
      return await database.query(statement)
    },
  } as typeof database
  const indexes = new StatusIndexes(failing)
  await expect(draw(indexes, apiId, 1)).rejects.toThrow('gone')
  fail = false
  expect(await draw(indexes, apiId, 1)).toHaveLength(1)
})

test('a list closes when it is a day old: its leases are still used, and the next lease opens another list', async () => {
  const apiId = newApi()
  const { database } = server.instance
  const first = await leaseStatusIndexes(database, apiId, 64)
  await server
    .knex('status_lists')
    .where('id', first.list.key)
    .update({ opened_at: server.knex.raw(`now() - interval '25 hours'`) })
  const last = await leaseStatusIndexes(database, apiId, 64)
  const next = await leaseStatusIndexes(database, apiId, 64)
  expect([last.list.key === first.list.key, next.list.key === first.list.key]).toEqual([true, false])
  expect([last.from, last.to, next.from, next.to]).toEqual([64, 128, 0, 64])
  expect(next.orderKey.equals(first.orderKey)).toBe(false)
})

/** Makes the API's last list look as if it had got so many tokens in an hour. */
async function rateOf(apiId: number, perHour: number): Promise<void> {
  const opened_at = server.knex.raw(`now() - interval '1 hour'`)
  await server
    .knex('status_lists')
    .where('api_id', apiId)
    .update({ next: perHour, opened_at, closed_at: server.knex.fn.now() })
}

test.each([
  // Tokens per hour, their lifetime in seconds, and the expected list size.
  [1000, 3600, 65_536],
  [1_000_000, 3600, 65_536],
  [4_000_000, 3600, 262_144],
  [40_000, 30 * 86_400, 1_048_576],
  [374_400, 30 * 86_400, 1_048_576],
])(
  'an API that issues %i tokens per hour with a lifetime of %i s gets lists of %i indexes',
  async (perHour, lifetime, size) => {
    const apiId = newApi()
    const { database } = server.instance
    expect((await leaseStatusIndexes(database, apiId, 64, lifetime)).size).toBe(65_536)
    await rateOf(apiId, perHour)
    expect((await leaseStatusIndexes(database, apiId, 64, lifetime)).size).toBe(size)
  },
)

test('a token with an index beyond 65,535 is revoked in its list and in the feed', async () => {
  const api = await server.make.api()
  const { id } = await server.knex('apis').where('identifier', api.identifier).first('id')
  await leaseStatusIndexes(server.instance.database, id, 64)
  await rateOf(id, 40_000_000)
  const client = await server.make.client({}, [api.identifier])
  const tokens = await together(60, async () => (await server.machineToken(client)).body.access_token as string)
  const far = tokens.find((token) => placeOf(token).idx > 65_535)!
  const near = tokens.find((token) => token !== far)!
  const feed = await openFeed(server, api)
  await revokeToken(server.knex, String(claimsOf(far).jti), ACTOR)
  await feed.reported([far])
  expect([await statusAt(server, far), await statusAt(server, near)]).toEqual([1, 0])
  await feed.close()
})

const closedAgo = (hours: number) => ({ closed_at: server.knex.raw('now() - make_interval(hours => ?)', [hours]) })

test('a token is never recorded in a list that may have been deleted, even with an hours-old lease', async () => {
  const api = await server.make.api()
  const client = await server.make.client({}, [api.identifier])
  const first = placeOf((await server.machineToken(client)).body.access_token)
  const list = { public_id: first.uri.split('/').at(-1) }
  await server.knex('status_lists').where(list).update(closedAgo(1))
  expect(placeOf((await server.machineToken(client)).body.access_token).uri).toBe(first.uri)
  await server.knex('status_lists').where(list).update(closedAgo(3))
  const recorded = await server.knex('access_tokens').whereNotNull('status_list')
  expect((await server.machineToken(client)).status).toBe(503)
  expect(await server.knex('access_tokens').whereNotNull('status_list')).toHaveLength(recorded.length)
})

test('a list is deleted after its last token has expired, and not before', async () => {
  const api = await server.make.api({ tokenTtl: 60 })
  const client = await server.make.client({}, [api.identifier])
  const token = (await server.machineToken(client)).body.access_token
  const { uri } = placeOf(token)
  await withoutJob(server.knex, 'sweep rows that expired long ago', async () => {
    await server.knex('status_lists').where('public_id', uri.split('/').at(-1)!).update(closedAgo(5))
    await deleteExpiredStatusLists(server.knex, 100)
    expect((await fetchList(server, uri)).status).toBe(200)
    const expired = server.knex.raw(`expires_at - interval '20 minutes'`)
    await server
      .knex('access_tokens')
      .where({ jti: claimsOf(token).jti })
      .update({ expires_at: expired })
    // The newest list is never deleted, and this list was the newest.
    await leaseStatusIndexes(server.instance.database, newApi(), 1)
    expect(await deleteExpiredStatusLists(server.knex, 100)).toBe(1)
  })
  const listed = (await listStatusLists(server.instance.database)).map(({ id }) => uri.endsWith(id))
  expect(listed).not.toContain(true)
})
