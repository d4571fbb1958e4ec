import { beforeAll, expect, test } from 'vitest'
import { MANAGEMENT_API } from '../../src/management/management-scopes.ts'
import { activeAmong, together } from '../support/load.ts'
import { type SharedNodes, shareNodes } from '../support/nodes.ts'
import { type Credentials, send } from '../support/requests.ts'

let on: SharedNodes
let api: Credentials & { identifier: string }

beforeAll(async () => {
  on = await shareNodes()
  api = await on.make.api({ keyPairs: 'named' })
})

const nodeOf = (n: number) => on.nodes[n % on.nodes.length]!

/** An admin with a token of the management API from the default key pair. */
async function admin() {
  const { id } = await on.make.user()
  const pair = await on.make.keyPair(id, [MANAGEMENT_API])
  const authorization = `Bearer ${(await nodeOf(0).machineToken(pair)).body.access_token}`
  const generate = (node: number, body: object) =>
    send(`${nodeOf(node).url}/api/v1/key-pairs`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
      body: JSON.stringify({ apis: [api.identifier], ...body }),
    })
  return { id, generate }
}

const credentialsOf = ({ client_id, client_secret }: Record<string, string>): Credentials => ({
  clientId: client_id!,
  clientSecret: client_secret!,
})

test('of two nodes that generate keys for one name at once, one succeeds, and the keys of other names stay', async () => {
  const { id, generate } = await admin()
  const other = credentialsOf((await generate(0, { pair_name: 'other' })).body)
  const kept = (await nodeOf(1).machineToken(other)).body.access_token
  let replaces: string | null = null
  const replaced: string[] = []
  for (let round = 0; round < 3; round++) {
    const answers = await together(8, (n) => generate(n, { pair_name: n % 2 ? 'job' : 'JOB', replaces }))
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array(7).fill(412)])
    const pair = credentialsOf(answers.find(({ status }) => status === 201)!.body)
    expect(await activeAmong(on.nodes, replaced, api)).toEqual([])
    for (const node of on.nodes) replaced.push((await node.machineToken(pair)).body.access_token)
    replaces = pair.clientId
  }
  const active = await on.knex('clients').where({ user_id: id, status: 'active' }).pluck('pair_name')
  expect(active.map((name) => name?.toLowerCase() ?? null).sort()).toEqual(['job', null, 'other'])
  expect(await activeAmong(on.nodes, [kept], api)).toEqual([kept])
})

test('without an expected key pair, two nodes that generate keys for one name leave exactly one that works', async () => {
  const { generate } = await admin()
  const answers = await together(6, (n) => generate(n, { pair_name: 'job' }))
  expect(answers.map(({ status }) => status)).toEqual(Array(6).fill(201))
  const statuses = await Promise.all(
    answers.map(async ({ body }) => (await nodeOf(1).machineToken(credentialsOf(body))).status),
  )
  expect(statuses.sort()).toEqual([200, 401, 401, 401, 401, 401])
})
