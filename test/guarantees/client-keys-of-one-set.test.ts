/** The public keys of one set are equals: each is retired alone, with its tokens, and the others go on, at two nodes. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { addKeys } from '../../src/management/client-key-addition.ts'
import { rotateSecret } from '../../src/management/client-secret-rotation.ts'
import { retireSecret } from '../../src/management/secret-retirement.ts'
import {
  assertionForm,
  type ClientKey,
  introspectionStatus,
  newClientKey,
  signAssertion,
} from '../support/client-assertions.ts'
import { ACTOR } from '../support/factory.ts'
import { activeAmong } from '../support/load.ts'
import { ISSUER, type Nodes, startNodes } from '../support/nodes.ts'

let on: Nodes
let api: Awaited<ReturnType<Nodes['make']['api']>>

beforeAll(async () => {
  on = await startNodes(2)
  api = await on.make.api()
})

afterAll(() => on?.stop())

async function clientWithTwoKeys() {
  const keys = [await newClientKey(), await newClientKey('EdDSA')] as const
  const settings = { authMethod: 'private_key_jwt', tokenPolicy: 'none' } as const
  const parsed = keys.flatMap((key) => key.parsed)
  const { clientId, key } = await on.make.register({ settings, apis: [api.identifier], keys: parsed })
  return { clientId, key, keys }
}

async function request(clientId: string, by: ClientKey, node: number) {
  const assertion = await signAssertion(by, { clientId, audience: ISSUER })
  return await on.nodes[node]!.token({ grant_type: 'client_credentials', ...assertionForm(assertion) })
}

const tokenBy = async (clientId: string, by: ClientKey, node: number): Promise<string> => {
  const { status, body } = await request(clientId, by, node)
  expect(status).toBe(200)
  return String(body.access_token)
}

async function idOf(client: number, { parsed }: ClientKey): Promise<number> {
  const { id } = await on.knex('client_secrets').where({ client_id: client, hash: parsed[0]!.thumbprint }).first('id')
  return id
}

test('a retired key of a set stops at both nodes with its tokens, and the other key and its tokens go on', async () => {
  for (const [retired, other] of [
    [0, 1],
    [1, 0],
  ] as const) {
    const { clientId, key, keys } = await clientWithTwoKeys()
    const [ended, kept] = [keys[retired], keys[other]]
    const tokens = [await tokenBy(clientId, ended, 0), await tokenBy(clientId, kept, 1)]
    await retireSecret(on.knex, clientId, await idOf(key, ended), ACTOR)
    for (const node of [0, 1]) {
      expect((await request(clientId, ended, node)).status).toBe(401)
      expect((await request(clientId, kept, node)).status).toBe(200)
    }
    expect(await activeAmong(on.nodes, tokens, api)).toEqual([tokens[1]])
  }
})

test('the only key of a client cannot be retired, also in a transaction that began before the other one retired', async () => {
  const { clientId, key, keys } = await clientWithTwoKeys()
  const [one, other] = [await idOf(key, keys[0]), await idOf(key, keys[1])]
  const second = await on.knex.transaction()
  try {
    await second.raw('SELECT now()')
    await retireSecret(on.knex, clientId, one, ACTOR)
    await expect(retireSecret(second, clientId, other, ACTOR)).rejects.toMatchObject({ code: 'conflict' })
  } finally {
    await second.rollback()
  }
  expect((await request(clientId, keys[1], 0)).status).toBe(200)
})

test('an added key works beside the others, and a replacement ends all of them with their tokens', async () => {
  const { clientId, keys } = await clientWithTwoKeys()
  const added = await newClientKey()
  const last = await newClientKey()
  await addKeys(on.knex, clientId, { keys: added.parsed }, ACTOR)
  const all = [...keys, added]
  const tokens = await Promise.all(all.map((key, n) => tokenBy(clientId, key, n % 2)))
  expect(await activeAmong(on.nodes, tokens, api)).toEqual(tokens)
  await rotateSecret(on.knex, clientId, 0, ACTOR, { keys: last.parsed })
  expect(await activeAmong(on.nodes, tokens, api)).toEqual([])
  for (const key of all) for (const node of [0, 1]) expect((await request(clientId, key, node)).status).toBe(401)
  expect((await request(clientId, last, 1)).status).toBe(200)
})

test('keys that are replaced with an overlap end with it, each with its tokens, and all can retire when they are unused', async () => {
  const { clientId, key, keys } = await clientWithTwoKeys()
  const next = await newClientKey()
  await rotateSecret(on.knex, clientId, 3600, ACTOR, { keys: next.parsed, unusedHours: 24 })
  const rows = await on.knex('client_secrets').where({ client_id: key }).orderBy('id').pluck('retire_unused_hours')
  expect(rows).toEqual([24, 24, null])
  const { body } = await request(clientId, keys[0], 0)
  expect(body.expires_in).toBeLessThanOrEqual(3600)
  const tokens = [String(body.access_token), await tokenBy(clientId, keys[1], 1), await tokenBy(clientId, next, 0)]
  await retireSecret(on.knex, clientId, undefined, ACTOR)
  expect(await activeAmong(on.nodes, tokens, api)).toEqual([tokens[2]])
})

test('a change of the authentication method ends the earlier credential at both nodes, at once or with its overlap', async () => {
  const own = await newClientKey()
  const { clientId, clientSecret } = await on.make.register({ settings: { policy: 'none' }, apis: [api.identifier] })
  const bySecret = (secret: string, node: number) =>
    on.nodes[node]!.token({ grant_type: 'client_credentials' }, { basic: { clientId, clientSecret: secret } })
  const tokens: string[] = []
  for (const node of [0, 1]) tokens.push(String((await bySecret(clientSecret, node)).body.access_token))
  await rotateSecret(on.knex, clientId, 3600, ACTOR, { authMethod: 'private_key_jwt', keys: own.parsed })
  for (const node of [0, 1]) {
    const { status, body } = await bySecret(clientSecret, node)
    expect([status, body.expires_in <= 3600]).toEqual([200, true])
    tokens.push(await tokenBy(clientId, own, node))
  }
  // The secret is a previous credential now, which can be retired alone.
  await retireSecret(on.knex, clientId, undefined, ACTOR)
  expect(await activeAmong(on.nodes, tokens, api)).toEqual(tokens.slice(2))
  for (const node of [0, 1]) expect((await bySecret(clientSecret, node)).status).toBe(401)
  const { clientSecret: next } = await rotateSecret(on.knex, clientId, 0, ACTOR, { authMethod: 'client_secret' })
  expect(await activeAmong(on.nodes, tokens, api)).toEqual([])
  for (const node of [0, 1]) {
    expect((await request(clientId, own, node)).status).toBe(401)
    expect((await bySecret(next!, node)).status).toBe(200)
  }
})

test('a replaced key of an API introspects at no node', async () => {
  const [former, next] = [await newClientKey(), await newClientKey()]
  const { clientId } = await on.make.api({}, former.parsed)
  const statuses = (key: ClientKey) =>
    Promise.all(on.nodes.map(({ url }) => introspectionStatus({ url, issuer: ISSUER }, clientId, key)))
  expect(await statuses(former)).toEqual([200, 200])
  await rotateSecret(on.knex, clientId, 0, ACTOR, { keys: next.parsed })
  expect(await statuses(former)).toEqual([401, 401])
  expect(await statuses(next)).toEqual([200, 200])
})
