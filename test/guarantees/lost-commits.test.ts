/** An asynchronous standby is promoted, or a dump restored, while the nodes keep running: they must not trust their memory. */
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { migrate } from '../../src/database/migrations.ts'
import { openDatabase } from '../../src/database/open-database.ts'
import { updateClient } from '../../src/management/client-registration.ts'
import { saveCheckpoint } from '../../src/status/feed-cursors.ts'
import { ensurePartitions } from '../../src/tokens/partitions.ts'
import { revokeToken } from '../../src/tokens/revocation.ts'
import { ACTOR } from '../support/factory.ts'
import { activeAmong, together, until } from '../support/load.ts'
import { type Nodes, startNodes } from '../support/nodes.ts'
import {
  findPostgresTools,
  type ReplaceablePostgres,
  startReplaceablePostgres,
} from '../support/replaceable-postgres.ts'
import { type Credentials, claimsOf } from '../support/requests.ts'
import { openFeed, placeName, revokedInLists } from '../support/status.ts'

type Api = Credentials & { identifier: string }

let bin: string | undefined
let postgres: ReplaceablePostgres
let on: Nodes

beforeAll(async () => {
  bin = await findPostgresTools()
})

beforeEach(async ({ skip }) => {
  if (!bin) return skip()
  postgres = await startReplaceablePostgres(bin)
  const database = openDatabase(postgres.url)
  await migrate(database.knex)
  await ensurePartitions(database.knex)
  await database.close()
  on = await startNodes(2, { databaseUrl: postgres.url })
})

afterEach(async () => {
  await on?.stop()
  await postgres?.stop()
})

/** Retries as a client does that gets 503 while the database is unavailable. */
async function newToken(client: Credentials, api: Api, n = 0) {
  let answer = await on.nodes[n % 2]!.machineToken(client, { resource: api.identifier })
  await until(async () => {
    if (answer.status === 503) answer = await on.nodes[n % 2]!.machineToken(client, { resource: api.identifier })
    return answer.status !== 503
  })
  expect(answer.status, answer.text).toBe(200)
  return { token: answer.body.access_token as string, expiresIn: answer.body.expires_in as number }
}

const newTokens = async (client: Credentials, api: Api, count: number) =>
  (await together(count, (n) => newToken(client, api, n))).map(({ token }) => token)

const jtiOf = (token: string) => claimsOf(token).jti as string

/** Until everything of before is answered by the new server. */
const reconnected = () =>
  until(() =>
    on.knex.raw('SELECT 1').then(
      () => true,
      () => false,
    ),
  )

/** As time goes by: transaction ids of the lost commits are given out again. */
async function useTransactionIds(count: number): Promise<void> {
  for (let n = 0; n < count; n++) await on.knex.raw('SELECT pg_current_xact_id()')
}

test('after a failover that lost commits no status index is used twice, and changed registrations count', async () => {
  const api = await on.make.api()
  const client = await on.make.client([api.identifier])
  const changed = await on.make.client([api.identifier])
  const before = await newTokens(client, api, 40)
  await newTokens(changed, api, 2)
  postgres.copy()
  const lost = await newTokens(client, api, 200)
  await updateClient(on.knex, changed.clientId, { settings: { accessTokenTtl: 1234 } }, ACTOR)
  expect((await newToken(changed, api)).expiresIn).toBe(1234)
  await postgres.failOver()
  await reconnected()
  // The same number of a version, for other settings.
  await updateClient(on.knex, changed.clientId, { settings: { accessTokenTtl: 2345 } }, ACTOR)
  const after = await newTokens(client, api, 200)
  expect((await newToken(changed, api)).expiresIn).toBe(2345)
  const places = [...before, ...lost, ...after].map(placeName)
  expect(new Set(places).size).toBe(places.length)
  const { rows } = await on.knex.raw(`
    SELECT count(*) AS tokens, count(DISTINCT (status_list, status_index)) AS indexes FROM access_tokens`)
  expect(rows[0].indexes).toBe(rows[0].tokens)
  expect(await activeAmong(on.nodes, [before[0]!, lost[0]!, after[0]!], api)).toEqual([before[0], after[0]])
})

