/** Two nodes with both PostgreSQL servers in their `DATABASE_URL`, as docs/operating/high-availability.md describes it. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runCliProcess } from '../support/cli.ts'
import { newEncryptionKey } from '../support/encryption-key.ts'
import { activeAmong, mapBounded, startLoad, together, until } from '../support/load.ts'
import { type Nodes, type ServerNode, startNode, startNodes } from '../support/nodes.ts'
import { type Credentials, claimsOf } from '../support/requests.ts'
import { createStandby, createSystemPostgres, findPostgres, type SystemPostgres } from '../support/system-postgres.ts'
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts'

const bin = await findPostgres()

describe.skipIf(!bin)('on a primary that is frozen, replaced by its standby, and wakes up', () => {
  let first: SystemPostgres
  let second: SystemPostgres
  let proxy: TcpProxy
  let on: Nodes
  let nodes: ServerNode[]
  let api: Credentials & { identifier: string }
  let client: Credentials

  beforeAll(async () => {
    first = await createSystemPostgres(bin!)
    await first.start()
    await first.query('CREATE DATABASE keywright')
    second = await createStandby(bin!, first)
    await second.start()
    proxy = await startTcpProxy({ host: '127.0.0.1', port: second.port })
    const urlWith = (port: number) => `postgresql://postgres@127.0.0.1:${first.port},127.0.0.1:${port}/keywright`
    const env = { DATABASE_URL: urlWith(second.port), ENCRYPTION_KEY: newEncryptionKey() }
    expect(await runCliProcess(['migrate'], env)).toMatchObject({ code: 0 })
    on = await startNodes(1, { env, databaseUrl: env.DATABASE_URL })
    nodes = [on.nodes[0]!, await startNode({ ...on.env, DATABASE_URL: urlWith(proxy.port) })]
    api = await on.make.api({ policy: 'none' })
    client = await on.make.client([api.identifier])
  })

  afterAll(async () => {
    await nodes?.[1]?.stop()
    await on?.stop()
    await proxy?.cut()
    await first?.remove()
    await second?.remove()
  })

  const isReplicated = async (token: string) => {
    const text = `SELECT 1 FROM access_tokens WHERE jti = '${claimsOf(token).jti}'`
    return (await second.query(text, 'keywright')).length === 1
  }

  test('a token that was revoked at the new primary is not active at a node that reaches only the former one', async () => {
    const [free, cutOff] = nodes as [ServerNode, ServerNode]
    const tokens = await together(20, async () => (await free.machineToken(client)).body.access_token as string)
    expect(await activeAmong(nodes, tokens, api)).toEqual(tokens)
    await until(async () => (await Promise.all(tokens.map(isReplicated))).every(Boolean))
    first.freeze()
    await second.query('SELECT pg_promote()')
    for (const node of nodes) await until(async () => (await node.machineToken(client)).status === 200)
    await mapBounded(tokens, async (token) => expect((await free.revoke(token, client)).status).toBe(200))

    await proxy.cut()
    first.thaw()
    const storm = startLoad(4, async (loop, round) => {
      const { status, body } = await cutOff.introspect(tokens[(loop + round * 4) % tokens.length]!, api)
      return `${status}, active: ${body.active}`
    })
    await storm.reached(100)
    expect(await first.query('SELECT pg_is_in_recovery() AS standby')).toEqual([{ standby: false }])
    expect([...new Set(await storm.stop())]).toEqual(['503, active: undefined'])
    expect(cutOff.stderr()).toContain('it is a former primary (timeline 1, after 2)')

    await proxy.heal()
    await until(async () => (await cutOff.introspect(tokens[0]!, api)).status === 200)
    expect(await activeAmong(nodes, tokens, api)).toEqual([])
  })
})
