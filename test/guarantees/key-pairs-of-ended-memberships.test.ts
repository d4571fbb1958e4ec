/**
 * Replaced means dead, by membership: once a membership ended, on whichever node, no key pair of its user in that account works, however
 * late it was generated, and none of its tokens. What the user has in another account goes on.
 */
import { beforeAll, expect, test } from 'vitest'
import { addMembership } from '../../src/accounts/membership-changes.ts'
import { generateKeyPair } from '../../src/management/key-pair-generation.ts'
import { MANAGEMENT_API } from '../../src/management/management-scopes.ts'
import { endMembership } from '../../src/management/membership-end.ts'
import { changeUserRole, changeUserStatus, removeMember } from '../../src/management/user-changes.ts'
import { ACTOR } from '../support/factory.ts'
import { activeAmong, startLoad, together, until } from '../support/load.ts'
import { awaitedLocks } from '../support/lock-waits.ts'
import { type SharedNodes, shareNodes } from '../support/nodes.ts'
import { type Answer, type Credentials, send } from '../support/requests.ts'

let on: SharedNodes
let api: Credentials & { identifier: string }

beforeAll(async () => {
  on = await shareNodes()
  api = await on.make.api({ keyPairs: 'named' })
})

const nodeOf = (n: number) => on.nodes[n % on.nodes.length]!

/** A developer in two accounts, with a key pair in each. */
async function createScene() {
  const [first, second] = [await on.make.account(), await on.make.account()]
  const { id: userId } = await on.make.user(first)
  const join = { userId, accountId: second, role: 'developer' } as const
  await on.knex.transaction((trx) => addMembership(trx, join, ACTOR))
  async function pairIn(accountId: string): Promise<Credentials> {
    const request = { user: userId, accountId, apis: [api.identifier, MANAGEMENT_API] }
    const { client, clientSecret } = await generateKeyPair(on.knex, request, ACTOR)
    return { clientId: client.clientId, clientSecret: clientSecret! }
  }
  return { userId, first, second, pairs: { first: await pairIn(first), second: await pairIn(second) } }
}

type Scene = Awaited<ReturnType<typeof createScene>>

const tokenOf = async (pair: Credentials, n: number): Promise<Answer> => await nodeOf(n).machineToken(pair)

/** Lets the user generate a named key pair in the account of one that they have. */
async function generatorOf(pair: Credentials) {
  const { body } = await nodeOf(0).machineToken(pair, { resource: MANAGEMENT_API })
  const headers = { authorization: `Bearer ${body.access_token}`, 'content-type': 'application/json' }
  return (n: number, name: string): Promise<Answer> => {
    const request = { pair_name: name, apis: [api.identifier] }
    return send(`${nodeOf(n).url}/api/v1/key-pairs`, { method: 'POST', headers, body: JSON.stringify(request) })
  }
}

const credentialsOf = ({ body }: Answer): Credentials => ({
  clientId: body.client_id,
  clientSecret: body.client_secret,
})

const activeIn = ({ userId }: Scene, accountId: string) =>
  on.knex('clients').where({ user_id: userId, account_id: accountId, status: 'active' }).pluck('client_id')

/** Nothing that acts in the second account works, and the key pair of the first one does. */
async function expectEnded(scene: Scene, pairs: readonly Credentials[], tokens: readonly string[]): Promise<void> {
  expect(await activeIn(scene, scene.second)).toEqual([])
  const kept = await tokenOf(scene.pairs.first, 1)
  expect(kept.status).toBe(200)
  const { access_token } = kept.body
  expect(await activeAmong(on.nodes, [...tokens, access_token], api)).toEqual([access_token])
  const all = [scene.pairs.second, ...pairs]
  const answers = await together(all.length * 2, (n) => tokenOf(all[n >> 1]!, n))
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 401))
}

type End = (scene: Scene) => Promise<unknown>

const ENDINGS: [string, End][] = [
  ['is removed', ({ userId, second }) => removeMember(on.knex, { userId, accountId: second }, ACTOR)],
  ['is disabled', ({ userId, second }) => changeUserStatus(on.knex, userId, 'disabled', ACTOR, { accountId: second })],
  [
    'gets a role without key pairs',
    ({ userId, second }) => changeUserRole(on.knex, userId, 'viewer', ACTOR, { accountId: second }),
  ],
]

