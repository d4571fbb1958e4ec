import { beforeAll, expect, test } from 'vitest'
import { updateClient } from '../../src/management/client-registration.ts'
import { rotateSecret } from '../../src/management/client-secret-rotation.ts'
import { changeClientStatus } from '../../src/management/client-status.ts'
import { stopKeyPair } from '../../src/management/key-pair-details.ts'
import { generateKeyPair } from '../../src/management/key-pair-generation.ts'
import type { Management } from '../../src/management/operation.ts'
import { commandLinePrincipal } from '../../src/management/principal.ts'
import { ACTOR } from '../support/factory.ts'
import { activeAmong, startLoad, until } from '../support/load.ts'
import { type SharedNodes, shareNodes } from '../support/nodes.ts'
import type { Answer, Credentials } from '../support/requests.ts'

let on: SharedNodes
let api: Credentials & { identifier: string }

beforeAll(async () => {
  on = await shareNodes()
  api = await on.make.api()
})

const nodeOf = (n: number) => on.nodes[n % on.nodes.length]!

async function newToken(client: Credentials, node = 0): Promise<string> {
  const { status, text, body } = await nodeOf(node).machineToken(client)
  expect(status, text).toBe(200)
  return body.access_token
}

const refreshWith = (client: Credentials, token: string, node = 0) =>
  nodeOf(node).token({ grant_type: 'refresh_token', refresh_token: token }, { basic: client })

/** Both nodes have the client in their caches. */
const warm = async (client: Credentials) => [await newToken(client, 0), await newToken(client, 1)]

const invalidGrant = { status: 400, body: { error: 'invalid_grant' } }
const refused = { status: 401, body: { error: 'invalid_client' } }

/** Nothing is authenticated by these credentials, at any endpoint of any node. */
async function expectRefused(client: Credentials, token: string): Promise<void> {
  for (const node of on.nodes) {
    expect(await node.machineToken(client)).toMatchObject(refused)
    expect(await node.introspect(token, client)).toMatchObject(refused)
    expect(await node.revoke(token, client)).toMatchObject(refused)
    expect(await node.token({ grant_type: 'refresh_token', refresh_token: 'kwr_x' }, { basic: client })).toMatchObject(
      refused,
    )
  }
}

interface Asked {
  readonly at: number
  readonly answer: Answer
}

/** Two loops refresh, the others get tokens; all alternate between both nodes. */
function stormOf(client: Credentials) {
  const held: (string | undefined)[] = []
  return startLoad<Asked>(8, async (loop, round) => {
    const at = performance.now()
    const mine = loop < 2 ? held[loop] : undefined
    const answer = mine ? await refreshWith(client, mine, round) : await nodeOf(loop + round).machineToken(client)
    held[loop] = answer.body.refresh_token
    return { at, answer }
  })
}

/** Plain ones take the quick way by what is remembered of them; those with refresh tokens take the engine's. */
const kinds = [
  ['plain', false],
  ['with refresh tokens', true],
] as const

test.each(kinds)(
  'generate in a storm ends every token of the old pair, and the old secret is dead from its answer on (%s)',
  async (_, clientCredentialsRefresh) => {
    const user = await on.make.user()
    let pair: Credentials & { clientId: string } = await on.make.keyPair(user.id, [api.identifier])
    await updateClient(on.knex, pair.clientId, { settings: { clientCredentialsRefresh } }, ACTOR)
    for (let round = 0; round < 2; round++) {
      const before = (await warm(pair)).length + (round === 0 ? 0 : 1)
      const storm = stormOf(pair)
      await storm.reached(40)
      const made = await generateKeyPair(on.knex, { user: user.id, apis: [] }, ACTOR)
      const answeredAt = performance.now()
      const next = { clientId: made.client.clientId, clientSecret: made.clientSecret! }
      await expectRefused(pair, await newToken(next))
      await storm.next(1)
      const asked = await storm.stop()
      const after = asked.filter(({ at }) => at > answeredAt)
      expect(after.filter(({ answer }) => answer.status !== 401)).toEqual([])
      const issued = asked.filter(({ answer }) => answer.status === 200).map(({ answer }) => answer.body.access_token)
      // Every token that was answered had been recorded, and was counted, when the pair was replaced.
      expect(made.revoked).toBe(before + issued.length)
      expect(await activeAmong(on.nodes, issued, api)).toEqual([])
      const refresh = asked.findLast(({ answer }) => answer.body.refresh_token)?.answer.body.refresh_token
      expect(refresh !== undefined).toBe(clientCredentialsRefresh)
      for (const n of refresh ? [0, 1] : []) expect((await refreshWith(next, refresh, n)).status).toBe(400)
      pair = next
    }
  },
)

