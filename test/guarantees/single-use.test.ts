import { beforeAll, expect, test } from 'vitest'
import { EngineModelAdapter } from '../../src/oidc/adapter.ts'
import { createEncryptionKeys } from '../../src/shared/encryption-keys.ts'
import { startChild } from '../support/child.ts'
import { activeAmong, together, until } from '../support/load.ts'
import { awaitedLocks } from '../support/lock-waits.ts'
import { type SharedNodes, shareNodes } from '../support/nodes.ts'
import type { Credentials } from '../support/requests.ts'

let on: SharedNodes
let api: Credentials & { identifier: string }
let client: Credentials & { key: number }

beforeAll(async () => {
  on = await shareNodes()
  api = await on.make.api()
})

async function begin() {
  client = await on.make.client([api.identifier], { clientCredentialsRefresh: true })
  return (await on.nodes[0]!.machineToken(client)).body
}

const redeem = (token: string, n = 0) =>
  on.nodes[n % 2]!.token({ grant_type: 'refresh_token', refresh_token: token }, { basic: client })

const refused = { status: 400, body: { error: 'invalid_grant' } }

test('of 20 parallel redemptions on two nodes one rotates the refresh token, and the others get its response', async () => {
  for (let round = 0; round < 2; round++) {
    const first = await begin()
    const answers = await together(20, (n) => redeem(first.refresh_token, n))
    expect(answers.filter(({ status }) => status !== 200).map(({ text }) => text)).toEqual([])
    expect(new Set(answers.map(({ body }) => body.refresh_token)).size).toBe(1)
    expect(new Set(answers.map(({ body }) => body.access_token)).size).toBe(1)
    const [{ body }] = answers as [(typeof answers)[0]]
    expect(await on.knex('refresh_tokens').where({ client_id: client.key })).toHaveLength(1)
    expect(await on.knex('access_tokens').where({ client_id: client.key })).toHaveLength(2)
    expect((await redeem(body.refresh_token, 1)).status).toBe(200)
  }
})

test('refresh tokens are redeemed while every node must read the signing keys again', async () => {
  for (let round = 0; round < 2; round++) {
    const first = await begin()
    await on.knex('key_ring').increment('version', 1)
    const answers = await together(20, (n) => redeem(first.refresh_token, n))
    expect(answers.filter(({ status }) => status !== 200).map(({ text }) => text)).toEqual([])
  }
})

/** Makes the client's last rotation look that much older. */
const passed = (interval: string) =>
  on
    .knex('refresh_tokens')
    .where({ client_id: client.key })
    .update({ rotated_at: on.knex.raw('rotated_at - CAST(? AS interval)', [interval]) })

test('a retry within the grace period, on any node, gets the same tokens', async () => {
  const first = await begin()
  const refreshed = await redeem(first.refresh_token, 0)
  const retried = await redeem(first.refresh_token, 1)
  expect(retried.status).toBe(200)
  expect(retried.body).toEqual(refreshed.body)
  expect(await activeAmong(on.nodes, [refreshed.body.access_token], api)).toHaveLength(1)
})

test('a refresh token that is reused after the next rotation revokes its whole family on every node', async () => {
  const first = await begin()
  const second = (await redeem(first.refresh_token, 0)).body
  const third = (await redeem(second.refresh_token, 1)).body
  expect(await redeem(first.refresh_token, 0)).toMatchObject(refused)
  for (const n of [0, 1]) expect(await redeem(third.refresh_token, n)).toMatchObject(refused)
  const tokens = [first, second, third].map(({ access_token }) => access_token)
  expect(await activeAmong(on.nodes, tokens, api)).toEqual([])
})

test('a confidential client that retries a refresh within ten minutes gets the same tokens', async () => {
  const first = await begin()
  const second = (await redeem(first.refresh_token, 0)).body
  await passed('9 minutes')
  expect((await redeem(first.refresh_token, 1)).body).toEqual(second)
})

test('the last redeemed refresh token that is reused after the grace period revokes its family', async () => {
  const first = await begin()
  const second = (await redeem(first.refresh_token, 0)).body
  await passed('601 seconds')
  expect(await redeem(first.refresh_token, 1)).toMatchObject(refused)
  expect(await redeem(second.refresh_token, 0)).toMatchObject(refused)
  expect(await activeAmong(on.nodes, [first.access_token, second.access_token], api)).toEqual([])
})

test('a reuse on one node concurrent with redemptions on the other revokes the whole family, whichever is first', async () => {
  for (let round = 0; round < 3; round++) {
    const first = await begin()
    const second = (await redeem(first.refresh_token, 0)).body
    const third = (await redeem(second.refresh_token, 0)).body
    const [, ...redeemed] = await Promise.all([
      redeem(first.refresh_token, 0),
      ...[1, 1, 0, 1].map((n) => redeem(third.refresh_token, n)),
    ])
    const fourths = redeemed.filter(({ status }) => status === 200).map(({ body }) => body)
    const tokens = [first, second, third, ...fourths].map(({ access_token }) => access_token)
    expect(await activeAmong(on.nodes, tokens, api)).toEqual([])
    for (const { refresh_token } of [third, ...fourths]) expect(await redeem(refresh_token, 1)).toMatchObject(refused)
  }
})

test("another client cannot redeem a refresh token, and its attempt does not prevent the owner's redemption", async () => {
  const first = await begin()
  const owner = client
  client = await on.make.client([api.identifier], { clientCredentialsRefresh: true })
  for (const n of [0, 1]) expect(await redeem(first.refresh_token, n)).toMatchObject(refused)
  client = owner
  expect((await redeem(first.refresh_token, 0)).status).toBe(200)
})

/** Lets four processes use the same ids at the same time. Returns how often each id was accepted in all. */
async function contend(what: 'record' | 'consume', ids: string[]): Promise<Record<string, number>> {
  const gate = await on.knex.transaction()
  await gate.raw('SELECT pg_advisory_xact_lock(1)')
  const children = Array.from({ length: 4 }, () => startChild('once', [on.env.DATABASE_URL!, what, ...ids]))
  await until(async () => {
    const waiting = await awaitedLocks(on.knex).where({ locktype: 'advisory', objid: 1 })
    return waiting.length === children.length
  })
  await gate.commit()
  const all = await Promise.all(children.map((child) => child.answer<Record<string, number>>()))
  await Promise.all(children.map((child) => child.finish()))
  return Object.fromEntries(ids.map((id) => [id, all.reduce((sum, wins) => sum + wins[id]!, 0)]))
}

const manyIds = (what: string) => Array.from({ length: 20 }, (_, n) => `${what}-${n}`)
const eachOnce = (ids: string[]) => Object.fromEntries(ids.map((id) => [id, 1]))

test('of concurrent attempts in four processes one records a one-time id', async () => {
  const ids = manyIds('assertion')
  expect(await contend('record', ids)).toEqual(eachOnce(ids))
})

test('of concurrent attempts in four processes one consumes a pushed authorization request', async () => {
  const adapter = new EngineModelAdapter(
    on.knex,
    createEncryptionKeys([Buffer.alloc(32)]),
    'PushedAuthorizationRequest',
  )
  const ids = manyIds('request')
  for (const id of ids) await adapter.upsert(id, { kind: 'PushedAuthorizationRequest' }, 600)
  expect(await contend('consume', ids)).toEqual(eachOnce(ids))
})
