import { randomBytes, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { deleteIdleRateLimits } from '../../src/clients/client-rate-limits.ts'
import { DEVICE_CODE_GRANT } from '../../src/clients/grant-types.ts'
import { deleteReplacedKeyPairs } from '../../src/clients/key-pairs.ts'
import { deleteRetiredSecrets } from '../../src/clients/retired-secrets.ts'
import { updateClient } from '../../src/management/client-registration.ts'
import { rotateSecret } from '../../src/management/client-secret-rotation.ts'
import { deleteExpiredEngineModels } from '../../src/oidc/adapter.ts'
import { deleteExpiredRefreshTokens } from '../../src/refresh/refresh-token-families.ts'
import { dropExpiredPartitions, ensurePartitions } from '../../src/tokens/partitions.ts'
import { deleteExpiredSingleTokens } from '../../src/tokens/single-tokens.ts'
import { ACTOR, CALLBACK } from '../support/factory.ts'
import { withoutJob } from '../support/jobs.ts'
import { activeAmong, startLoad, together, until } from '../support/load.ts'
import { type Nodes, startNode, startNodes } from '../support/nodes.ts'
import { type Credentials, claimsOf, postForm } from '../support/requests.ts'
import { authorizationOf, codeOf, linkOf, openSignedInBrowser, redemptionOf } from '../support/signed-in-browsers.ts'
import { untilPeriodLasts } from '../support/utc-periods.ts'

const DAY = 86_400_000

let on: Nodes
let api: Credentials & { identifier: string }
let client: Credentials & { clientId: string; key: number }

beforeAll(async () => {
  on = await startNodes(2)
  api = await on.make.api()
  client = await on.make.client([api.identifier], { clientCredentialsRefresh: true })
})

afterAll(() => on?.stop())

beforeEach(() => untilPeriodLasts('day'))

const partitionOf = (at: number) => `access_tokens_${new Date(at).toISOString().slice(0, 10).replaceAll('-', '')}`

async function partitions(): Promise<string[]> {
  const { rows } = await on.knex.raw(`SELECT inhrelid::regclass::text AS name FROM pg_inherits
    WHERE inhparent = 'access_tokens'::regclass ORDER BY 1`)
  return rows.map(({ name }: { name: string }) => name)
}

/** As if the server had run for the last ten days, and its jobs had not. */
async function fillThePast(): Promise<void> {
  await ensurePartitions(on.knex, Date.now() - 10 * DAY)
  await on.knex.raw(
    `INSERT INTO access_tokens (jti, expires_at, issued_at, client_id, sequence, api_id, revocation_epoch, subject, scope)
     SELECT gen_random_uuid(), now() - make_interval(days => 2 + n % 9), now(), ?, 0, 1, 0, '', 'read'
       FROM generate_series(1, 900) n`,
    [client.key],
  )
}

/** Issues tokens at both nodes while `work` goes on; every one of them must succeed. */
async function whileIssuing<T>(work: () => Promise<T>): Promise<T> {
  const storm = startLoad(8, (loop, round) => on.nodes[(loop + round) % 2]!.machineToken(client))
  await storm.reached(20)
  const result = await work()
  await storm.reached(60)
  const answers = await storm.stop()
  expect(answers.filter(({ status }) => status !== 200).map(({ text }) => text)).toEqual([])
  const tokens = answers.map(({ body }) => body.access_token)
  expect(await activeAmong(on.nodes, tokens, api)).toEqual(tokens)
  return result
}

/** Keeps the nodes' own jobs from what `work` counts. */
const withoutTheJob = (work: () => Promise<void>) => withoutJob(on.knex, 'prepare and drop partitions', work)

const withoutSweeps = (work: () => Promise<void>) =>
  withoutJob(on.knex, 'sweep expired rows', () => withoutJob(on.knex, 'sweep rows that expired long ago', work))

test('expired partitions are dropped, and missing ones made, while tokens are issued without an error', async () => {
  await withoutTheJob(async () => {
    await fillThePast()
    const ahead = partitionOf(Date.now() + 32 * DAY)
    await on.knex.raw(`DROP TABLE IF EXISTS ${ahead}`)
    const dropped = await whileIssuing(async () => {
      await together(3, () => ensurePartitions(on.knex))
      return await dropExpiredPartitions(on.knex)
    })
    expect(dropped).toHaveLength(10)
    expect(dropped.at(-1)).toBe(partitionOf(Date.now() - 2 * DAY))
    expect((await partitions()).at(0)).toBe(partitionOf(Date.now() - DAY))
    expect((await partitions()).at(-1)).toBe(ahead)
  })
})

/** Also those that are no partitions any more. */
async function tablesOfDays(): Promise<string[]> {
  const { rows } = await on.knex.raw(
    `SELECT relname AS name FROM pg_class WHERE relname LIKE 'access_tokens_2%' AND relkind = 'r' ORDER BY 1`,
  )
  return rows.map(({ name }: { name: string }) => name)
}

/** Cuts a detachment off while it waits for a transaction that has read the access-token store. */
async function interruptDetaching(name: string): Promise<void> {
  const reader = await on.knex.transaction()
  await reader.raw(`SELECT 1 FROM access_tokens WHERE expires_at < now() - interval '1 day' LIMIT 1`)
  const detaching = on.knex
    .raw(`ALTER TABLE access_tokens DETACH PARTITION ${name} CONCURRENTLY`)
    .catch(() => 'cut off')
  const waits = { wait_event_type: 'Lock', datname: on.knex.raw('current_database()') }
  const isDetaching = () => on.knex('pg_stat_activity').where(waits).whereLike('query', 'ALTER TABLE%DETACH%')
  await until(async () => (await isDetaching()).length > 0)
  for (const { pid } of await isDetaching()) await on.knex.raw('SELECT pg_terminate_backend(?)', [pid])
  expect(await detaching).toBe('cut off')
  await reader.rollback()
  expect(await on.knex('pg_inherits').where({ inhdetachpending: true })).toHaveLength(1)
}

test.each([
  ['whole', async () => {}],
  ['left half detached by a node that was killed', interruptDetaching],
])('a starting node drops what has expired, %s, while others issue', async (_, prepare) => {
  await withoutTheJob(async () => {
    await fillThePast()
    await prepare((await partitions())[0]!)
  })
  on.nodes[2] = await startNode(on.env)
  await whileIssuing(() => until(async () => (await partitions())[0] === partitionOf(Date.now() - DAY)))
  await on.nodes.pop()!.stop()
  // Another node may have detached the last one, and drops it now.
  await until(async () => (await tablesOfDays()).join() === (await partitions()).join())
})

test('a token that expires just before, at and just after the end of a day is recorded and active, as is the longest', async () => {
  const own = await on.make.client([api.identifier])
  const tomorrow = Math.ceil((Date.now() + 120_000) / DAY) * (DAY / 1000)
  for (const wanted of [tomorrow - 1, tomorrow, tomorrow + 1]) {
    await until(async () => {
      const accessTokenTtl = wanted - Math.floor(Date.now() / 1000)
      await updateClient(on.knex, own.clientId, { settings: { accessTokenTtl } }, ACTOR)
      const { access_token } = (await on.nodes[wanted % 2]!.machineToken(own)).body
      expect(await activeAmong(on.nodes, [access_token], api)).toHaveLength(1)
      // The second may have turned between the two; then once more.
      return claimsOf(access_token).exp === wanted
    })
  }
  await updateClient(on.knex, own.clientId, { settings: { accessTokenTtl: 2_592_000 } }, ACTOR)
  const { status, body } = await on.nodes[0]!.machineToken(own)
  expect({ status, expires_in: body.expires_in }).toEqual({ status: 200, expires_in: 2_592_000 })
})

test('a refresh token that was rotated 20 times is one row', async () => {
  const own = await on.make.client([api.identifier], { clientCredentialsRefresh: true })
  let { refresh_token } = (await on.nodes[0]!.machineToken(own)).body
  for (let round = 0; round < 20; round++) {
    const answer = await on.nodes[round % 2]!.token({ grant_type: 'refresh_token', refresh_token }, { basic: own })
    expect(answer.status).toBe(200)
    refresh_token = answer.body.refresh_token
  }
  expect(await on.knex('refresh_tokens').where('client_id', own.key)).toHaveLength(1)
})

/** Runs a bounded deletion to its end; answers what each statement deleted. */
async function batchesOf(sweep: (limit: number) => Promise<number>): Promise<number[]> {
  const batches = [await sweep(100)]
  while (batches.at(-1)! > 0) batches.push(await sweep(100))
  return batches
}

test('expired refresh tokens, models, idle limits and single-token rows are deleted in batches; active ones stay', async () => {
  const old = `now() - interval '2 hours'`
  const series = `FROM generate_series(1, 250) n`
  const family = `sha256((n || 'x')::bytea)`
  const { refresh_token } = (await on.nodes[0]!.machineToken(client)).body
  await withoutSweeps(async () => {
    await on.knex.raw(`INSERT INTO refresh_tokens (grant_id, family_hash, current_hash, client_id, api_id, revocation_epoch, subject, scope, expires_at)
    SELECT gen_random_uuid(), ${family}, ${family}, ${client.key}, 1, 0, '', 'read', ${old} ${series}`)
    await on.knex.raw(
      `INSERT INTO engine_models (model, id_hash, payload, expires_at) SELECT 'Session', ${family}, '{}', ${old} ${series}`,
    )
    await on.knex.raw(`INSERT INTO rate_limits (client_id, arrival_at) SELECT 1000000 + n, ${old} ${series}`)
    await on.knex.raw(
      `INSERT INTO single_tokens (client_id, api_id, subject, sequence, expires_at) SELECT 1000000 + n, 1, '', 1, ${old} ${series}`,
    )
    const swept = await whileIssuing(() =>
      Promise.all([
        batchesOf((limit) => deleteExpiredRefreshTokens(on.knex, limit)),
        batchesOf((limit) => deleteExpiredEngineModels(on.knex, limit)),
        batchesOf((limit) => deleteIdleRateLimits(on.database, limit)),
        batchesOf((limit) => deleteExpiredSingleTokens(on.knex, limit)),
      ]),
    )
    expect(swept).toEqual(Array(4).fill([100, 100, 50, 0]))
  })
  const form = { grant_type: 'refresh_token', refresh_token }
  expect((await on.nodes[1]!.token(form, { basic: client })).status).toBe(200)
})

test('answers kept for retries are wiped after their grace, all of them in one run of the job, and the tokens work on', async () => {
  const own = await on.make.client([api.identifier], { clientCredentialsRefresh: true })
  const { refresh_token } = (await on.nodes[0]!.machineToken(own)).body
  const redeem = (token: string) =>
    on.nodes[0]!.token({ grant_type: 'refresh_token', refresh_token: token }, { basic: own })
  const turned = (await redeem(refresh_token)).body
  const hash = randomBytes(32)
  const rows = Array.from({ length: 250 }, () => ({
    ...{ grant_id: randomUUID(), family_hash: randomBytes(32), current_hash: hash, response: hash, client_id: own.key },
    ...{ api_id: 1, revocation_epoch: 0, subject: '', scope: 'read', expires_at: new Date(Date.now() + DAY) },
  }))
  await on.knex('refresh_tokens').insert(rows)
  const past = { rotated_at: on.knex.raw(`now() - interval '12 minutes'`) }
  await on.knex('refresh_tokens').where('client_id', own.key).update(past)
  // As the job does: again until a run did less than it may.
  await withoutSweeps(async () => {
    while ((await deleteExpiredRefreshTokens(on.knex, 100)) === 100);
  })
  const kept = await on.knex('refresh_tokens').where('client_id', own.key).whereNotNull('response')
  expect(kept).toHaveLength(0)
  expect((await redeem(turned.refresh_token)).status).toBe(200)
})

test('retired secrets and replaced key pairs are forgotten only when none of their tokens can be left', async () => {
  const own = await on.make.client([api.identifier])
  for (let n = 0; n < 3; n++) await rotateSecret(on.knex, own.clientId, 0, ACTOR)
  await withoutSweeps(async () => {
    expect(await deleteRetiredSecrets(on.knex, 100)).toBe(0)
    await on
      .knex('client_secrets')
      .where('client_id', own.key)
      .whereNotNull('retires_at')
      .update({ retires_at: on.knex.raw(`retires_at - interval '25 hours'`) })
    expect(await deleteRetiredSecrets(on.knex, 2)).toBe(2)
    expect(await deleteRetiredSecrets(on.knex, 2)).toBe(1)
    const user = await on.make.user()
    const pair = await on.make.keyPair(user.id, [api.identifier])
    await on.make.keyPair(user.id)
    expect(await deleteReplacedKeyPairs(on.knex, 100)).toBe(0)
    await on
      .knex('clients')
      .where({ id: pair.key })
      .update({ deactivated_at: on.knex.raw(`now() - interval '41 days'`) })
    expect(await deleteReplacedKeyPairs(on.knex, 100)).toBe(1)
  })
})

/** Puts the ends of rows into the past, as if nobody had looked at them for a year. */
const expire = (table: string) =>
  on.knex(table).update({ expires_at: on.knex.raw(`least(expires_at, now()) - interval '1 day'`) })

test('of sign-ins, consents, pushed requests and devices nothing is left that no sweep takes', async () => {
  const show = { consent: 'show', grants: ['authorization_code', 'refresh_token', DEVICE_CODE_GRANT] } as const
  const app = await on.make.application([api.identifier], { ...show, redirectUris: [CALLBACK] })
  const node = on.nodes[0]!
  const visitor = await openSignedInBrowser(node, await on.make.person())
  const begun = await visitor.follow(app)
  const allowed = await visitor.submit(begun.page, /allow$/)
  const code = { code: codeOf(allowed), verifier: begun.verifier }
  expect((await node.token(redemptionOf(code), { basic: app })).status).toBe(200)
  await visitor.code(app)
  await visitor.follow(app, { prompt: 'consent' })
  const { form } = authorizationOf(app)
  const pushed = await postForm(`${node.url}/oauth2/par`, form, { basic: app })
  await visitor.visit(linkOf({ client_id: app.clientId, request_uri: pushed.body.request_uri }))
  await postForm(`${node.url}/oauth2/par`, authorizationOf(app).form, { basic: app })
  await postForm(`${node.url}/oauth2/device`, { scope: 'read', client_id: app.clientId }, { basic: app })
  await visitor.submit(await visitor.visit('/'), /signout$/)
  await openSignedInBrowser(node, visitor.person)
  const models: string[] = await on.knex('engine_models').distinct('model').pluck('model')
  const kinds = ['AuthorizationCode', 'DeviceCode', 'Interaction', 'PushedAuthorizationRequest', 'Session']
  expect(models).toEqual(expect.arrayContaining(kinds))
  expect(await on.knex('engine_models').whereNull('expires_at')).toEqual([])
  // A year of sessions that end only when they are left alone is bounded by the days that those last.
  const longest = `now() + interval '14 days 1 minute'`
  expect(await on.knex('engine_models').whereRaw(`expires_at > ${longest}`)).toEqual([])
  for (const table of ['engine_models', 'refresh_tokens']) await expire(table)
  // They skip rows that a run of the job has locked.
  await withoutSweeps(async () => {
    await batchesOf((limit) => deleteExpiredEngineModels(on.knex, limit))
    await batchesOf((limit) => deleteExpiredRefreshTokens(on.knex, limit))
  })
  for (const table of ['engine_models', 'refresh_tokens']) expect(await on.knex(table), table).toEqual([])
})

test('a person who signs in and comes back twenty times is one session, and one consent', async () => {
  const app = await on.make.application([api.identifier])
  const person = await on.make.person()
  const visitor = await openSignedInBrowser(on.nodes[0]!, person)
  const sessions = () => on.knex('engine_models').where({ model: 'Session' }).whereNotNull('payload')
  const before = (await sessions()).length
  for (let round = 0; round < 2; round++) await together(10, () => visitor.code(app))
  expect((await sessions()).length).toBe(before)
  expect(await on.knex('consents').where({ user_id: person.id })).toHaveLength(1)
})

test("the server's own job takes them, on whichever node", async () => {
  const app = await on.make.application([api.identifier])
  const visitor = await openSignedInBrowser(on.nodes[0]!, await on.make.person())
  await visitor.code(app)
  await expire('engine_models')
  on.nodes[2] = await startNode(on.env)
  await until(async () => (await on.knex('engine_models')).length === 0)
  await on.nodes.pop()!.stop()
})
