import type { Knex } from 'knex'
import { beforeAll, expect, test } from 'vitest'
import { changeAccountStatus } from '../../src/management/account-changes.ts'
import { generateKeyPair } from '../../src/management/key-pair-generation.ts'
import { keywright } from '../support/cli-in-process.ts'
import { ACTOR } from '../support/factory.ts'
import { activeAmong, startLoad, together } from '../support/load.ts'
import { type SharedNodes, shareNodes } from '../support/nodes.ts'
import { type Credentials, claimsOf } from '../support/requests.ts'

let on: SharedNodes
let api: Credentials & { identifier: string }

beforeAll(async () => {
  on = await shareNodes()
  api = await on.make.api()
})

const nodeOf = (n: number) => on.nodes[n % on.nodes.length]!

async function tokensOf(client: Credentials, count: number): Promise<string[]> {
  const answers = await together(count, (n) => nodeOf(n).machineToken(client))
  for (const { status, text } of answers) expect(status, text).toBe(200)
  return answers.map(({ body }) => body.access_token)
}

const refused = { status: 401, body: { error: 'invalid_client' } }

test('a disabled account gets no tokens and has no active ones, on any node; after it is enabled, it must get new tokens', async () => {
  const account = await on.make.account()
  const client = await on.make.client([api.identifier], { clientCredentialsRefresh: true }, account)
  const bystander = await on.make.client([api.identifier])
  const plain = await on.make.client([api.identifier], {}, account)
  await tokensOf(client, 2)
  await tokensOf(plain, 2)
  const stays = await tokensOf(bystander, 2)
  const load = startLoad(6, async (loop, round) => {
    const at = performance.now()
    return { at, answer: await nodeOf(loop + round).machineToken(loop < 3 ? client : plain) }
  })
  await load.reached(40)
  await changeAccountStatus(on.knex, account, 'disabled', ACTOR)
  const answeredAt = performance.now()
  for (const node of on.nodes) {
    for (const one of [client, plain]) expect(await node.machineToken(one)).toMatchObject(refused)
  }
  const asked = await load.stop()
  expect(asked.filter(({ at, answer }) => at > answeredAt && answer.status !== 401)).toEqual([])
  const issued = asked.filter(({ answer }) => answer.status === 200).map(({ answer }) => answer.body)
  const tokens = issued.map((body) => body.access_token)
  expect(await activeAmong(on.nodes, [...tokens, ...stays], api)).toEqual(stays)
  await changeAccountStatus(on.knex, account, 'active', ACTOR)
  expect(await activeAmong(on.nodes, tokens, api)).toEqual([])
  const form = { grant_type: 'refresh_token', refresh_token: issued.find((body) => body.refresh_token).refresh_token }
  expect(await nodeOf(1).token(form, { basic: client })).toMatchObject({
    status: 400,
    body: { error: 'invalid_grant' },
  })
  const again = await tokensOf(client, 2)
  expect(await activeAmong(on.nodes, again, api)).toEqual(again)
})

/** Begins a transaction, and leaves its end to the test. */
async function openTransaction(knex: Knex) {
  const trx = await knex.transaction()
  return { trx, commit: () => trx.commit() }
}

test('a key pair that is generated while its account is being disabled does not authenticate and has no active token', async () => {
  const account = await on.make.account()
  const user = await on.make.user(account)
  const generating = await openTransaction(on.knex)
  const request = { user: user.id, apis: [api.identifier] }
  const made = await generateKeyPair(generating.trx, request, ACTOR)
  const pair = { clientId: made.client.clientId, clientSecret: made.clientSecret! }
  // Held open as a slow machine would: the account is being disabled, and its answer is still to come.
  const disabling = await openTransaction(on.knex)
  const disabled = changeAccountStatus(disabling.trx, account, 'disabled', ACTOR)
  const first = await Promise.race([disabled.then(() => 'disabled'), isWaiting(on.knex).then(() => 'waits')])
  await generating.commit()
  const tokens = first === 'waits' ? [] : await Promise.all(on.nodes.map((node) => node.machineToken(pair)))
  await disabled
  await disabling.commit()
  for (const node of on.nodes) expect(await node.machineToken(pair)).toMatchObject(refused)
  const issued = tokens.filter(({ status }) => status === 200).map(({ body }) => body.access_token)
  expect(await activeAmong(on.nodes, issued, api)).toEqual([])
})

