import { afterAll, beforeAll, expect, test } from 'vitest'
import { rotateSecret } from '../../src/management/client-secret-rotation.ts'
import { currentCursor, type FeedCursor, limitSnapshot, unseenIn } from '../../src/status/feed-cursors.ts'
import { setIndexesOf } from '../../src/status/status-bitmap.ts'
import { readChanges } from '../../src/status/status-changes.ts'
import { ACTOR } from '../support/factory.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { untilRetired } from '../support/secret-retirement.ts'
import { placeName } from '../support/status.ts'

let server: Keywright

beforeAll(async () => {
  server = await startKeywright()
})
afterAll(() => server.stop())

async function read(since: FeedCursor) {
  const { changes, cursor } = (await readChanges(server.instance.database, since))!
  const revoked = changes.flatMap(({ list, revoked }) => setIndexesOf(revoked)!.map((idx) => `${list.id}#${idx}`))
  return { revoked, cursor }
}

const shortName = (token: string) => placeName(token).split('/').at(-1)!

test.each([
  ['10:20:10,15', 9n, { next: '10', inProgress: [] }],
  ['10:20:10,15', 10n, { next: '11', inProgress: ['10'] }],
  ['10:20:10,15', 17n, { next: '18', inProgress: ['10', '15'] }],
  ['10:20:10,15', 19n, { next: '20', inProgress: ['10', '15'] }],
  ['20:20:', 12n, { next: '13', inProgress: [] }],
  ['20:20:', 30n, { next: '20', inProgress: [] }],
])(
  'the snapshot %s is limited to transactions up to %s, the last that revoked something',
  (snapshot, last, expected) => {
    expect(unseenIn({ snapshot: limitSnapshot(snapshot, last), at: 0 })).toEqual(expected)
  },
)

test('while nothing is revoked a cursor keeps its snapshot, whatever else is written', async () => {
  const first = await currentCursor(server.instance.database)
  await server.knex.raw('SELECT pg_current_xact_id()')
  const { cursor } = await read(first)
  expect(cursor.snapshot).toBe(first.snapshot)
})

test('a client secret that retires after the clock was set back is published as revoked', async () => {
  const client = await server.make.client()
  const token = (await server.machineToken(client)).body.access_token
  const now = await currentCursor(server.instance.database)
  await rotateSecret(server.knex, client.clientId, 5, ACTOR)
  // The cursor is of a time when the clock was a minute ahead.
  const before = await read({ ...now, at: now.at + 60_000 })
  expect(before.revoked).toEqual([])
  await untilRetired(server.knex, client.clientId)
  expect((await read(before.cursor)).revoked).toEqual([shortName(token)])
})
