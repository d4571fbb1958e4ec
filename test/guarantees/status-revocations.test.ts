/** Every cause of revocation sets the token's bit in the status list and is published in the feed, on every node. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { withdrawConsent } from '../../src/consents/consents.ts'
import { changeAccountApi, changeAccountStatus } from '../../src/management/account-changes.ts'
import { updateApi } from '../../src/management/api-changes.ts'
import { updateClient } from '../../src/management/client-registration.ts'
import { rotateSecret } from '../../src/management/client-secret-rotation.ts'
import { changeClientStatus } from '../../src/management/client-status.ts'
import { changeApiEnabled } from '../../src/management/instance-changes.ts'
import { retireSecret } from '../../src/management/secret-retirement.ts'
import { changeUserRole, changeUserStatus } from '../../src/management/user-changes.ts'
import { revokeToken, revokeTokensOfClient, revokeTokensOfUser } from '../../src/tokens/revocation.ts'
import { assertionForm, type ClientKey, newClientKey, signAssertion } from '../support/client-assertions.ts'
import { ACTOR } from '../support/factory.ts'
import { activeAmong, mapBounded, together } from '../support/load.ts'
import { ISSUER, type SharedNodes, shareNodes } from '../support/nodes.ts'
import { type Credentials, claimsOf } from '../support/requests.ts'
import { openSignedInBrowser, redemptionOf } from '../support/signed-in-browsers.ts'
import { type Feed, openFeed, placeName, revokedInLists, statusAt } from '../support/status.ts'

let on: SharedNodes
let api: Credentials & { identifier: string }
let other: Credentials & { identifier: string }
let feeds: Feed[]
let othersFeed: Feed
let bystanders: string[]

beforeAll(async () => {
  on = await shareNodes()
  api = await on.make.api()
  other = await on.make.api({ signingAlg: 'RS256' })
  feeds = await Promise.all(on.nodes.map((node) => openFeed(node, api)))
  othersFeed = await openFeed(on.nodes[0]!, other)
  bystanders = [
    ...(await tokensOf(await on.make.client([api.identifier]), 2)),
    ...(await tokensOf(await on.make.client([other.identifier]), 2)),
  ]
})

afterAll(async () => {
  await Promise.all([...(feeds ?? []), ...(othersFeed ? [othersFeed] : [])].map((feed) => feed.close()))
})

const nodeOf = (n: number) => on.nodes[n % on.nodes.length]!

async function tokensOf(client: Credentials, count: number, form = {}): Promise<string[]> {
  const answers = await together(count, (n) => nodeOf(n).machineToken(client, form))
  for (const { status, text } of answers) expect(status, text).toBe(200)
  return answers.map(({ body }) => body.access_token)
}

/** Expects introspection, the lists and the feeds of both nodes to agree on which tokens are revoked and which are active. */
async function expectRevoked(ended: readonly string[], alive: readonly string[] = []): Promise<void> {
  const living = [...alive, ...bystanders.slice(0, 2)]
  expect(await activeAmong(on.nodes, [...ended, ...living], api)).toEqual(living)
  for (const feed of feeds) await feed.reported(ended)
  for (const feed of feeds) expect(living.filter(feed.isTold)).toEqual([])
  const said = (token: string) => Promise.all(on.nodes.map((node) => statusAt(node, token)))
  await revokedInLists(on.nodes, ended)
  expect(await mapBounded(living, said)).toEqual(living.map(() => [0, 0]))
  expect(ended.filter(othersFeed.isTold)).toEqual([])
}

test('a newer token under the token policy single revokes the earlier ones: one by one, many at once, and after the policy none', async () => {
  const client = await on.make.client([api.identifier], { policy: 'single' })
  const [first] = await tokensOf(client, 1)
  const [second] = await tokensOf(client, 1)
  await expectRevoked([first!], [second!])
  const many = [second!, ...(await tokensOf(client, 40))]
  const [last] = await activeAmong(on.nodes, many, api)
  await expectRevoked(
    many.filter((token) => token !== last),
    [last!],
  )
  await updateClient(on.knex, client.clientId, { settings: { policy: 'none' } }, ACTOR)
  const side = await tokensOf(client, 5)
  await expectRevoked([], [last!, ...side])
  await updateClient(on.knex, client.clientId, { settings: { policy: 'single' } }, ACTOR)
  const [only] = await tokensOf(client, 1)
  await expectRevoked([last!, ...side], [only!])
})