test('generating a key pair and disabling its account at once do not deadlock, and leave no active key pair', async () => {
  const account = await on.make.account()
  const user = await on.make.user(account)
  let pair = await on.make.keyPair(user.id, [api.identifier])
  for (let round = 0; round < 15; round++) {
    // Whichever is first: a pair that dies at once, or none, because the account is switched off.
    const generating = on.make.keyPair(user.id).catch((error) => error.code)
    const disabling = changeAccountStatus(on.knex, account, 'disabled', ACTOR)
    const [made] = await Promise.all([generating, disabling])
    if (made !== 'conflict') pair = made
    expect(pair).toMatchObject({ clientId: expect.any(String) })
    for (const node of on.nodes) expect(await node.machineToken(pair)).toMatchObject(refused)
    await changeAccountStatus(on.knex, account, 'active', ACTOR)
    await tokensOf(pair, 2)
  }
})

/** Resolves when some session of this database waits for a lock of another. */
async function isWaiting(knex: Knex): Promise<void> {
  for (;;) {
    const { rows } = await knex.raw(
      `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    )
    if (rows.length > 0) return
  }
}

test('a token that was revoked by its jti is inactive on every node, and no other token is', async () => {
  const client = await on.make.client([api.identifier])
  const [gone, ...stay] = await tokensOf(client, 4)
  const cli = keywright(on.env)
  expect(await cli(`token revoke --jti ${claimsOf(gone!).jti}`)).toEqual({ revoked: 1 })
  expect(await activeAmong(on.nodes, [gone!, ...stay], api)).toEqual(stay)
  expect(await cli(`token revoke --jti ${claimsOf(gone!).jti}`)).toEqual({ revoked: 0 })
})

test("a client's access tokens and refresh tokens are revoked together, and it can get new ones", async () => {
  const client = await on.make.client([api.identifier], { clientCredentialsRefresh: true })
  const tokens = await tokensOf(client, 10)
  const begun = (await nodeOf(0).machineToken(client)).body
  expect(await keywright(on.env)(`token revoke --client ${client.clientId}`)).toEqual({ revoked: 11 })
  expect(await activeAmong(on.nodes, [...tokens, begun.access_token], api)).toEqual([])
  const form = { grant_type: 'refresh_token', refresh_token: begun.refresh_token }
  for (const node of on.nodes) expect((await node.token(form, { basic: client })).status).toBe(400)
  const again = await tokensOf(client, 2)
  expect(await activeAmong(on.nodes, again, api)).toEqual(again)
})

test("a user's tokens are revoked together, and those of other users are not", async () => {
  const [user, other] = [await on.make.user(), await on.make.user()]
  const pair = await on.make.keyPair(user.id, [api.identifier])
  const bystander = await on.make.keyPair(other.id, [api.identifier])
  const tokens = await tokensOf(pair, 6)
  const stay = await tokensOf(bystander, 2)
  expect(await keywright(on.env)(`token revoke --user ${user.email}`)).toEqual({ revoked: 6 })
  expect(await activeAmong(on.nodes, [...tokens, ...stay], api)).toEqual(stay)
})

test('a token that its client revokes at one node is inactive on every node; a revoked refresh token revokes its grant', async () => {
  const client = await on.make.client([api.identifier], { clientCredentialsRefresh: true })
  const [first, second] = await tokensOf(client, 2)
  expect((await nodeOf(0).revoke(first!, client)).status).toBe(200)
  expect(await activeAmong(on.nodes, [first!, second!], api)).toEqual([second])
  const begun = (await nodeOf(0).machineToken(client)).body
  const form = { grant_type: 'refresh_token', refresh_token: begun.refresh_token }
  const rotated = (await nodeOf(1).token(form, { basic: client })).body
  expect((await nodeOf(0).revoke(rotated.refresh_token, client)).status).toBe(200)
  expect(await activeAmong(on.nodes, [begun.access_token, rotated.access_token, second!], api)).toEqual([second])
  const next = { grant_type: 'refresh_token', refresh_token: rotated.refresh_token }
  for (const node of on.nodes) expect((await node.token(next, { basic: client })).status).toBe(400)
})
