import { afterAll, beforeAll, expect, test } from 'vitest'
import { deleteRetiredSecrets } from '../../src/clients/retired-secrets.ts'
import { rotateSecret } from '../../src/management/client-secret-rotation.ts'
import { deleteExpiredStatusLists } from '../../src/status/status-lists.ts'
import { ACTOR } from '../support/factory.ts'
import { activeAmong, together } from '../support/load.ts'
import { type Nodes, startNodes } from '../support/nodes.ts'
import type { Credentials } from '../support/requests.ts'
import { placeOf, statusAt } from '../support/status.ts'

type Api = Credentials & { identifier: string }

let on: Nodes
let single: Api
let none: Api

beforeAll(async () => {
  on = await startNodes(2)
  single = await on.make.api({ policy: 'single' })
  none = await on.make.api()
})

afterAll(() => on?.stop())

async function newToken(client: Credentials, api: Api, n = 0): Promise<string> {
  const { status, text, body } = await on.nodes[n % 2]!.machineToken(client, { resource: api.identifier })
  expect(status, text).toBe(200)
  return body.access_token
}

/** As after logical replication, which does not carry sequences. */
async function setBackEverySequence(): Promise<void> {
  await on.knex.raw(`
    SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, 1, false)
      FROM pg_sequences WHERE schemaname = 'public'`)
}

test('a token revokes the earlier ones after every sequence was set back', async () => {
  const client = await on.make.client([single.identifier])
  const tokens = [await newToken(client, single), await newToken(client, single)]
  for (let round = 0; round < 3; round++) {
    await setBackEverySequence()
    tokens.push(await newToken(client, single, round))
    expect(await activeAmong(on.nodes, tokens, single)).toEqual([tokens.at(-1)])
  }
})

test('the first token under single revokes those before it after every sequence was set back', async () => {
  const client = await on.make.client([single.identifier])
  await newToken(client, single)
  // What a deleted single-token row leaves behind: tokens under `none` have its sequence number.
  const former = await newToken(client, single)
  await on.knex('single_tokens').where({ client_id: client.key }).delete()
  await setBackEverySequence()
  const next = await newToken(client, single, 1)
  expect(await activeAmong(on.nodes, [former, next], single)).toEqual([next])
})

test('a statement that sets a smaller sequence number increases it instead, and revives no token', async () => {
  const client = await on.make.client([single.identifier])
  const earlier = await newToken(client, single)
  const before = await on.knex('single_tokens').where({ client_id: client.key }).first('sequence')
  await on.knex('single_tokens').where({ client_id: client.key }).update({ sequence: 7 })
  const after = await on.knex('single_tokens').where({ client_id: client.key }).first('sequence')
  expect(Number(after.sequence)).toBeGreaterThan(Number(before.sequence))
  expect(await activeAmong(on.nodes, [earlier], single)).toEqual([])
})

test('tokens of a deleted secret stay inactive when new secrets are made after every sequence was set back', async () => {
  const client = await on.make.client([none.identifier])
  const token = await newToken(client, none)
  const { clientSecret } = await rotateSecret(on.knex, client.clientId, 0, ACTOR)
  const rows = await on.knex('client_secrets').where({ client_id: client.key }).orderBy('id')
  await on.knex('client_secrets').where({ id: rows[0].id }).update({ retires_at: '2020-01-01T00:00:00Z' })
  await deleteRetiredSecrets(on.knex, 100)
  expect(await activeAmong(on.nodes, [token], none)).toEqual([])
  await setBackEverySequence()
  await on.knex.raw(`SELECT setval('client_secrets_id_seq', ?, false)`, [rows[0].id])
  await rotateSecret(on.knex, client.clientId, 0, ACTOR)
  expect(clientSecret).toBeDefined()
  expect(await activeAmong(on.nodes, [token], none)).toEqual([])
  expect(await on.knex('client_secrets').where({ id: rows[0].id })).toEqual([])
})

test('the newest secret is not deleted, so that its key is never given out again', async () => {
  const client = await on.make.client([none.identifier])
  const [newest] = await on.knex('client_secrets').orderBy('id', 'desc').limit(1)
  expect(newest.client_id).toBe(client.key)
  await on.knex('client_secrets').where({ id: newest.id }).update({ retires_at: '2020-01-01T00:00:00Z' })
  await deleteRetiredSecrets(on.knex, 1000)
  expect(await on.knex('client_secrets').where({ id: newest.id })).toHaveLength(1)
})

test('APIs, clients, secrets and status lists are made at once by many after every sequence was set back', async () => {
  await setBackEverySequence()
  const made = await together(12, async (n) => {
    const api = await on.make.api()
    const client = await on.make.client([api.identifier])
    return { api, client, token: await newToken(client, api, n) }
  })
  const lists = made.map(({ token }) => placeOf(token).uri)
  expect(new Set(lists).size).toBe(made.length)
  for (const { api, token } of made) expect(await activeAmong(on.nodes, [token], api)).toEqual([token])
})

test('a new status list does not take the key of a deleted one, whose expired tokens would mark its own as revoked', async () => {
  const former = await on.make.api()
  const client = await on.make.client([former.identifier])
  const { uri } = placeOf(await newToken(client, former))
  const list = await on.knex('status_lists').where('public_id', uri.split('/').at(-1)!).first()
  const past = on.knex.raw(`now() - interval '20 minutes'`)
  await on.knex('access_tokens').where({ status_list: list.id }).update({ expires_at: past, revoked_at: past })
  const closed = on.knex.raw(`now() - interval '5 hours'`)
  await on.knex('status_lists').where({ id: list.id }).update({ closed_at: closed })
  await deleteExpiredStatusLists(on.knex, 100)
  await setBackEverySequence()
  await on.knex.raw(`SELECT setval('status_lists_id_seq', ?, false)`, [list.id])
  const api = await on.make.api()
  const token = await newToken(await on.make.client([api.identifier]), api)
  const own = await on.knex('status_lists').where('public_id', placeOf(token).uri.split('/').at(-1)!).first()
  expect(own.id).toBeGreaterThan(list.id)
  expect(await statusAt(on.nodes[0]!, token)).toBe(0)
})