test('the first token under single revokes all that were issued under none, also when the API sets the policy', async () => {
  const own = await on.make.api()
  const feed = await openFeed(nodeOf(1), own)
  const client = await on.make.client([own.identifier, api.identifier])
  const before = await tokensOf(client, 4)
  const elsewhere = await tokensOf(client, 2, { resource: api.identifier })
  await updateApi(on.knex, own.identifier, { policy: 'single' }, ACTOR)
  const [only] = await tokensOf(client, 1)
  await feed.reported(before)
  expect(feed.isTold(only!)).toBe(false)
  await revokedInLists(on.nodes, before)
  expect(await statusAt(nodeOf(0), only!)).toBe(0)
  await expectRevoked([], elsewhere)
  await feed.close()
})

test('the tokens of a replaced key pair are revoked, and those of an admin who became a member', async () => {
  const user = await on.make.user()
  const pair = await on.make.keyPair(user.id, [api.identifier])
  const first = await tokensOf(pair, 5)
  const next = await on.make.keyPair(user.id)
  const second = await tokensOf(next, 2)
  await expectRevoked(first, second)
  await changeUserRole(on.knex, user.id, 'member', ACTOR)
  await expectRevoked(second)
})

test('the tokens of an archived client are revoked, and tokens that are revoked one by one or together', async () => {
  const client = await on.make.client([api.identifier])
  const [one, ...rest] = await tokensOf(client, 4)
  await revokeToken(on.knex, String(claimsOf(one!).jti), ACTOR)
  await expectRevoked([one!], rest)
  await revokeTokensOfClient(on.knex, client.clientId, ACTOR)
  const again = await tokensOf(client, 3)
  await expectRevoked(rest, again)
  await changeClientStatus(on.knex, client.clientId, 'archived', ACTOR)
  await expectRevoked(again)
  await changeClientStatus(on.knex, client.clientId, 'active', ACTOR)
  await expectRevoked(again, await tokensOf(client, 1))
})

test('a token that its client revokes at one node is revoked on every node', async () => {
  const client = await on.make.client([api.identifier])
  const [one, two] = await tokensOf(client, 2)
  expect((await nodeOf(1).revoke(one!, client)).status).toBe(200)
  await expectRevoked([one!], [two!])
})

/** In seconds: longer than three requests take, also on a busy machine. */
const OVERLAP = 8

test('the tokens of a client secret are revoked when it is replaced at once, and when its overlap ends', async () => {
  const client = await on.make.client([api.identifier])
  const before = await tokensOf(client, 3)
  const next = await rotateSecret(on.knex, client.clientId, 0, ACTOR)
  await expectRevoked(before)
  const held = { clientId: client.clientId, clientSecret: next.clientSecret! }
  const old = await tokensOf(held, 3)
  const newest = await rotateSecret(on.knex, client.clientId, OVERLAP, ACTOR)
  const stay = await tokensOf({ clientId: client.clientId, clientSecret: newest.clientSecret! }, 2)
  for (const token of [...old, ...stay]) expect(await statusAt(nodeOf(0), token)).toBe(0)
  for (const feed of feeds) await feed.reported(old)
  await expectRevoked(old, stay)
})

test('the tokens that a public key of a client obtained are revoked when its overlap ends, and when it is retired before', async () => {
  const [first, second, third] = [await newClientKey(), await newClientKey(), await newClientKey()]
  const settings = { authMethod: 'private_key_jwt' } as const
  const { clientId } = await on.make.register({ settings, apis: [api.identifier], keys: first.parsed })
  const tokenBy = async (key: ClientKey) => {
    const assertion = await signAssertion(key, { clientId, audience: ISSUER })
    const answer = await nodeOf(0).token({ grant_type: 'client_credentials', ...assertionForm(assertion) })
    expect(answer.status, answer.text).toBe(200)
    return answer.body.access_token as string
  }
  const old = await tokenBy(first)
  await rotateSecret(on.knex, clientId, OVERLAP, ACTOR, { keys: second.parsed })
  const next = await tokenBy(second)
  expect(await statusAt(nodeOf(0), old)).toBe(0)
  for (const feed of feeds) await feed.reported([old])
  await expectRevoked([old], [next])
  await rotateSecret(on.knex, clientId, 3600, ACTOR, { keys: third.parsed })
  const newest = await tokenBy(third)
  await retireSecret(on.knex, clientId, undefined, ACTOR)
  await expectRevoked([old, next], [newest])
})

