import { beforeAll, expect, test } from 'vitest'
import { CLIENT_LOCKS } from '../../src/clients/client-locks.ts'
import { updateApi } from '../../src/management/api-changes.ts'
import { updateClient } from '../../src/management/client-registration.ts'
import { deleteExpiredSingleTokens } from '../../src/tokens/single-tokens.ts'
import { ACTOR } from '../support/factory.ts'
import { activeAmong, startLoad, together, until } from '../support/load.ts'
import { awaitedLocks } from '../support/lock-waits.ts'
import { type SharedNodes, shareNodes } from '../support/nodes.ts'
import { type Credentials, claimsOf, type FormData } from '../support/requests.ts'
import { openSignedInBrowser, redemptionOf, type SignedInBrowser } from '../support/signed-in-browsers.ts'

type Api = Credentials & { identifier: string }

let on: SharedNodes
let single: Api
let other: Api
let none: Api

beforeAll(async () => {
  on = await shareNodes()
  single = await on.make.api({ policy: 'single' })
  other = await on.make.api({ policy: 'single' })
  none = await on.make.api({ policy: 'none' })
})

async function newToken(client: Credentials, api: Api, n = 0): Promise<string> {
  const { status, text, body } = await on.nodes[n % 2]!.machineToken(client, { resource: api.identifier })
  expect(status, text).toBe(200)
  return body.access_token
}

const jtiOf = (token: string) => claimsOf(token).jti as string

const newTokens = (client: Credentials, api: Api, count: number) => together(count, (n) => newToken(client, api, n))

test('of 100 concurrent token requests over two nodes exactly one token is active, and it is the last committed one', async () => {
  const client = await on.make.client([single.identifier, other.identifier])
  const elsewhere = await newToken(client, other)
  const tokens = await newTokens(client, single, 100)
  const active = await activeAmong(on.nodes, tokens, single)
  expect(active).toHaveLength(1)
  const last = await on
    .knex('access_tokens')
    .where({ client_id: client.key })
    .whereNot({ jti: claimsOf(elsewhere).jti as string })
    .orderBy('sequence', 'desc')
    .first('jti')
  expect(claimsOf(active[0]!).jti).toBe(last.jti)
  expect(await activeAmong(on.nodes, [elsewhere], other)).toEqual([elsewhere])
})

test('a token that is requested after another was issued revokes it, whichever nodes issue them', async () => {
  const client = await on.make.client([single.identifier])
  for (let round = 0; round < 2; round++) {
    const load = startLoad(12, async (loop, round) => {
      const from = performance.now()
      const token = await newToken(client, single, loop + round)
      return { from, to: performance.now(), token }
    })
    await load.reached(60)
    const asked = await load.stop()
    const tokens = asked.map(({ token }) => token)
    const active = await activeAmong(on.nodes, tokens, single)
    expect(active).toHaveLength(1)
    const winner = asked.find(({ token }) => token === active[0])!
    expect(asked.filter(({ from }) => from > winner.to)).toEqual([])
  }
})

test('two clients that request tokens at once have one active token each', async () => {
  const clients = await together(5, () => on.make.client([single.identifier]))
  const tokens = await together(100, (n) => newToken(clients[n % 5]!, single, n % 3))
  const active = await activeAmong(on.nodes, tokens, single)
  expect(active.map((token) => claimsOf(token).sub).sort()).toEqual(clients.map(({ clientId }) => clientId).sort())
})

test('under the token policy none all tokens stay active', async () => {
  const client = await on.make.client([none.identifier])
  const tokens = await newTokens(client, none, 40)
  expect(await activeAmong(on.nodes, tokens, none)).toEqual(tokens)
})

test("a client's token policy overrides the API's, single and none alike", async () => {
  const free = await on.make.client([single.identifier], { policy: 'none' })
  const bound = await on.make.client([none.identifier], { policy: 'single' })
  const stay = await newTokens(free, single, 10)
  expect(await activeAmong(on.nodes, stay, single)).toEqual(stay)
  expect(await activeAmong(on.nodes, await newTokens(bound, none, 10), none)).toHaveLength(1)
})

test('a client whose token policy becomes single keeps its tokens until the next one, which revokes them all', async () => {
  const client = await on.make.client([none.identifier])
  const earlier = await newTokens(client, none, 20)
  await updateClient(on.knex, client.clientId, { settings: { policy: 'single' } }, ACTOR)
  expect(await activeAmong(on.nodes, earlier, none)).toEqual(earlier)
  const next = await newToken(client, none, 1)
  expect(await activeAmong(on.nodes, [...earlier, next], none)).toEqual([next])
})

