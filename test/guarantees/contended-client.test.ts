import { beforeAll, expect, test } from 'vitest'
import { CLIENT_LOCKS } from '../../src/clients/client-locks.ts'
import { startLoad, together, until } from '../support/load.ts'
import { type SharedNodes, shareNodes } from '../support/nodes.ts'
import type { Answer, Credentials } from '../support/requests.ts'

type Client = Credentials & { key: number }

let on: SharedNodes
let held: Client
let others: Client[]

beforeAll(async () => {
  on = await shareNodes()
  const api = await on.make.api({ policy: 'single' })
  const clients = await together(6, () => on.make.client([api.identifier]))
  held = clients[0]!
  others = clients.slice(1)
  for (const client of clients) for (const node of on.nodes) await node.machineToken(client)
})

const lockWaits = async (): Promise<number> => {
  const waiting = { datname: on.knex.raw('current_database()'), wait_event_type: 'Lock' }
  return (await on.knex('pg_stat_activity').where(waiting)).length
}

/** What holds the client's locks: its row, or the row of its newest token under `single`. */
const HELD = {
  "the client's row": () => ['clients', { id: held.key }] as const,
  "the client's single-token row": () => ['single_tokens', { client_id: held.key }] as const,
}

test.each(Object.entries(HELD))('while %s is locked, only its own requests wait', async (_what, rowOf) => {
  const holding = await on.knex.transaction()
  const [table, key] = rowOf()
  await holding(table).where(key).forUpdate()
  const waiting: Promise<Answer>[] = []
  const storm = startLoad(10, async (loop, round) => {
    const node = on.nodes[(loop + round) % 2]!
    if (round % 5 === 0) waiting.push(node.machineToken(held))
    return await node.machineToken(others[loop % others.length]!)
  })
  await until(async () => (await lockWaits()) > 0)
  // In the time of one lock's timeout, the others would have got nothing if they waited too.
  await storm.reached(300)
  await until(async () => (await lockWaits()) > 0)
  const answers = await storm.stop()
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
  await holding.commit()
  for (const { status } of await Promise.all(waiting)) expect([200, 503]).toContain(status)
  expect((await on.nodes[0]!.machineToken(held)).status).toBe(200)
})

test('the requests of a client that was locked are answered as soon as it is free', async () => {
  const holding = await on.knex.transaction()
  await holding('clients').where({ id: held.key }).forUpdate()
  const waiting = together(20, (n) => on.nodes[n % 2]!.machineToken(held))
  await until(async () => (await lockWaits()) >= 2)
  await holding.commit()
  expect((await waiting).map(({ status }) => status)).toEqual(Array(20).fill(200))
  const live = await on.knex('active_access_tokens').where('client_key', held.key).pluck('jti')
  expect(live).toHaveLength(1)
})

test('a change of a client in constant use gets its lock', async () => {
  const storm = startLoad(8, (loop, round) => on.nodes[(loop + round) % 2]!.machineToken(held))
  await storm.reached(50)
  for (let n = 0; n < 5; n++) {
    await on.knex.transaction(async (trx) => {
      await trx.raw("SET LOCAL lock_timeout = '4s'")
      await trx.raw(`SELECT pg_advisory_xact_lock(${CLIENT_LOCKS.namespace}, ${held.key % CLIENT_LOCKS.stripes})`)
      await trx('clients').where({ id: held.key }).forUpdate()
    })
  }
  const answers = await storm.stop()
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
})
