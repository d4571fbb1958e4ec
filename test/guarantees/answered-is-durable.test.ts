import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { spawnKeywright } from '../support/cli.ts'
import { activeAmong, startLoad, together, until } from '../support/load.ts'
import { type Nodes, type ServerNode, startNodes } from '../support/nodes.ts'
import { createRandom } from '../support/random.ts'
import { type Credentials, claimsOf } from '../support/requests.ts'
import { openSignedInBrowser, type ReceivedCode, redemptionOf } from '../support/signed-in-browsers.ts'

let on: Nodes
let none: Credentials & { identifier: string }
let single: Credentials & { identifier: string }

beforeAll(async () => {
  on = await startNodes(2)
  none = await on.make.api({ policy: 'none' })
  single = await on.make.api({ policy: 'single' })
})

afterAll(() => on?.stop())

const random = createRandom(20_261_121)

interface Done {
  readonly token: string
  readonly revoked?: boolean
}

/** What a client knows for sure: undefined where it got no answer, or none that says it was done. */
async function answered<T extends { status: number }>(request: Promise<T>): Promise<T | undefined> {
  const answer = await request.catch(() => undefined)
  return answer?.status === 200 ? answer : undefined
}

/** Gets a token and, every second time, revokes it. Undefined where it cannot know. */
async function issueAndRevoke(node: ServerNode, client: Credentials, revoke: boolean): Promise<Done | undefined> {
  const issued = await answered(node.machineToken(client))
  if (!issued) return undefined
  const token: string = issued.body.access_token
  if (!revoke) return { token }
  return (await answered(node.revoke(token, client))) ? { token, revoked: true } : undefined
}

/** PostgreSQL goes on with what a node that was killed had begun, and may end a token by it. */
async function settled(): Promise<void> {
  const underWay = { datname: on.knex.raw('current_database()'), state: 'active', backend_type: 'client backend' }
  const others = () => on.knex('pg_stat_activity').where(underWay).whereRaw('pid <> pg_backend_pid()')
  await until(async () => (await others()).length === 0)
}

/** Every answered act, while `disturb` happens in the middle of them. */
async function stormWith(clients: { none: Credentials; single: Credentials }, disturb: () => Promise<unknown>) {
  // Each loop keeps to its node: loops that are refused at one moment would go on to the same other node.
  const storm = startLoad(24, async (loop, round) => {
    const node = on.nodes[loop % 2]!
    if (loop < 6) return { single: await issueAndRevoke(node, clients.single, false) }
    return { none: await issueAndRevoke(node, clients.none, round % 2 === 1) }
  })
  await storm.reached(20 + random.below(80))
  await disturb()
  const acts = await storm.stop()
  await settled()
  return {
    none: acts.map((act) => act.none).filter((done) => done !== undefined),
    single: acts.map((act) => act.single).filter((done) => done !== undefined),
  }
}

async function expectKept(
  nodes: readonly ServerNode[],
  clients: { single: { key: number } },
  done: Awaited<ReturnType<typeof stormWith>>,
): Promise<void> {
  const [revoked, kept] = [done.none.filter((one) => one.revoked), done.none.filter((one) => !one.revoked)]
  expect(kept.length).toBeGreaterThan(0)
  const tokens = kept.map(({ token }) => token)
  expect(await activeAmong(nodes, tokens, none)).toEqual(tokens)
  expect(
    await activeAmong(
      nodes,
      revoked.map(({ token }) => token),
      none,
    ),
  ).toEqual([])
  const singles = done.single.map(({ token }) => token)
  const live = await on.knex('active_access_tokens').where('client_key', clients.single.key).pluck('jti')
  expect(live).toHaveLength(1)
  const active = await activeAmong(nodes, singles, single)
  // The last token may be one whose answer the crash swallowed.
  expect(active.map((token) => claimsOf(token).jti)).toEqual(live.filter((jti) => active.some(hasId(jti))))
  const jtis = singles.map((token) => claimsOf(token).jti)
  expect(await on.knex('access_tokens').where('client_id', clients.single.key).pluck('jti')).toEqual(
    expect.arrayContaining(jtis),
  )
}

const hasId = (jti: string) => (token: string) => claimsOf(token).jti === jti

const newClients = async () => ({
  none: await on.make.client([none.identifier]),
  single: await on.make.client([single.identifier]),
})

/** Kills the node while everything that its clients asked for waits to be recorded, and can not have been answered. */
async function killWhileRecordsWait(victim: ServerNode, clients: { none: { key: number }; single: { key: number } }) {
  const holding = await on.knex.transaction()
  await holding('clients').whereIn('id', [clients.none.key, clients.single.key]).orderBy('id').forUpdate()
  const waiting = { datname: on.knex.raw('current_database()'), wait_event_type: 'Lock' }
  // Each node lets one statement wait for each locked client; what else was asked for is in the memory of the nodes.
  await until(async () => (await on.knex('pg_stat_activity').where(waiting)).length >= 4)
  await victim.kill()
  await holding.commit()
}

test.each([
  [0, 'at any moment'],
  [1, 'at any moment'],
  [0, 'while records wait'],
  [1, 'while records wait'],
])('kill -9 of node %i in a storm, %s, loses nothing that was answered', async (n, moment) => {
  const clients = await newClients()
  const [victim, survivor] = [on.nodes[n]!, on.nodes[1 - n]!]
  const kill = () => (moment === 'at any moment' ? victim.kill() : killWhileRecordsWait(victim, clients))
  const done = await stormWith(clients, kill)
  await expectKept([survivor], clients, done)
  await on.restart(n)
  await expectKept(on.nodes, clients, done)
})