test('a change to the token policy single under load leaves one active token', async () => {
  const client = await on.make.client([none.identifier])
  const load = startLoad(8, (loop, round) => newToken(client, none, loop + round))
  await load.reached(40)
  await updateClient(on.knex, client.clientId, { settings: { policy: 'single' } }, ACTOR)
  const tokens = await load.stop()
  const last = await newToken(client, none)
  expect(await activeAmong(on.nodes, [...tokens, last], none)).toEqual([last])
})

test("tokens that wait while their API's token policy becomes single are issued under single", async () => {
  const api = await on.make.api({ policy: 'none' })
  const client = await on.make.client([api.identifier])
  // Both nodes have cached the client with the earlier policy.
  const earlier = await newTokens(client, api, 2)
  const change = await on.knex.transaction()
  await updateApi(change, api.identifier, { policy: 'single' }, ACTOR)
  const waiting = newTokens(client, api, 2)
  await until(async () => (await awaitedLocks(on.knex).where({ classid: CLIENT_LOCKS.namespace })).length === 2)
  await change.commit()
  const tokens = [...earlier, ...(await waiting)]
  expect(await activeAmong(on.nodes, tokens, api)).toHaveLength(1)
})

test('of the tokens that an application gets for one user, by codes and by refresh tokens, one is active', async () => {
  const app = await on.make.application([single.identifier, none.identifier])
  const browsers = await Promise.all(
    on.nodes.map(async (node) => await openSignedInBrowser(node, await on.make.person())),
  )
  const [{ person }] = browsers as [SignedInBrowser, ...SignedInBrowser[]]
  const redeem = (form: FormData, n: number) => on.nodes[n % 2]!.token(form, { basic: app })
  const bystander = await redeem(redemptionOf(await browsers[1]!.code(app)), 0)
  const elsewhere = await redeem(redemptionOf(await browsers[0]!.code(app, { resource: none.identifier })), 1)
  for (let round = 0; round < 2; round++) {
    const held: string[] = []
    const load = startLoad(8, async (loop, round) => {
      const form = held[loop]
        ? { grant_type: 'refresh_token', refresh_token: held[loop] }
        : redemptionOf(await browsers[0]!.code(app))
      const from = performance.now()
      const { status, text, body } = await redeem(form, loop + round)
      expect(status, text).toBe(200)
      held[loop] = loop < 5 ? body.refresh_token : ''
      return { from, to: performance.now(), token: body.access_token as string }
    })
    await load.reached(60)
    const asked = await load.stop()
    const tokens = asked.map(({ token }) => token)
    const active = await activeAmong(on.nodes, tokens, single)
    expect(active).toHaveLength(1)
    const mine = { client_id: app.key, subject: person.id, jti: on.knex.raw('ANY (?)', [tokens.map(jtiOf)]) }
    const last = await on.knex('access_tokens').where(mine).orderBy('sequence', 'desc').first('jti')
    expect(jtiOf(active[0]!)).toBe(last.jti)
    const winner = asked.find(({ token }) => token === active[0])!
    expect(asked.filter(({ from }) => from > winner.to)).toEqual([])
  }
  const others = [bystander.body.access_token]
  expect(await activeAmong(on.nodes, others, single)).toEqual(others)
  expect(await activeAmong(on.nodes, [elsewhere.body.access_token], none)).toHaveLength(1)
})

/** Makes the client's rows of `single_tokens` look older. */
const age = (clientKey: number, hours: number) =>
  on.knex.raw(`UPDATE single_tokens SET expires_at = expires_at - make_interval(hours => ?) WHERE client_id = ?`, [
    hours,
    clientKey,
  ])

test('a revoked token stays inactive when the row of a shorter-lived single token is deleted', async () => {
  const [day, minute] = [86_400, 60]
  const client = await on.make.client([none.identifier], { accessTokenTtl: day })
  const become = (policy: 'none' | 'single', accessTokenTtl: number) =>
    updateClient(on.knex, client.clientId, { settings: { policy, accessTokenTtl } }, ACTOR)
  const ended = [await newToken(client, none)]
  await become('single', minute)
  await newToken(client, none)
  await become('none', day)
  ended.push(await newToken(client, none))
  await become('single', minute)
  await newToken(client, none)
  expect(await activeAmong(on.nodes, ended, none)).toEqual([])
  // Three hours later the tokens with a lifetime of a minute have expired, and those of a day would still be valid.
  await age(client.key, 3)
  await deleteExpiredSingleTokens(on.knex, 500)
  expect(await activeAmong(on.nodes, ended, none)).toEqual([])
})
