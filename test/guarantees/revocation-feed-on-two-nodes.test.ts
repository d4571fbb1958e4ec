/** The revocation feed has no gap, in any order of commits, after the crash of a node, and after a reader was disconnected. */
import type { Knex } from 'knex'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  currentCursor,
  cursorBefore,
  deleteOldRevocations,
  type FeedCursor,
  saveCheckpoint,
} from '../../src/status/feed-cursors.ts'
import { setIndexesOf } from '../../src/status/status-bitmap.ts'
import { readChanges } from '../../src/status/status-changes.ts'
import { revokeToken, revokeTokensOfClient } from '../../src/tokens/revocation.ts'
import { ACTOR } from '../support/factory.ts'
import { withoutJob } from '../support/jobs.ts'
import { startLoad, together, until } from '../support/load.ts'
import { type Nodes, startNodes } from '../support/nodes.ts'
import { type Credentials, claimsOf } from '../support/requests.ts'
import { type Feed, openFeed, placeName, placeOf, revokedInLists, statusAt } from '../support/status.ts'

let on: Nodes
let api: Credentials & { identifier: string }

beforeAll(async () => {
  on = await startNodes(2)
  api = await on.make.api()
})

afterAll(() => on?.stop())

const nodeOf = (n: number) => on.nodes[n % on.nodes.length]!

async function issue(client: Credentials, n = 0): Promise<string> {
  const { status, text, body } = await nodeOf(n).machineToken(client)
  if (status !== 200) throw new Error(text)
  return body.access_token
}

const revoke = (knex: Knex, jwt: string) => revokeToken(knex, String(claimsOf(jwt).jti), ACTOR)

test('revocations are published while a long transaction is in progress, and those of that transaction when it commits', async () => {
  const client = await on.make.client([api.identifier])
  const [slow, quick] = [await issue(client), await issue(client)]
  const feeds = await Promise.all(on.nodes.map((node) => openFeed(node, api)))
  const trx = await on.knex.transaction()
  await revoke(trx, slow)
  await revoke(on.knex, quick)
  for (const feed of feeds) await feed.reported([quick])
  const after = Date.now()
  for (const feed of feeds) await feed.current(after)
  expect(feeds.some((feed) => feed.isTold(slow))).toBe(false)
  const [cursor] = feeds.map((feed) => feed.lastId())
  await trx.commit()
  for (const feed of feeds) await feed.reported([slow])
  // Somebody else's next look, from before it was committed, sees it too.
  const resumed = await openFeed(nodeOf(1), api, cursor!)
  await resumed.reported([slow])
  await Promise.all([...feeds, resumed].map((feed) => feed.close()))
})

test('a revocation that was rolled back is not published', async () => {
  const client = await on.make.client([api.identifier])
  const token = await issue(client)
  const feed = await openFeed(nodeOf(0), api)
  const trx = await on.knex.transaction()
  await revoke(trx, token)
  await trx.rollback()
  await feed.current(Date.now())
  expect(feed.isTold(token)).toBe(false)
  await feed.close()
})

/** Reads the revocations since a cursor, as a follower does. */
async function names(since: FeedCursor) {
  const { changes, cursor } = (await readChanges(on.database, since))!
  const reported = changes.flatMap(({ list, revoked }) => setIndexesOf(revoked)!.map((idx) => `${list.id}#${idx}`))
  return { reported, cursor }
}

const shortName = (token: string) => placeName(token).split('/').at(-1)!

test('the revocations of overlapping transactions are each read once, whenever a reader polls', async () => {
  const client = await on.make.client([api.identifier])
  const tokens = await together(24, (n) => issue(client, n))
  let since = await currentCursor(on.database)
  const read: string[] = []
  const look = async () => {
    const { reported, cursor } = await names(since)
    read.push(...reported)
    since = cursor
  }
  const one = on.database.knex
  // Three are open at any time, and the one that began first is not the one that ends first.
  const open: Knex.Transaction[] = []
  for (const [n, token] of tokens.entries()) {
    const trx = await one.transaction()
    await trx.raw('SELECT pg_current_xact_id()')
    if (n % 2 === 0) await look()
    await revoke(trx, token)
    open.push(trx)
    if (open.length < 3) continue
    await open.splice([2, 0, 1][n % 3]!, 1)[0]!.commit()
    await look()
  }
  for (const trx of open) await trx.commit()
  await look()
  const expected = tokens.map(shortName)
  expect(read.filter((name) => expected.includes(name)).sort()).toEqual(expected.sort())
})

/** Reads the feed as a resource server does: after a disconnect it resumes with its cursor, on any node that answers. */
function listen(first: number) {
  const heard = new Set<string>()
  const resets: unknown[] = []
  let at = first
  let cursor: string | undefined
  let stopped = false
  let feed: Feed | undefined
  async function run(): Promise<void> {
    while (!stopped) {
      const now = await openFeed(nodeOf(at++), api, cursor).catch(() => undefined)
      if (!now) continue
      feed = now
      await until(() => now.isEnded() || stopped, 120_000)
      cursor = now.lastId() ?? cursor
      for (const name of now.revoked) heard.add(name)
      resets.push(...now.events.filter(({ event }) => event === 'reset'))
    }
  }
  const running = run()
  return {
    resets,
    has: (token: string) => heard.has(placeName(token)) || (feed?.isTold(token) ?? false),
    async stop() {
      stopped = true
      await feed?.close()
      await running
    },
  }
}

