/**
 * Nodes behind PgBouncer in transaction mode, where no session is theirs: each statement, or transaction, runs on whichever of
 * a few connections is free, beside those of the other node.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Database, openDatabase } from '../../src/database/open-database.ts'
import { generateKeyPair } from '../../src/management/key-pair-generation.ts'
import { revokeTokensOfClient } from '../../src/tokens/revocation.ts'
import { runCliProcess } from '../support/cli.ts'
import { newEncryptionKey } from '../support/encryption-key.ts'
import { ACTOR } from '../support/factory.ts'
import { activeAmong, startLoad, together, until } from '../support/load.ts'
import { type Nodes, startNodes } from '../support/nodes.ts'
import { findPgbouncer, startPgbouncer } from '../support/pgbouncer.ts'
import { createEmptyDatabase, type TestDatabase } from '../support/postgres.ts'
import type { Credentials } from '../support/requests.ts'
import { openSignedInBrowser, redemptionOf } from '../support/signed-in-browsers.ts'
import { openFeed, statusAt } from '../support/status.ts'

/** Fewer than a single node would open. */
const CONNECTIONS = 6

const pgbouncer = await findPgbouncer()

describe.skipIf(!pgbouncer)('behind PgBouncer in transaction mode', () => {
  let empty: TestDatabase
  let pooler: Awaited<ReturnType<typeof startPgbouncer>>
  let on: Nodes
  /** As the command line would reach it. */
  let pooled: Database
  let api: Credentials & { identifier: string }

  beforeAll(async () => {
    empty = await createEmptyDatabase()
    pooler = await startPgbouncer(pgbouncer!, empty.url, CONNECTIONS)
    const env = {
      DATABASE_URL: pooler.databaseUrl,
      DATABASE_PREPARED_STATEMENTS: 'off',
      ENCRYPTION_KEY: newEncryptionKey(),
    }
    for (const { code, stderr } of await together(2, () => runCliProcess(['migrate'], env)))
      expect(code, stderr).toBe(0)
    on = await startNodes(2, { env, databaseUrl: empty.url })
    pooled = openDatabase(pooler.databaseUrl, { preparedStatements: false })
    api = await on.make.api()
  })
  afterAll(async () => {
    await pooled?.close()
    await on?.stop()
    await pooler?.stop()
    await empty?.drop()
  })

  const nodeOf = (n: number) => on.nodes[n % 2]!

  async function newToken(client: Credentials, n = 0): Promise<string> {
    const { status, text, body } = await nodeOf(n).machineToken(client, { resource: api.identifier })
    expect(status, text).toBe(200)
    return body.access_token
  }

  test('two nodes that start at once after the migrations set it up, once, and are ready', async () => {
    const printed = () => on.nodes.filter((node) => node.stdout().includes('Keywright is set up'))
    await until(() => printed().length > 0)
    expect(printed()).toHaveLength(1)
    for (const node of on.nodes) expect((await fetch(`${node.url}/readyz`)).status).toBe(200)
  })

  test('of 100 concurrent token requests under the policy single exactly one token is active', async () => {
    const client = await on.make.client([api.identifier], { policy: 'single' })
    const tokens = await together(100, (n) => newToken(client, n))
    expect(await activeAmong(on.nodes, tokens, api)).toHaveLength(1)
  })

  test('in a storm of requests new keys end every token of the old ones, and the old ones themselves', async () => {
    const user = await on.make.user()
    const pair = await on.make.keyPair(user.id, [api.identifier])
    const storm = startLoad(8, async (loop, round) => {
      const { status, body } = await nodeOf(loop + round).machineToken(pair)
      expect([200, 401]).toContain(status)
      return body.access_token as string | undefined
    })
    await storm.reached(100)
    const next = await generateKeyPair(pooled.knex, { user: user.id, apis: [] }, ACTOR)
    for (const node of on.nodes) expect((await node.machineToken(pair)).status).toBe(401)
    const tokens = (await storm.stop()).filter((token) => token !== undefined)
    expect(await activeAmong(on.nodes, tokens, api)).toEqual([])
    const fresh = await newToken({ clientId: next.client.clientId, clientSecret: next.clientSecret! })
    expect(await activeAmong(on.nodes, [fresh], api)).toEqual([fresh])
  })

  test('of forty tries over two nodes one redeems a code', async () => {
    const application = await on.make.application([api.identifier])
    const visitor = await openSignedInBrowser(nodeOf(0), await on.make.person())
    const form = redemptionOf(await visitor.code(application))
    const answers = await together(40, (n) => nodeOf(n).token(form, { basic: application }))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
  })

  test('what is revoked at one node is in the feed of the other, and in its status lists', async () => {
    const feed = await openFeed(nodeOf(1), api)
    const client = await on.make.client([api.identifier])
    const tokens = await together(20, (n) => newToken(client, n))
    const kept = await newToken(await on.make.client([api.identifier]))
    await revokeTokensOfClient(pooled.knex, client.clientId, ACTOR)
    await feed.reported(tokens)
    expect(await statusAt(nodeOf(1), tokens[0]!)).toBe(1)
    expect(await statusAt(nodeOf(0), kept)).toBe(0)
    expect(feed.isTold(kept)).toBe(false)
    await feed.close()
  })

  test('no node had anything to complain of', () => {
    const fieldErrors = on.nodes.flatMap((node) =>
      node
        .stderr()
        .split('\n')
        .filter((line) => /"level":"(error|fatal)"/.test(line)),
    )
    expect(fieldErrors).toEqual([])
  })
})