test.each(kinds)(
  'a secret rotated without overlap is dead on every node, with what it obtained; the new one works (%s)',
  async (_, clientCredentialsRefresh) => {
    const client = await on.make.client([api.identifier], { clientCredentialsRefresh })
    const tokens = await warm(client)
    const old = (await nodeOf(0).machineToken(client)).body
    const rotated = await rotateSecret(on.knex, client.clientId, 0, ACTOR)
    const next = { clientId: client.clientId, clientSecret: rotated.clientSecret! }
    const fresh = await nodeOf(0).machineToken(next)
    await expectRefused(client, fresh.body.access_token)
    expect(await activeAmong(on.nodes, [...tokens, old.access_token], api)).toEqual([])
    const { refresh_token } = old
    if (clientCredentialsRefresh) expect(await refreshWith(next, refresh_token, 1)).toMatchObject(invalidGrant)
    expect(await activeAmong(on.nodes, [fresh.body.access_token, await newToken(next, 1)], api)).toHaveLength(2)
  },
)

test.each(kinds)(
  'a rotation in a storm: from its answer on no node issues by the old secret (%s)',
  async (_, clientCredentialsRefresh) => {
    let client = await on.make.client([api.identifier], { clientCredentialsRefresh })
    for (let round = 0; round < 2; round++) {
      await warm(client)
      const old = client
      const storm = stormOf(old)
      await storm.reached(40)
      const rotated = await rotateSecret(on.knex, old.clientId, 0, ACTOR)
      const answeredAt = performance.now()
      await expectRefused(old, 'kwr_x')
      const asked = await storm.stop()
      expect(asked.filter(({ at, answer }) => at > answeredAt && answer.status !== 401)).toEqual([])
      const issued = asked.filter(({ answer }) => answer.status === 200).map(({ answer }) => answer.body.access_token)
      expect(await activeAmong(on.nodes, issued, api)).toEqual([])
      client = { ...old, clientSecret: rotated.clientSecret! }
    }
  },
)

test.each(kinds)('a rotation with overlap fails no request of a storm (%s)', async (_, clientCredentialsRefresh) => {
  const client = await on.make.client([api.identifier], { clientCredentialsRefresh })
  const storm = stormOf(client)
  await storm.reached(40)
  await rotateSecret(on.knex, client.clientId, 600, ACTOR)
  await storm.next(40)
  const answers = (await storm.stop()).map(({ answer }) => answer)
  expect(answers.filter(({ status }) => status !== 200).map(({ text }) => text)).toEqual([])
})

/** In seconds: longer than a few requests take, also on a busy machine. */
const OVERLAP = 8

test.each(kinds)(
  'with an overlap the old secret works until its time; then it and all it obtained are dead (%s)',
  async (_, clientCredentialsRefresh) => {
    const client = await on.make.client([api.identifier], { clientCredentialsRefresh })
    const early = await warm(client)
    const rotated = await rotateSecret(on.knex, client.clientId, OVERLAP, ACTOR)
    const next = { clientId: client.clientId, clientSecret: rotated.clientSecret! }
    const hasRetired = async () =>
      (await on.knex('client_secrets').where('client_id', client.key).whereRaw('retires_at <= now()')).length > 0
    const late = (await nodeOf(1).machineToken(client)).body
    expect(late).toMatchObject({ access_token: expect.any(String) })
    const stays = [await newToken(next, 0), await newToken(next, 1)]
    expect(late.expires_in).toBeLessThanOrEqual(OVERLAP)
    expect(await activeAmong(on.nodes, early, api)).toEqual(early)
    if (clientCredentialsRefresh)
      expect(await refreshWith(client, late.refresh_token, 0)).toMatchObject({ status: 200 })
    expect(await hasRetired()).toBe(false)
    await until(hasRetired)
    await expectRefused(client, stays[0]!)
    expect(await activeAmong(on.nodes, [...early, late.access_token, ...stays], api)).toEqual(stays)
  },
)

