/** A list says as of when it is, and lacks nothing that was committed by then. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Database } from '../../src/database/open-database.ts'
import { openKeyRings } from '../../src/keys/key-ring.ts'
import { currentCursor, type FeedCursor } from '../../src/status/feed-cursors.ts'
import { decode, hasIndex } from '../../src/status/status-bitmap.ts'
import type { StatusFollower, StatusListener } from '../../src/status/status-follower.ts'
import { createStatusPublication } from '../../src/status/status-publication.ts'
import { revokeToken } from '../../src/tokens/revocation.ts'
import { ACTOR } from '../support/factory.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { claimsOf } from '../support/requests.ts'
import { placeOf } from '../support/status.ts'

let server: Keywright

beforeAll(async () => {
  server = await startKeywright()
})
afterAll(() => server.stop())

/** A follower that the test leads, and a database whose answers may be held up on their way. */
function createStage() {
  const { database } = server.instance
  const listeners = new Set<StatusListener>()
  let cursor: FeedCursor | undefined
  let held: (() => Promise<void>) | undefined
  const follower: StatusFollower = {
    listen(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    async caughtUp() {
      cursor = await currentCursor(database)
      return cursor
    },
    cursor: () => cursor,
    behind: () => (cursor ? 0 : Number.POSITIVE_INFINITY),
    stop: async () => {},
  }
  const slow: Database = {
    ...database,
    async query<Row>(statement: Parameters<Database['query']>[0]) {
      const rows = await database.query<Row>(statement)
      if (statement.name === 'status-list') await held?.()
      return rows
    },
  }
  return {
    follower,
    slow,
    /** What happens between the moment at which the next list is read and its arrival. */
    meanwhile(act: () => Promise<void>) {
      held = async () => {
        held = undefined
        await act()
      }
    },
    async lose() {
      await follower.caughtUp()
      for (const listener of listeners) listener.onLost()
    },
  }
}

test('one that was read before the thread was lost says so', async () => {
  const token = (await server.machineToken(await server.make.client())).body.access_token
  const { idx, uri } = placeOf(token)
  const { follower, slow, meanwhile, lose } = createStage()
  const rings = await openKeyRings(server.instance.database, server.instance.encryptionKeys)
  const publication = createStatusPublication(slow, follower, rings, { issuer: server.issuer, ttl: 60 })
  meanwhile(async () => {
    await revokeToken(server.knex, String(claimsOf(token).jti), ACTOR)
    // `iat` is in whole seconds.
    await sleep(1100)
    await lose()
  })
  const id = uri.split('/').at(-1)!
  const revokedAt = async () => {
    const row = await server.knex('access_tokens').where('jti', claimsOf(token).jti!).first('revoked_at')
    return row.revoked_at.getTime() / 1000
  }
  for (const mayLack of [true, false]) {
    const claims = claimsOf((await publication.token(id))!.jwt)
    const isIn = hasIndex(decode((claims.status_list as { lst: string }).lst), idx)
    expect([isIn, isIn || Number(claims.iat) <= (await revokedAt())]).toEqual([!mayLack, true])
  }
})
