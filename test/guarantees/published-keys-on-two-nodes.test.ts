/** Keys that a client publishes at its `jwks_uri`, at two nodes: one fetch, and a withdrawn key ends with its tokens everywhere. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { claimFetch } from '../../src/clients/client-key-sets.ts'
import { saveFetchedKeys } from '../../src/clients/key-set-changes.ts'
import { rotateSecret } from '../../src/management/client-secret-rotation.ts'
import { assertionForm, type ClientKey, newClientKey, signAssertion } from '../support/client-assertions.ts'
import { ACTOR } from '../support/factory.ts'
import { documentOf, endCooldown, jwkSet, makeDue, startKeyServer } from '../support/key-server.ts'
import { activeAmong, together } from '../support/load.ts'
import { ISSUER, type Nodes, startNodes } from '../support/nodes.ts'

let on: Nodes
let keyServer: Awaited<ReturnType<typeof startKeyServer>>
let api: Awaited<ReturnType<Nodes['make']['api']>>

beforeAll(async () => {
  keyServer = await startKeyServer()
  on = await startNodes(2, { env: { OUTGOING_ALLOW: '127.0.0.1' } })
  api = await on.make.api()
})

afterAll(async () => {
  await on?.stop()
  keyServer.stop()
})

const register = (jwksUri: string) =>
  on.make.register({ settings: { authMethod: 'private_key_jwt', jwksUri, policy: 'none' }, apis: [api.identifier] })

async function request(clientId: string, by: ClientKey, node: number) {
  const assertion = await signAssertion(by, { clientId, audience: ISSUER })
  return await on.nodes[node % 2]!.token({ grant_type: 'client_credentials', ...assertionForm(assertion) })
}

const statusBy = async (clientId: string, by: ClientKey, node: number) => (await request(clientId, by, node)).status

test('40 uses of a new key over two nodes get tokens after one fetch, and strangers cause no more', async () => {
  const [first, next, stranger] = [await newClientKey(), await newClientKey(), await newClientKey()]
  const site = keyServer.publish(documentOf(jwkSet(first)))
  const { clientId, key } = await register(site.uri)
  expect(await statusBy(clientId, first, 0)).toBe(200)
  site.respond((response) => setTimeout(() => documentOf(jwkSet(first, next))(response), 500))
  await endCooldown(on.knex, key)
  const before = site.requests()
  const statuses = await together(40, (n) => statusBy(clientId, next, n))
  expect(new Set(statuses)).toEqual(new Set([200]))
  expect(site.requests() - before).toBe(1)
  const refused = await together(40, (n) => statusBy(clientId, stranger, n))
  expect(new Set(refused)).toEqual(new Set([401]))
  expect(site.requests() - before).toBe(1)
})

test('a withdrawn key ends at both nodes with its tokens when the keys are due, and the other key goes on', async () => {
  const keys = [await newClientKey(), await newClientKey()] as const
  const site = keyServer.publish(documentOf(jwkSet(...keys)))
  const { clientId, key } = await register(site.uri)
  const tokens: string[] = []
  for (const n of [0, 1]) tokens.push(String((await request(clientId, keys[n]!, n)).body.access_token))
  expect(await activeAmong(on.nodes, tokens, api)).toEqual(tokens)
  site.respond(documentOf(jwkSet(keys[1])))
  await makeDue(on.knex, key)
  await expect.poll(() => activeAmong(on.nodes, tokens, api)).toEqual([tokens[1]])
  for (const n of [0, 1]) {
    expect(await statusBy(clientId, keys[0], n)).toBe(401)
    expect(await statusBy(clientId, keys[1], n)).toBe(200)
  }
})

test('what an earlier fetch found is not stored after a later one, so that no withdrawn key comes back', async () => {
  const keys = [await newClientKey(), await newClientKey()] as const
  const site = keyServer.publish(documentOf(jwkSet(keys[1])))
  const { clientId, key } = await register(site.uri)
  expect(await statusBy(clientId, keys[1], 0)).toBe(200)
  await endCooldown(on.knex, key)
  const slow = (await claimFetch(on.knex, key))!
  expect(await claimFetch(on.knex, key)).toBeUndefined()
  await endCooldown(on.knex, key)
  await claimFetch(on.knex, key)
  await saveFetchedKeys(on.knex, slow, { keys: [...keys[0].parsed, ...keys[1].parsed], refreshAfter: 300 })
  for (const n of [0, 1]) expect(await statusBy(clientId, keys[0], n)).toBe(401)
  for (const n of [0, 1]) expect(await statusBy(clientId, keys[1], n)).toBe(200)
})

test('what a fetch from an earlier URL found is not stored for the present one', async () => {
  const [former, present] = [await newClientKey(), await newClientKey()]
  const { clientId, key } = await register(keyServer.publish(documentOf(jwkSet(former))).uri)
  const slow = (await claimFetch(on.knex, key))!
  await rotateSecret(on.knex, clientId, 0, ACTOR, { keys: present.parsed })
  const { uri: jwksUri } = keyServer.publish(documentOf(jwkSet(present)))
  await rotateSecret(on.knex, clientId, 0, ACTOR, { jwksUri })
  await claimFetch(on.knex, key)
  await saveFetchedKeys(on.knex, slow, { keys: former.parsed, refreshAfter: 300 })
  for (const n of [0, 1]) expect(await statusBy(clientId, former, n)).toBe(401)
})