test.each(kinds)(
  'archive stops a client everywhere at once; restore lets it work again and brings nothing back (%s)',
  async (_, clientCredentialsRefresh) => {
    const client = await on.make.client([api.identifier], { clientCredentialsRefresh })
    await warm(client)
    const storm = stormOf(client)
    await storm.reached(40)
    await changeClientStatus(on.knex, client.clientId, 'archived', ACTOR)
    const answeredAt = performance.now()
    await expectRefused(client, 'kwr_x')
    const asked = await storm.stop()
    expect(asked.filter(({ at, answer }) => at > answeredAt && answer.status !== 401)).toEqual([])
    const issued = asked.filter(({ answer }) => answer.status === 200).map(({ answer }) => answer.body)
    const tokens = issued.map((body) => body.access_token)
    expect(await activeAmong(on.nodes, tokens, api)).toEqual([])
    await changeClientStatus(on.knex, client.clientId, 'active', ACTOR)
    expect(await activeAmong(on.nodes, tokens, api)).toEqual([])
    for (const { refresh_token } of clientCredentialsRefresh ? issued.slice(-10) : []) {
      expect(await refreshWith(client, refresh_token)).toMatchObject(invalidGrant)
    }
    const again = await warm(client)
    expect(await activeAmong(on.nodes, again, api)).toEqual(again)
  },
)

test('a stopped key pair is dead on every node, with its tokens, from the response on', async () => {
  const user = await on.make.user()
  const pair = await on.make.keyPair(user.id, [api.identifier])
  const tokens = await warm(pair)
  const storm = stormOf(pair)
  await storm.reached(40)
  const management = { knex: on.knex } as Management
  const { revoked } = await stopKeyPair(management, commandLinePrincipal('root'), { clientId: pair.clientId })
  const answeredAt = performance.now()
  await expectRefused(pair, tokens[0]!)
  const asked = await storm.stop()
  expect(asked.filter(({ at, answer }) => at > answeredAt && answer.status !== 401)).toEqual([])
  const issued = asked.filter(({ answer }) => answer.status === 200).map(({ answer }) => answer.body.access_token)
  expect(revoked).toBe(tokens.length + issued.length)
  expect(await activeAmong(on.nodes, [...tokens, ...issued], api)).toEqual([])
  const made = await generateKeyPair(on.knex, { user: user.id, apis: [] }, ACTOR)
  const next = { clientId: made.client.clientId, clientSecret: made.clientSecret! }
  expect(await activeAmong(on.nodes, [await newToken(next, 0), await newToken(next, 1)], api)).toHaveLength(2)
})

test('a change of a client gets its lock under load: it waits for tokens that are being issued, not for later ones', async () => {
  const client = await on.make.client([api.identifier], { clientCredentialsRefresh: true })
  const width = 60
  const storm = startLoad<Asked>(width, async (loop) => {
    const at = performance.now()
    return { at, answer: await nodeOf(loop).machineToken(client) }
  })
  await storm.reached(2 * width)
  const from = performance.now()
  const changed = rotateSecret(on.knex, client.clientId, 600, ACTOR)
  // Should it never have its round, this storm ends all the same.
  await Promise.race([changed, storm.reached(10 * width)])
  const to = performance.now()
  const asked = await storm.stop()
  await changed
  expect(asked.filter(({ at, answer }) => at > from && at < to && answer.status === 200).length).toBeLessThan(2 * width)
})
