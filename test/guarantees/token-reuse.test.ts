import { beforeAll, expect, test } from 'vitest'
import { changeClientStatus } from '../../src/management/client-status.ts'
import { ACTOR } from '../support/factory.ts'
import { together } from '../support/load.ts'
import { type SharedNodes, shareNodes } from '../support/nodes.ts'
import type { Credentials } from '../support/requests.ts'

let on: SharedNodes
let api: Credentials & { identifier: string }

beforeAll(async () => {
  on = await shareNodes()
  api = await on.make.api({ policy: 'single' })
})

test('the same requests at two nodes receive one token', async () => {
  const client = await on.make.client([api.identifier], { reuseWindow: 600 })
  const answers = await together(40, (n) => on.nodes[n % 2]!.machineToken(client))
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
  expect(new Set(answers.map(({ body }) => body.access_token)).size).toBe(1)
  expect((await on.nodes[0]!.introspect(answers[0]!.body.access_token, api)).body.active).toBe(true)
  expect(await on.knex('access_tokens').where({ client_id: client.key })).toHaveLength(1)
})

test('a token that was revoked at one node is not used again at the other one, which had used it before', async () => {
  const client = await on.make.client([api.identifier], { reuseWindow: 600 })
  for (let round = 0; round < 5; round++) {
    const [first, second] = [await on.nodes[0]!.machineToken(client), await on.nodes[1]!.machineToken(client)]
    expect(second.body.access_token).toBe(first.body.access_token)
    await on.nodes[round % 2]!.revoke(first.body.access_token, client)
    const next = await on.nodes[(round + 1) % 2]!.machineToken(client)
    expect(next.status).toBe(200)
    expect(next.body.access_token).not.toBe(first.body.access_token)
  }
  await changeClientStatus(on.knex, client.clientId, 'archived', ACTOR)
  for (const node of on.nodes) expect((await node.machineToken(client)).status).toBe(401)
})
