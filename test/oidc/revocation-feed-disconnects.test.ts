/** Those who listen come and go at any moment, and nobody's index is taken for good. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { rotateSecret } from '../../src/management/client-secret-rotation.ts'
import { ACTOR } from '../support/factory.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { together, until } from '../support/load.ts'
import { basicHeader, type Credentials, send } from '../support/requests.ts'
import { openFeed } from '../support/status.ts'

const MOST = 10

let server: Keywright
let api: Credentials & { identifier: string }

beforeAll(async () => {
  server = await startKeywright({ env: { STATUS_FEED_MAX: String(MOST) } })
  api = await server.make.api()
})
afterAll(() => server.stop())

const asking = (of: Credentials = api) =>
  `GET /oauth2/status/feed HTTP/1.1\r\nHost: x\r\nAuthorization: ${basicHeader(of)}\r\n\r\n`

async function openSocket(text: string): Promise<Socket> {
  const { hostname, port } = new URL(server.url)
  const socket = connect(Number(port), hostname).on('error', () => {})
  await once(socket, 'connect')
  socket.write(text)
  return socket
}

/** As many as may can listen, at last. */
async function expectAllStreamsFree(): Promise<void> {
  await until(async () => {
    const opened = await Promise.allSettled(Array.from({ length: MOST }, () => openFeed(server, api)))
    const feeds = opened.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
    await Promise.all(feeds.map((feed) => feed.close()))
    return feeds.length === MOST
  })
}

test('a client that disconnects before its stream opens takes no stream', async () => {
  for (const patience of [0, 1, 2, 3, 4, 6, 8]) {
    await together(5, async () => {
      const socket = await openSocket(asking())
      await sleep(patience)
      socket.destroy()
    })
  }
  await expectAllStreamsFree()
})

test('a HEAD request gets the head, and takes no stream', async () => {
  const heads = await together(MOST + 1, () =>
    send(`${server.url}/oauth2/status/feed`, { method: 'HEAD', headers: { authorization: basicHeader(api) } }),
  )
  expect(heads.map(({ status, headers }) => [status, headers.get('content-type')])).toEqual(
    heads.map(() => [200, 'text/event-stream']),
  )
})

/** The statement that reads where a new stream begins: its client has been authenticated. */
const FIRST_READ = '%ORDER BY revocation_checkpoints.at DESC%'

test('a client that is disconnected before the first event gets no complete response', async () => {
  const own = await server.make.api()
  // The first events have to wait for this.
  const lock = await server.knex.transaction()
  await lock.raw('LOCK TABLE revocation_checkpoints')
  const firstRead = { datname: server.knex.raw('current_database()'), wait_event_type: 'Lock' }
  const socket = await openSocket(asking(own))
  let heard = ''
  socket.on('data', (chunk) => {
    heard += chunk
  })
  await until(
    async () => (await server.knex('pg_stat_activity').where(firstRead).whereLike('query', FIRST_READ)).length > 0,
  )
  await rotateSecret(server.knex, own.clientId, 0, ACTOR)
  await until(() => socket.closed || heard !== '')
  await lock.rollback()
  expect(heard).toBe('')
  await expectAllStreamsFree()
})
