/** Nodes share signed status lists: one signs, the others serve its token. No node serves a list that lacks a revocation. */
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { revokeToken } from '../../src/tokens/revocation.ts'
import { ACTOR } from '../support/factory.ts'
import { until } from '../support/load.ts'
import { type Nodes, startNode, startNodes } from '../support/nodes.ts'
import { type Credentials, claimsOf } from '../support/requests.ts'
import { fetchList, placeOf, statusAt } from '../support/status.ts'

type Api = Credentials & { identifier: string }

let on: Nodes

beforeAll(async () => {
  on = await startNodes(2, { env: { STATUS_LIST_TTL: '600' } })
})
afterAll(() => on?.stop())

async function newToken(client: Credentials, api: Api, n = 0): Promise<string> {
  const { status, text, body } = await on.nodes[n % 2]!.machineToken(client, { resource: api.identifier })
  expect(status, text).toBe(200)
  return body.access_token
}

const tagAt = async (node: { url: string }, token: string) =>
  (await fetchList(node, placeOf(token).uri)).headers.get('etag')!

/** Waits until the token's list, signed by the first node, is shared. Returns its entity tag. */
async function shared(token: string): Promise<string> {
  const list = { public_id: placeOf(token).uri.split('/').at(-1) }
  const copies = () => on.knex('cached_list_tokens').join('status_lists', 'id', 'list_id').where(list)
  await until(async () => {
    await fetchList(on.nodes[0]!, placeOf(token).uri)
    return (await copies()).length > 0
  })
  return await tagAt(on.nodes[0]!, token)
}

test('a list that one node has signed is the same on every node, also on one that has just started', async () => {
  const api = await on.make.api()
  const token = await newToken(await on.make.client([api.identifier]), api)
  const etag = await shared(token)
  const late = await startNode(on.env)
  try {
    for (const node of [...on.nodes, late]) {
      expect(await tagAt(node, token)).toBe(etag)
      const { uri } = placeOf(token)
      expect((await fetchList(node, uri, { headers: { 'if-none-match': etag } })).status).toBe(304)
    }
  } finally {
    await late.stop()
  }
})

test('a token that was revoked after its list was signed is revoked in the list of a node that has just started', async () => {
  const api = await on.make.api()
  const client = await on.make.client([api.identifier])
  const [early, late, live] = [await newToken(client, api), await newToken(client, api), await newToken(client, api)]
  await revokeToken(on.knex, String(claimsOf(early).jti), ACTOR)
  const etag = await shared(early)
  await revokeToken(on.knex, String(claimsOf(late).jti), ACTOR)
  const node = await startNode(on.env)
  try {
    expect(await tagAt(node, live)).not.toBe(etag)
    expect(await Promise.all([early, late, live].map((token) => statusAt(node, token)))).toEqual([1, 1, 0])
  } finally {
    await node.stop()
  }
})

test('a signed list of another issuer or another database timeline is not served', async () => {
  const api = await on.make.api()
  const token = await newToken(await on.make.client([api.identifier]), api)
  await shared(token)
  const other = await startNode({ ...on.env, ISSUER: 'https://other.example' })
  try {
    const { text } = await fetchList(other, placeOf(token).uri)
    expect(decodeJwt(text).iss).toBe('https://other.example')
  } finally {
    await other.stop()
  }
  await on.knex('cached_list_tokens').update({ timeline: 'another/00000001', at: 8e15 })
  const late = await startNode(on.env)
  try {
    expect(await statusAt(late, token)).toBe(0)
  } finally {
    await late.stop()
  }
})
