import type { Knex } from 'knex'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Database, openDatabase, type Statement } from '../../src/database/open-database.ts'
import { createServerWatch } from '../../src/database/server-watch.ts'
import { isDatabaseUnavailable } from '../../src/database/unavailable.ts'
import { BEGINNING, currentCursor, cursorBefore } from '../../src/status/feed-cursors.ts'
import { readChanges } from '../../src/status/status-changes.ts'
import { createListReader } from '../../src/status/status-list-reader.ts'
import { listStatusLists } from '../../src/status/status-lists.ts'
import { createAccessTokenStore } from '../../src/tokens/access-token-store.ts'
import { runCliProcess } from '../support/cli.ts'
import { newEncryptionKey } from '../support/encryption-key.ts'
import { startLoad, until } from '../support/load.ts'
import { type Nodes, startNode, startNodes } from '../support/nodes.ts'
import { type Credentials, claimsOf } from '../support/requests.ts'
import { createStandby, createSystemPostgres, findPostgres, type SystemPostgres } from '../support/system-postgres.ts'
import { startTcpProxy, throughProxy } from '../support/tcp-proxy.ts'

const bin = await findPostgres()

const hostsOf = (...servers: SystemPostgres[]) => servers.map(({ port }) => `127.0.0.1:${port}`).join(',')
const urlOf = (...servers: SystemPostgres[]) => `postgresql://postgres@${hostsOf(...servers)}/keywright`

describe.skipIf(!bin)('a primary with a standby', () => {
  let first: SystemPostgres
  let second: SystemPostgres
  let on: Nodes
  let api: Credentials & { identifier: string }
  let client: Credentials
  const ENCRYPTION_KEY = newEncryptionKey()

  beforeAll(async () => {
    first = await createSystemPostgres(bin!)
    await first.start()
    await first.query('CREATE DATABASE keywright')
    const env = { DATABASE_URL: urlOf(first), ENCRYPTION_KEY }
    expect(await runCliProcess(['migrate'], env)).toMatchObject({ code: 0 })
    second = await createStandby(bin!, first)
    await second.start()
    on = await startNodes(2, { env: { ...env, DATABASE_URL: urlOf(second, first) }, databaseUrl: urlOf(second, first) })
    api = await on.make.api()
    client = await on.make.client([api.identifier])
  })

  afterAll(async () => {
    await on?.stop()
    await first?.remove()
    await second?.remove()
  })

  const portOf = async (knex: Knex): Promise<number> => {
    const { rows } = await knex.raw('SELECT inet_server_port() AS port')
    return rows[0].port
  }

  test('a node finds the primary among several hosts, whatever their order', async () => {
    for (const node of on.nodes) expect((await fetch(`${node.url}/readyz`)).status).toBe(200)
    expect(await portOf(on.knex)).toBe(first.port)
  })

  test('a node refuses to start on a standby, and says so in one sentence', async () => {
    const { code, stderr } = await runCliProcess(['serve'], { DATABASE_URL: urlOf(second), ENCRYPTION_KEY, PORT: '0' })
    expect(code).toBe(1)
    expect(stderr).toMatch(
      /^keywright: the database cannot be reached: .*it is a standby; Keywright needs the primary$/m,
    )
    expect(stderr).not.toMatch(/\n\s+at /)
  })

  test('a node that a load balancer leads to a standby is not ready and answers 503, until it reaches the primary again', async () => {
    const proxy = await startTcpProxy(urlOf(first))
    const node = await startNode({ ...on.env, DATABASE_URL: throughProxy(urlOf(first), proxy) })
    const statuses = async (token: string) => [
      (await fetch(`${node.url}/readyz`)).status,
      (await node.machineToken(client)).status,
      (await node.introspect(token, api)).status,
    ]
    const token = (await node.machineToken(client)).body.access_token
    await proxy.leadTo({ host: '127.0.0.1', port: second.port })
    // At first the reason is that its connections ended.
    await until(async () => {
      expect(await statuses(token)).not.toContain(500)
      return node.stderr().includes('it is a standby')
    })
    expect(await statuses(token)).toEqual([503, 503, 503])
    await proxy.leadTo({ host: '127.0.0.1', port: first.port })
    await until(async () => (await statuses(token)).every((status) => status === 200))
    await node.stop()
    await proxy.cut()
  })

  test('the feed, the lists and introspection refuse to answer from a standby that a pooler reached', async () => {
    const token = (await on.nodes[0]!.machineToken(client)).body.access_token
    const reader = new pg.Client(urlOf(second))
    await reader.connect()
    // As a pooler would: the connection was made to the primary, and the statement runs elsewhere.
    const elsewhere = {
      query: async ({ text, values }: Statement) => (await reader.query(text, values)).rows,
    } as unknown as Database
    const { jti, exp, status } = claimsOf(token) as {
      jti: string
      exp: number
      status: { status_list: { uri: string } }
    }
    const listId = status.status_list.uri.split('/').at(-1)!
    const reads = {
      cursor: () => currentCursor(elsewhere),
      past: () => cursorBefore(elsewhere, 1000),
      changes: () => readChanges(elsewhere, BEGINNING),
      list: () => createListReader(elsewhere)(listId),
      lists: () => listStatusLists(elsewhere),
      introspection: () =>
        createAccessTokenStore(elsewhere, createServerWatch()).introspect({
          callerKey: 1,
          callerVersion: 1,
          token: { jti, expiresAt: exp },
        }),
    }
    for (const [name, read] of Object.entries(reads)) {
      const error = await read().catch((thrown: unknown) => thrown)
      // A status list reads an unlogged table, which a standby refuses by itself.
      expect([name, (error as { code?: string }).code, isDatabaseUnavailable(error)]).toEqual([
        name,
        name === 'list' ? '0A000' : '25006',
        true,
      ])
    }
    await reader.end()
  })

  test('a frozen primary is replaced by the promoted standby: answers are 200 or 503, and no node restarts', async () => {
    const storm = startLoad(8, async (loop, round) => {
      const { status, body } = await on.nodes[(loop + round) % 2]!.machineToken(client)
      return { status, token: body.access_token as string | undefined }
    })
    await storm.reached(60)
    const database = openDatabase(urlOf(second, first))
    const former = await database.knex.transaction()
    expect(await portOf(former)).toBe(first.port)
    first.freeze()
    await second.query('SELECT pg_promote()')
    await until(async () => (await on.nodes[0]!.machineToken(client)).status === 200)
    await until(async () => (await on.nodes[1]!.machineToken(client)).status === 200)
    const outcomes = await storm.stop()
    expect(
      [...new Set(outcomes.map(({ status }) => status))].filter((status) => status !== 200 && status !== 503),
    ).toEqual([])
    const fresh = (await on.nodes[1]!.machineToken(client)).body.access_token
    const { jti } = claimsOf(fresh)
    expect(await second.query(`SELECT jti::text FROM access_tokens WHERE jti = '${jti}'`, 'keywright')).toEqual([
      { jti },
    ])
    expect(await portOf(database.knex)).toBe(second.port)
    first.thaw()
    // The old primary still takes connections; no node works with it any more.
    for (const node of on.nodes) expect((await node.introspect(fresh, api)).body.active).toBe(true)
    await former.rollback()
    const ports = await Promise.all(Array.from({ length: 5 }, () => portOf(database.knex)))
    expect(ports, 'a connection to the former primary is not used again').toEqual(ports.map(() => second.port))
    await database.close()
  })
})
