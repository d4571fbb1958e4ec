import { afterAll, beforeAll, expect, test } from 'vitest'
import { rotateSecret } from '../../src/management/client-secret-rotation.ts'
import { startDurablePostgres } from '../support/durable-postgres.ts'
import { ACTOR } from '../support/factory.ts'
import { activeAmong, startLoad, until } from '../support/load.ts'
import { type Nodes, startNodes } from '../support/nodes.ts'
import type { Credentials } from '../support/requests.ts'

let postgres: Awaited<ReturnType<typeof startDurablePostgres>>
let on: Nodes
let api: Credentials & { identifier: string }

beforeAll(async () => {
  postgres = await startDurablePostgres()
  on = await startNodes(2, { databaseUrl: postgres.url })
  api = await on.make.api()
})

afterAll(async () => {
  await on?.stop()
  await postgres?.stop()
})

interface Act {
  readonly status: number
  readonly token?: string
  readonly revoked?: boolean
}

async function act(n: number, client: Credentials, revoke: boolean): Promise<Act> {
  const node = on.nodes[n % 2]!
  const { status, body } = await node.machineToken(client)
  if (status !== 200) return { status }
  const answer = revoke ? await node.revoke(body.access_token, client) : undefined
  return { status, token: body.access_token, revoked: answer && answer.status === 200 }
}

test('kill -9 of PostgreSQL in a storm loses nothing that was answered, and both nodes recover by themselves', async () => {
  for (let round = 0; round < 2; round++) {
    const client = await on.make.client([api.identifier])
    const replaced = await on.make.client([api.identifier])
    const old = (await on.nodes[0]!.machineToken(replaced)).body.access_token
    const storm = startLoad(8, (loop, round) => act(loop + round, client, round % 3 === 2))
    await storm.reached(60)
    await rotateSecret(on.knex, replaced.clientId, 0, ACTOR)
    await postgres.crash()
    await until(async () => (await on.nodes[0]!.machineToken(client)).status === 503)
    await postgres.start()
    for (const node of on.nodes) await until(async () => (await node.machineToken(client)).status === 200)
    const acts = await storm.stop()
    // What could not be done was said to be the database's fault, and nothing else went wrong.
    expect([...new Set(acts.map(({ status }) => status))].sort()).toEqual([200, 503])
    const sure = acts.filter(({ token, revoked }) => token && revoked !== false)
    const [revoked, kept] = [sure.filter((one) => one.revoked), sure.filter((one) => !one.revoked)]
    const tokens = kept.map(({ token }) => token!)
    expect(await activeAmong(on.nodes, tokens, api)).toEqual(tokens)
    expect(
      await activeAmong(
        on.nodes,
        revoked.map(({ token }) => token!),
        api,
      ),
    ).toEqual([])
    expect(await activeAmong(on.nodes, [old], api)).toEqual([])
    for (const node of on.nodes) expect((await node.machineToken(replaced)).status).toBe(401)
  }
})
