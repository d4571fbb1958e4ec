/** A thousand resource servers read the feed of one node. Each gets every revocation, and tokens are issued meanwhile. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { revokeToken, revokeTokensOfClient } from '../../src/tokens/revocation.ts'
import { ACTOR } from '../support/factory.ts'
import { mapBounded, together, until } from '../support/load.ts'
import { type Nodes, startNodes } from '../support/nodes.ts'
import { basicHeader, type Credentials, claimsOf } from '../support/requests.ts'
import { type Feed, openFeed } from '../support/status.ts'

const MANY = 1000
const DEAF = 50

let on: Nodes
let api: Credentials & { identifier: string }
let client: Credentials

beforeAll(async () => {
  on = await startNodes(1, { env: { STATUS_FEED_MAX: String(MANY + DEAF) } })
  api = await on.make.api()
  client = await on.make.client([api.identifier])
})
afterAll(async () => await on.stop())

const node = () => on.nodes[0]!
const issue = async () => (await node().machineToken(client)).body.access_token as string

/** Requests the feed and never reads the response. */
async function openDeaf(): Promise<Socket> {
  const { hostname, port } = new URL(node().url)
  const socket = connect(Number(port), hostname).on('error', () => {})
  await once(socket, 'connect')
  socket.pause().write(`GET /oauth2/status/feed HTTP/1.1\r\nHost: x\r\nAuthorization: ${basicHeader(api)}\r\n\r\n`)
  return socket
}

test('each of a thousand feed readers gets every revocation, although fifty others never read, while tokens are issued', async () => {
  const doomed = await issue()
  const deaf = await together(DEAF, openDeaf)
  const feeds: Feed[] = await mapBounded(Array.from({ length: MANY }), () => openFeed(node(), api))
  await revokeToken(on.knex, String(claimsOf(doomed).jti), ACTOR)
  for (const feed of feeds) await feed.reported([doomed])
  const tokens = await together(50, issue)
  await revokeTokensOfClient(on.knex, client.clientId, ACTOR)
  for (const feed of feeds) await feed.reported(tokens)
  expect(feeds.some((feed) => feed.isEnded())).toBe(false)
  await Promise.all(feeds.map((feed) => feed.close()))
  for (const socket of deaf) socket.destroy()
  await until(async () => (await node().machineToken(client)).status === 200)
})