test('the tokens of a disabled account are revoked, and those of a disabled API access of an account or the instance', async () => {
  const account = await on.make.account()
  const client = await on.make.client([api.identifier], {}, account)
  const first = await tokensOf(client, 2)
  await changeAccountStatus(on.knex, account, 'disabled', ACTOR)
  await expectRevoked(first)
  await changeAccountStatus(on.knex, account, 'active', ACTOR)
  const second = await tokensOf(client, 2)
  await changeAccountApi(on.knex, account, false, ACTOR)
  await expectRevoked([...first, ...second])
  await changeAccountApi(on.knex, account, true, ACTOR)
  const third = await tokensOf(client, 2)
  await changeApiEnabled(on.knex, false, ACTOR)
  await changeApiEnabled(on.knex, true, ACTOR)
  const ended = [...third, ...bystanders.splice(0, 2)]
  bystanders.unshift(...(await tokensOf(await on.make.client([api.identifier]), 2)))
  await expectRevoked(ended)
})

async function createScene() {
  const app = await on.make.application([api.identifier])
  const person = await on.make.person()
  const visitor = await openSignedInBrowser(nodeOf(0), person)
  async function redeemed() {
    const code = await visitor.code(app)
    const answer = await nodeOf(1).token(redemptionOf(code), { basic: app })
    expect(answer.status, answer.text).toBe(200)
    return { code, token: answer.body.access_token as string, refreshToken: answer.body.refresh_token as string }
  }
  const refreshed = (token: string, n = 0) =>
    nodeOf(n).token({ grant_type: 'refresh_token', refresh_token: token }, { basic: app })
  return { app, person, redeemed, refreshed }
}

test("a user's tokens are revoked when the consent is withdrawn, the tokens are revoked, or the user is disabled", async () => {
  const { app, person, redeemed } = await createScene()
  const first = await redeemed()
  await withdrawConsent(on.knex, { userId: person.id, clientId: app.clientId }, ACTOR)
  await expectRevoked([first.token])
  const scene = await createScene()
  const second = await scene.redeemed()
  await revokeTokensOfUser(on.knex, scene.person.id, ACTOR)
  await expectRevoked([second.token])
  const third = await createScene()
  const { token } = await third.redeemed()
  await changeUserStatus(on.knex, third.person.id, 'disabled', ACTOR)
  await expectRevoked([token])
})

test('the tokens of a reused code, a reused refresh token and a revoked refresh token are revoked', async () => {
  const { app, redeemed, refreshed } = await createScene()
  const first = await redeemed()
  expect((await nodeOf(0).token(redemptionOf(first.code), { basic: app })).status).toBe(400)
  await expectRevoked([first.token])
  const second = await redeemed()
  const rotated = (await refreshed(second.refreshToken)).body
  await on.knex('refresh_tokens').update({ rotated_at: on.knex.raw(`rotated_at - interval '1 hour'`) })
  expect((await refreshed(second.refreshToken, 1)).status).toBe(400)
  await expectRevoked([second.token, rotated.access_token])
  const third = await redeemed()
  expect((await nodeOf(1).revoke(third.refreshToken, app)).status).toBe(200)
  await expectRevoked([third.token])
})

test('the tokens of another API are in other lists, signed with its own algorithm, and published to that API alone', async () => {
  const client = await on.make.client([other.identifier, api.identifier])
  const theirs = await tokensOf(client, 3)
  const ours = await tokensOf(client, 3, { resource: api.identifier })
  const listsOf = (tokens: string[]) => new Set(tokens.map((token) => placeName(token).split('#')[0]))
  expect(listsOf(theirs).intersection(listsOf(ours)).size).toBe(0)
  await revokeTokensOfClient(on.knex, client.clientId, ACTOR)
  await othersFeed.reported(theirs)
  await expectRevoked(ours)
  for (const feed of feeds) expect(theirs.filter(feed.isTold)).toEqual([])
  await revokedInLists(on.nodes, theirs)
})

test('among tokens that were revoked for all these causes, the revoked ones are exactly those that are not active', async () => {
  const { rows } = await on.knex.raw(`
    SELECT count(*)::int AS tokens, count(a.jti)::int AS active,
           count(*) FILTER (WHERE (a.jti IS NULL) <> (s.jti IS NULL))::int AS other
      FROM access_tokens t
      LEFT JOIN active_access_tokens a ON a.jti = t.jti AND a.expires_at = t.expires_at
      LEFT JOIN client_access_tokens s ON s.jti = t.jti AND s.expires_at = t.expires_at
     WHERE t.expires_at > now() AND t.status_list IS NOT NULL`)
  expect(rows[0].other).toBe(0)
  expect(rows[0].active).toBeGreaterThan(1)
  expect(rows[0].tokens - rows[0].active).toBeGreaterThan(50)
})