test('a generate that was answered holds, though its process was killed the moment it answered', async () => {
  const user = await on.make.user()
  const pair = await on.make.keyPair(user.id, [none.identifier])
  const issued = await Promise.all(on.nodes.map((node) => node.machineToken(pair)))
  const tokens = issued.map(({ body }) => body.access_token)
  const cli = spawnKeywright(['key-pair', 'generate', '--user', user.email, '--json'], on.env)
  const [line] = await once(cli.stdout.setEncoding('utf8'), 'data')
  cli.kill('SIGKILL')
  const next = JSON.parse(line)
  for (const node of on.nodes) expect((await node.machineToken(pair)).status).toBe(401)
  expect(await activeAmong(on.nodes, tokens, none)).toEqual([])
  const renewed = await on.nodes[0]!.machineToken({ clientId: next.client_id, clientSecret: next.client_secret })
  expect(renewed.status).toBe(200)
})

test('a refresh token that was answered before kill -9 of its node can be redeemed at the other', async () => {
  const client = await on.make.client([none.identifier], { clientCredentialsRefresh: true })
  const held: Record<string, string>[] = []
  const storm = startLoad(6, async (loop) => {
    const node = on.nodes[1]!
    const refresh = held[loop]?.refresh_token
    const form = { grant_type: 'refresh_token', refresh_token: refresh! }
    const answer = await answered(refresh ? node.token(form, { basic: client }) : node.machineToken(client))
    if (answer) held[loop] = answer.body
  })
  await storm.reached(40)
  await on.nodes[1]!.kill()
  await storm.stop()
  expect(held).toHaveLength(6)
  // The crash may have swallowed the answer to a redemption: then this one is a retry within the grace.
  for (const { refresh_token, access_token } of held) {
    const form = { grant_type: 'refresh_token', refresh_token: refresh_token! }
    expect((await on.nodes[0]!.token(form, { basic: client })).status).toBe(200)
    expect(await activeAmong([on.nodes[0]!], [access_token!], none)).toHaveLength(1)
  }
  await on.restart(1)
  await until(async () => (await on.nodes[1]!.machineToken(client)).status === 200)
})

/** Redeems codes at a node by several loops until there are none left, and kills it in the midst of that. */
async function killWhileRedeeming(victim: ServerNode, app: Credentials, codes: ReceivedCode[]) {
  const left = [...codes]
  const storm = startLoad(8, async () => {
    const code = left.pop()
    if (!code) return await sleep(5)
    const answer = await answered(victim.token(redemptionOf(code), { basic: app }))
    return answer ? { code, tokens: answer.body } : { code, lost: true }
  })
  await storm.reached(8 + random.below(12))
  await victim.kill()
  const outcomes = (await storm.stop()).filter((one) => one instanceof Object)
  return { done: outcomes.filter(({ tokens }) => tokens), lost: outcomes.filter(({ lost }) => lost) }
}

test('kill -9 of a node in the midst of redemptions: each code has given its tokens whole, or nothing', async () => {
  const person = await on.make.person()
  for (let round = 0; round < 2; round++) {
    const app = await on.make.application([none.identifier])
    const visitor = await openSignedInBrowser(on.nodes[0]!, person)
    const codes = await together(40, () => visitor.code(app))
    const { done, lost } = await killWhileRedeeming(on.nodes[1]!, app, codes)
    expect(done.length).toBeGreaterThan(0)
    expect(lost.length).toBeGreaterThan(0)
    const [survivor] = on.nodes as [ServerNode]
    const ask = (form: Record<string, string>) => survivor.token(form, { basic: app })
    const refresh = (token: string) => ask({ grant_type: 'refresh_token', refresh_token: token })

    const tokens = done.map((one) => one.tokens!.access_token)
    expect(await activeAmong([survivor], tokens, none)).toEqual(tokens)
    for (const { tokens } of done) expect((await refresh(tokens!.refresh_token)).status).toBe(200)
    // What the killed node was about is settled when the database has taken its connections back.
    const retried = await Promise.all(lost.map(({ code }) => ask(redemptionOf(code))))
    for (const { status, body } of retried) {
      expect([200, 400]).toContain(status)
      if (status === 400) expect(body.error).toBe('invalid_grant')
    }
    const first = retried.find(({ status }) => status === 200)
    if (first) expect((await refresh(first.body.refresh_token)).status).toBe(200)

    const families: { grant_id: string }[] = await on.knex('refresh_tokens').where({ client_id: app.key })
    const grants: string[] = await on
      .knex('access_tokens')
      .where({ client_id: app.key })
      .distinct('grant_id')
      .pluck('grant_id')
    expect(new Set(families.map(({ grant_id }) => grant_id))).toEqual(new Set(grants))
    const consumed = await on.knex('engine_models').where({ model: 'AuthorizationCode' }).whereNotNull('consumed_at')
    expect(consumed).toHaveLength(families.length)
    await on.knex('engine_models').where({ model: 'AuthorizationCode' }).delete()
    await on.restart(1)
  }
})