test('a feed reader gets every answered revocation while one node after the other is killed under load', async () => {
  const clients = await together(6, () => on.make.client([api.identifier]))
  const single = await on.make.client([api.identifier], { policy: 'single' })
  const listeners = [listen(0), listen(1), listen(0)]
  const ended: string[] = []
  const alive = (n: number) => on.nodes[n % 2]!
  const ask = async (client: Credentials, n: number) => {
    for (let tries = 0; ; tries++) {
      try {
        const { status, body } = await alive(n + tries).machineToken(client)
        if (status === 200) return body.access_token as string
      } catch (error) {
        if (tries > 50) throw error
      }
    }
  }
  let lastSingle: string | undefined
  const load = startLoad(4, async (loop, round) => {
    if (loop === 0) {
      const token = await ask(single, round)
      if (lastSingle) ended.push(lastSingle)
      lastSingle = token
      return
    }
    const client = clients[(loop * 2 + round) % 6]!
    const token = await ask(client, round)
    if (loop === 3) await revokeTokensOfClient(on.knex, client.clientId, ACTOR)
    else await revoke(on.knex, token)
    ended.push(token)
  })
  await load.reached(60)
  for (const index of [0, 1, 0]) {
    await on.nodes[index]!.kill()
    await on.restart(index)
    await until(() => ended.length > 0)
  }
  await load.reached(250)
  await load.stop()
  expect(ended.length).toBeGreaterThan(200)
  for (const listener of listeners) {
    await until(() => ended.every(listener.has)).catch(() => undefined)
    expect(ended.filter((token) => !listener.has(token)).map(placeName)).toEqual([])
    expect(listener.resets).toEqual([])
  }
  await revokedInLists(on.nodes, ended.slice(-20))
  await Promise.all(listeners.map((listener) => listener.stop()))
})

test('no two tokens that two nodes issue under load have the same status index, and each index is recorded as issued', async () => {
  const own = await on.make.api()
  const clients = await together(4, () => on.make.client([own.identifier]))
  const load = startLoad(16, async (loop, round) => issue(clients[(loop + round) % 4]!, loop))
  await load.reached(700)
  const tokens = await load.stop()
  expect(new Set(tokens.map(placeName)).size).toBe(tokens.length)
  const rows = await on
    .knex('access_tokens as t')
    .join('status_lists as l', 'l.id', 't.status_list')
    .whereIn(
      't.jti',
      tokens.map((token) => claimsOf(token).jti as string),
    )
    .select('t.jti', 'l.public_id', 't.status_index')
  const recorded = new Map(rows.map((row) => [row.jti, `${row.public_id}#${row.status_index}`]))
  expect(tokens.map((token) => recorded.get(claimsOf(token).jti))).toEqual(tokens.map(shortName))
  expect(new Set(tokens.map((token) => placeOf(token).uri)).size).toBe(1)
})

test('the revocation of twenty thousand tokens of a client is published as bitmaps, without the indexes of other clients', async () => {
  const [doomed, other] = [await on.make.client([api.identifier]), await on.make.client([api.identifier])]
  const [mine, stays] = [await issue(doomed), await issue(other)]
  const { jti } = claimsOf(mine)
  const list = await on.knex('status_lists').where('public_id', placeOf(mine).uri.split('/').at(-1)!).first('id')
  // Every other index; that of the bystander, and that of its own token, are left as they are.
  await on.knex.raw(
    `INSERT INTO access_tokens (jti, expires_at, issued_at, client_id, sequence, api_id, revocation_epoch, subject, scope,
                                status_list, status_index)
     SELECT gen_random_uuid(), t.expires_at, now(), t.client_id, 0, t.api_id, t.revocation_epoch, '', 'read', ?, n * 3
       FROM access_tokens t, generate_series(0, 19999) n
      WHERE t.jti = ? AND NOT n * 3 = ANY (?)`,
    [list.id, jti, [placeOf(mine).idx, placeOf(stays).idx]] as never,
  )
  const feed = await openFeed(nodeOf(0), api)
  const before = feed.events.length
  await revokeTokensOfClient(on.knex, doomed.clientId, ACTOR)
  await feed.reported([mine])
  const reported = feed.events.slice(before).filter(({ event }) => event === 'revoked')
  expect(reported.flatMap(({ data }) => data.lists).some(({ lst }) => typeof lst === 'string')).toBe(true)
  expect(feed.isTold(stays)).toBe(false)
  expect(feed.revoked.size).toBeGreaterThanOrEqual(19_998)
  await revokedInLists(on.nodes, [mine])
  expect(await statusAt(nodeOf(1), stays)).toBe(0)
  await feed.close()
})

test('old revocations are deleted in batches, and one of a long transaction stays until it was read', async () => {
  await withoutJob(on.knex, 'sweep expired rows', async () => {
    const client = await on.make.client([api.identifier])
    const [slow, ...quick] = await together(31, () => issue(client))
    const trx = await on.knex.transaction()
    await revoke(trx, slow!)
    // More than a batch, so that it is not the last one that meets what must stay.
    for (const token of quick) await revoke(on.knex, token)
    await on.knex('revocation_checkpoints').delete()
    await saveCheckpoint(on.knex)
    await trx.commit()
    // As if all that had been three hours ago.
    const ago = on.knex.raw(`at - interval '3 hours'`)
    await on.knex('revocation_checkpoints').update({ at: ago })
    await on.knex('revocations').update({ at: ago })
    // Not the newest: a node may have noted one just now.
    const start = (await cursorBefore(on.database, 3_600_000))!
    const swept: number[] = []
    do swept.push(await deleteOldRevocations(on.knex, 5))
    while (swept.at(-1) === 5)
    expect(swept.length).toBeGreaterThan(5)
    const { reported } = await names(start)
    expect(reported).toContain(shortName(slow!))
    for (const token of quick) expect(reported).not.toContain(shortName(token))
    expect(await on.knex('revocations')).toHaveLength(1)
  })
})
