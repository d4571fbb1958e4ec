import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { rotateSecret } from '../../src/management/client-secret-rotation.ts'
import { currentCursor, type FeedCursor, unseenIn, upTo } from '../../src/status/feed-cursors.ts'
import { setIndexesOf } from '../../src/status/status-bitmap.ts'
import { readChanges } from '../../src/status/status-changes.ts'
import { ACTOR } from '../support/factory.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { placeName } from '../support/status.ts'

let server: Keywright

beforeAll(async () => {
  server = await startKeywright()
})
afterAll(() => server.stop())

async function read(since: FeedCursor) {
  const { changes, cursor } = (await readChanges(server.instance.database, since))!
  const told = changes.flatMap(({ list, revoked }) => setIndexesOf(revoked)!.map((idx) => `${list.id}#${idx}`))
  return { told, cursor }
}

const shortName = (token: string) => placeName(token).split('/').at(-1)!

test.each([
  ['10:20:10,15', 9n, { next: '10', underWay: [] }],
  ['10:20:10,15', 10n, { next: '11', underWay: ['10'] }],
  ['10:20:10,15', 17n, { next: '18', underWay: ['10', '15'] }],
  ['10:20:10,15', 19n, { next: '20', underWay: ['10', '15'] }],
  ['20:20:', 12n, { next: '13', underWay: [] }],
  ['20:20:', 30n, { next: '20', underWay: [] }],
])('%s, of which the last that revoked was %s', (snapshot, last, expected) => {
  expect(unseenIn({ snapshot: upTo(snapshot, last), at: 0 })).toEqual(expected)
})

test('while nothing is revoked a cursor stays where it is, whatever else is done', async () => {
  const first = await currentCursor(server.instance.database)
  await server.knex.raw('SELECT pg_current_xact_id()')
  const { cursor } = await read(first)
  expect(cursor.snapshot).toBe(first.snapshot)
})

test('a secret that ends after the clock was set back is told of', async () => {
  const client = await server.make.client()
  const token = (await server.machineToken(client)).body.access_token
  const now = await currentCursor(server.instance.database)
  await rotateSecret(server.knex, client.clientId, 1, ACTOR)
  // As of before that: the clock was a minute ahead.
  const before = await read({ ...now, at: now.at + 60_000 })
  expect(before.told).toEqual([])
  await sleep(1100)
  expect((await read(before.cursor)).told).toEqual([shortName(token)])
})
