/** A status list contains every revocation that was committed before its `iat`. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Database } from '../../src/database/open-database.ts'
import { openKeyRings } from '../../src/keys/key-ring.ts'
import type { Following } from '../../src/status/cached-lists.ts'
import { currentCursor, type FeedCursor } from '../../src/status/feed-cursors.ts'
import { decode, hasIndex } from '../../src/status/status-bitmap.ts'
import type { StatusListener } from '../../src/status/status-follower.ts'
import { StatusPublication } from '../../src/status/status-publication.ts'
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

/** A follower that the test controls, and a database whose response to the next read of a list can be delayed. */
function createControlledFollower() {
  const { database } = server.instance
  const listeners = new Set<StatusListener>()
  let cursor: FeedCursor | undefined
  let delay: (() => Promise<void>) | undefined
  const follower: Following = {
    listen(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    async catchUp() {
      cursor = await currentCursor(database)
      return cursor
    },
    cursor: () => cursor,
    behind: () => (cursor ? 0 : Number.POSITIVE_INFINITY),
  }
  const delayed: Database = {
    ...database,
    async query<Row>(statement: Parameters<Database['query']>[0]) {
      const rows = await database.query<Row>(statement)
      if (statement.name === 'status-list') await delay?.()
      return rows
    },
  }
  return {
    follower,
    delayed,
    /** Runs `action` after the database has read the next list and before its response arrives. */
    duringNextRead(action: () => Promise<void>) {
      delay = async () => {
        delay = undefined
        await action()
      }
    },
    async loseContinuity() {
      await follower.catchUp()
      for (const listener of listeners) listener.onLost()
    },
  }
}

test('a list that was read while the feed lost its continuity has an `iat` before the revocation that it lacks', async () => {
  const token = (await server.machineToken(await server.make.client())).body.access_token
  const { idx, uri } = placeOf(token)
  const { follower, delayed, duringNextRead, loseContinuity } = createControlledFollower()
  const rings = await openKeyRings(server.instance.database, server.instance.encryptionKeys)
  const publication = new StatusPublication(delayed, follower, rings, { issuer: server.issuer, ttl: 60 })
  duringNextRead(async () => {
    await revokeToken(server.knex, String(claimsOf(token).jti), ACTOR)
    // `iat` is in whole seconds.
    await sleep(1100)
    await loseContinuity()
  })
  const id = uri.split('/').at(-1)!
  const revokedAt = async () => {
    const row = await server.knex('access_tokens').where('jti', claimsOf(token).jti!).first('revoked_at')
    return row.revoked_at.getTime() / 1000
  }
  for (const mayLack of [true, false]) {
    const claims = claimsOf((await publication.token(id))!.jwt)
    const isListed = hasIndex(decode((claims.status_list as { lst: string }).lst), idx)
    expect([isListed, isListed || Number(claims.iat) <= (await revokedAt())]).toEqual([!mayLack, true])
  }
})