test('an earlier reader of the feed gets a reset after a failover that lost commits, and misses no revocation', async () => {
  const api = await on.make.api()
  const client = await on.make.client([api.identifier])
  const [early, late] = await newTokens(client, api, 2)
  await saveCheckpoint(on.knex)
  postgres.copy()
  await useTransactionIds(50)
  const lost = await newTokens(client, api, 10)
  const feed = await openFeed(on.nodes[0]!, api)
  for (const token of lost) await revokeToken(on.knex, jtiOf(token), ACTOR)
  await feed.reported(lost)
  await until(() => feed.lastId() !== undefined)
  const cursor = feed.lastId()
  await postgres.failOver()
  await reconnected()
  await revokeToken(on.knex, jtiOf(early!), ACTOR)
  await useTransactionIds(300)
  await until(() => feed.isEnded())
  for (const node of on.nodes) {
    const again = await openFeed(node, api, cursor)
    await again.reported([early!])
    expect(again.events.map(({ event }) => event).slice(0, 2)).toEqual(['reset', 'since'])
    await revokeToken(on.knex, jtiOf(late!), ACTOR)
    await again.reported([late!])
    // The cursor of the new history is good again.
    const next = await openFeed(node, api, again.lastId())
    await until(() => next.events.length > 0)
    expect(next.events[0]!.event).toBe('since')
    await Promise.all([again.close(), next.close()])
  }
  await revokedInLists(on.nodes, [early!])
})

test('a token that the database lost is revoked for resource servers by its own client, though its list is lost too', async () => {
  const api = await on.make.api()
  const other = await on.make.api()
  const client = await on.make.client([api.identifier, other.identifier])
  const stranger = await on.make.client([api.identifier])
  const known = await newToken(client, api)
  postgres.copy()
  const inKnownList = (await newTokens(client, api, 3))[0]!
  const inLostList = (await newTokens(client, other, 3))[0]!
  await postgres.failOver()
  await reconnected()
  for (const [token, its] of [
    [inKnownList, api],
    [inLostList, other],
  ] as const) {
    const feed = await openFeed(on.nodes[1]!, its)
    expect((await on.nodes[0]!.revoke(token, stranger)).status).not.toBe(503)
    expect((await on.nodes[0]!.revoke(token, client)).status).toBe(200)
    await feed.reported([token])
    await revokedInLists(on.nodes, [token])
    expect(await activeAmong(on.nodes, [token], its)).toEqual([])
    // Once more changes nothing.
    expect((await on.nodes[1]!.revoke(token, client)).status).toBe(200)
    expect(await on.knex('audit_log').where({ action: 'token.revoked', target_id: jtiOf(token) })).toHaveLength(1)
    await feed.close()
  }
  expect(await activeAmong(on.nodes, [known.token], api)).toEqual([known.token])
})

test('a database that was restored into another cluster starts the feed now, and its readers get a reset', async () => {
  const api = await on.make.api()
  const client = await on.make.client([api.identifier])
  const [first, second] = await newTokens(client, api, 2)
  await saveCheckpoint(on.knex)
  await useTransactionIds(200)
  const feed = await openFeed(on.nodes[0]!, api)
  await revokeToken(on.knex, jtiOf(first!), ACTOR)
  await feed.reported([first!])
  await until(() => feed.lastId() !== undefined)
  const cursor = feed.lastId()
  const restoredAfter = Date.now()
  await postgres.restoreElsewhere()
  await reconnected()
  await until(() => feed.isEnded())
  const newcomer = await openFeed(on.nodes[1]!, api)
  await until(() => newcomer.events.length > 0)
  expect(newcomer.events[0]!.event).toBe('since')
  expect(newcomer.events[0]!.data.at).toBeGreaterThan(restoredAfter)
  await useTransactionIds(1000)
  const again = await openFeed(on.nodes[0]!, api, cursor)
  await until(() => again.events.length > 1)
  expect(again.events.map(({ event }) => event).slice(0, 2)).toEqual(['reset', 'since'])
  await revokeToken(on.knex, jtiOf(second!), ACTOR)
  await Promise.all([newcomer.reported([second!]), again.reported([second!])])
  await revokedInLists(on.nodes, [first!])
  await Promise.all([newcomer.close(), again.close()])
})
