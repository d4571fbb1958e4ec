import { beforeAll, beforeEach, expect, test } from 'vitest'
import { changeAccountValues } from '../../src/management/account-changes.ts'
import { ACTOR } from '../support/factory.ts'
import { served, together, until } from '../support/load.ts'
import { type SharedNodes, shareNodes } from '../support/nodes.ts'
import type { Answer, Credentials } from '../support/requests.ts'
import { untilPeriodLasts } from '../support/utc-periods.ts'

let on: SharedNodes
let api: Credentials & { identifier: string }

beforeAll(async () => {
  on = await shareNodes()
  api = await on.make.api()
})

beforeEach(() => untilPeriodLasts('day'))

/** On a slow machine a request can wait for a count for so long that it is answered 503, and counts nothing. */
const request = (n: number, client: Credentials) => served(() => on.nodes[n % 2]!.machineToken(client))

async function lockWaits(): Promise<number> {
  const waiting = { datname: on.knex.raw('current_database()'), wait_event_type: 'Lock' }
  return (await on.knex('pg_stat_activity').where(waiting)).length
}

const issued = (answers: Answer[]): Answer[] => answers.filter(({ status }) => status === 200)

async function expectActive(answers: Answer[]): Promise<void> {
  const introspected = await together(answers.length, (n) =>
    on.nodes[n % 2]!.introspect(answers[n]!.body.access_token, api),
  )
  expect(introspected.filter(({ body }) => body.active)).toHaveLength(answers.length)
}

test('of concurrent requests at two nodes, a quota lets exactly its number pass, and no other client waits for it', async () => {
  const client = await on.make.client([api.identifier], { quotaPerDay: 25 })
  const other = await on.make.client([api.identifier])
  // Both nodes wait for the count at once, and then decide one after the other.
  const holding = await on.knex.transaction()
  await holding.raw('SET LOCAL idle_in_transaction_session_timeout = 0')
  await holding('quota_uses').where({ client_id: client.key }).forUpdate()
  const waiting = together(80, (n) => request(n, client))
  await until(async () => (await lockWaits()) >= 2)
  const free = await together(20, (n) => on.nodes[n % 2]!.machineToken(other))
  await until(async () => (await lockWaits()) > 0)
  await holding.commit()
  const answers = await waiting
  expect(issued(answers)).toHaveLength(25)
  expect(answers.filter(({ status }) => status === 429)).toHaveLength(55)
  expect(issued(free)).toHaveLength(20)
  await expectActive(issued(answers))
  for (const node of on.nodes) expect((await node.machineToken(client)).status).toBe(429)
  expect(await on.knex('quota_uses').where({ client_id: client.key }).first('day_count')).toEqual({ day_count: 25 })
})

test('of requests of several grants and clients at two nodes, the quota of their account lets exactly its number pass', async () => {
  const account = await on.make.account()
  await changeAccountValues(on.knex, account, { quotaPerDay: 31 }, ACTOR)
  const clients = [
    await on.make.client([api.identifier], { clientCredentialsRefresh: true }, account),
    await on.make.client([api.identifier], { quotaPerDay: 5 }, account),
    await on.make.client([api.identifier], { quotaPerDay: 1, quotaMode: 'observe' }, account),
  ]
  const first = await on.nodes[0]!.machineToken(clients[0]!)
  const answers = await together(80, (n) =>
    n === 40
      ? served(() =>
          on.nodes[0]!.token(
            { grant_type: 'refresh_token', refresh_token: first.body.refresh_token },
            { basic: clients[0]! },
          ),
        )
      : request(n, clients[n % 3]!),
  )
  expect(issued(answers)).toHaveLength(30)
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 429]))
  expect(await on.knex('quota_uses').where({ account_id: account }).first('day_count')).toEqual({ day_count: 31 })
})