test.each(ENDINGS)('when a membership %s under load, every key pair and token of it is dead', async (_, end) => {
  const scene = await createScene()
  const generate = await generatorOf(scene.pairs.second)
  const pairsStorm = startLoad(3, (loop, round) => generate(loop + round, `job ${loop}`))
  const tokensStorm = startLoad(3, (loop, round) => tokenOf(scene.pairs.second, loop + round))
  const storms = [pairsStorm, tokensStorm]
  for (const storm of storms) await storm.reached(6)
  await end(scene)
  for (const storm of storms) await storm.next(6)
  const [generated, issued] = await Promise.all([pairsStorm.stop(), tokensStorm.stop()])
  const pairs = generated.filter(({ status }) => status === 201)
  const tokens = issued.filter(({ status }) => status === 200)
  expect(Math.min(pairs.length, tokens.length)).toBeGreaterThan(2)
  expect([...generated, ...issued].filter(({ status }) => status >= 500)).toEqual([])
  const held = tokens.map(({ body }) => body.access_token)
  await expectEnded(scene, pairs.slice(-6).map(credentialsOf), held)
})

test.each(ENDINGS)('a key pair that is being generated while the membership %s is dead', async (_, end) => {
  const scene = await createScene()
  const generate = await generatorOf(scene.pairs.second)
  const holding = await on.knex.transaction()
  // The generation has taken its locks, and waits to store the secret.
  await holding.raw('LOCK TABLE client_secrets IN EXCLUSIVE MODE')
  const generating = generate(1, 'job')
  await until(async () => (await awaitedLocks(on.knex).where({ mode: 'RowExclusiveLock' })).length > 0)
  const ending = end(scene)
  await until(async () => (await awaitedLocks(on.knex).where({ locktype: 'advisory' })).length > 0)
  await holding.commit()
  const answer = await generating
  await ending
  expect(answer.status, answer.text).toBe(201)
  await expectEnded(scene, [credentialsOf(answer)], [])
})

test('a key pair that is generated after the membership began to end is refused', async () => {
  const scene = await createScene()
  const { userId, second } = scene
  const generate = await generatorOf(scene.pairs.second)
  const ending = await on.knex.transaction()
  await endMembership(ending, { userId, accountId: second }, ACTOR)
  const generating = generate(1, 'job')
  await until(async () => (await awaitedLocks(on.knex)).length > 0)
  await ending.commit()
  expect((await generating).status).toBe(404)
  await expectEnded(scene, [], [])
  expect(await activeIn(scene, scene.first)).toEqual([scene.pairs.first.clientId])
})

test.each(ENDINGS)('a token that a key pair is being issued while the membership %s is inactive', async (_, end) => {
  const scene = await createScene()
  const holding = await on.knex.transaction()
  await holding.raw('LOCK TABLE access_tokens IN EXCLUSIVE MODE')
  const issuing = tokenOf(scene.pairs.second, 1)
  await until(async () => (await awaitedLocks(on.knex).where({ mode: 'RowExclusiveLock' })).length > 0)
  let hasEnded = false
  const ending = end(scene).then(() => {
    hasEnded = true
  })
  // A change of the role alone has no tokens of applications to wait for.
  await until(async () => hasEnded || (await awaitedLocks(on.knex)).length > 1)
  await holding.commit()
  const [answer] = await Promise.all([issuing, ending])
  await expectEnded(scene, [], answer.status === 200 ? [answer.body.access_token] : [])
})

test('a user who joins the account again has none of their former key pairs', async () => {
  const scene = await createScene()
  const key = { userId: scene.userId, accountId: scene.second }
  const { body } = await tokenOf(scene.pairs.second, 0)
  await removeMember(on.knex, key, ACTOR)
  await on.knex.transaction((trx) => addMembership(trx, { ...key, role: 'admin' }, ACTOR))
  await expectEnded(scene, [], [body.access_token])
})
