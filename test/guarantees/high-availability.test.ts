/**
 * Two nodes on three PostgreSQL members with synchronous replication, configured as `docs/operating/high-availability.md` prints
 * it. The primary is killed, frozen and switched over under load.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openDatabase } from '../../src/database/open-database.ts'
import { runCli } from '../support/cli-in-process.ts'
import { keysOf, newEncryptionKey } from '../support/encryption-key.ts'
import { createMaker } from '../support/factory.ts'
import { activeAmong, retrying, startLoad, until } from '../support/load.ts'
import { ISSUER, type ServerNode, startNode } from '../support/nodes.ts'
import { findPatroni, startPatroni } from '../support/patroni.ts'
import type { Credentials } from '../support/requests.ts'

const programs = await findPatroni()

const MINUTES = 60_000

describe.skipIf(!programs)('on three PostgreSQL members with a synchronous standby', () => {
  let cluster: Awaited<ReturnType<typeof startPatroni>>
  const nodes: ServerNode[] = []
  let api: Credentials & { identifier: string }
  let client: Credentials

  beforeAll(async () => {
    cluster = await startPatroni(programs!)
    const env = { ENCRYPTION_KEY: newEncryptionKey(), ISSUER, PORT: '0', LOG_LEVEL: 'info' }
    const migrated = await runCli(['migrate'], { ...env, DATABASE_URL: cluster.proxyUrl })
    expect(migrated.code, migrated.stderr).toBe(0)
    for (const url of [cluster.proxyUrl, cluster.severalHostsUrl])
      nodes.push(await startNode({ ...env, DATABASE_URL: url }))
    const database = openDatabase(cluster.proxyUrl)
    const make = createMaker(database, keysOf(env.ENCRYPTION_KEY))
    api = await make.api({ policy: 'none' })
    client = await make.client([api.identifier])
    await database.close()
  }, 3 * MINUTES)

  afterAll(async () => {
    await Promise.all(nodes.map((node) => node.stop()))
    await cluster?.stop()
  }, MINUTES)

  interface Outcome {
    readonly statuses: number[]
    readonly token?: string
    readonly revoked?: boolean
  }

  /** Gets a token and, every second time, revokes it. What was not answered with 200 is not known to have happened. */
  async function issueAndRevoke(node: ServerNode, revoke: boolean): Promise<Outcome> {
    const issued = await node.machineToken(client)
    if (issued.status !== 200) return { statuses: [issued.status] }
    const token: string = issued.body.access_token
    if (!revoke) return { statuses: [200], token }
    const { status } = await node.revoke(token, client)
    return { statuses: [200, status], ...(status === 200 && { token, revoked: true }) }
  }

  const serves = async (node: ServerNode) => (await node.machineToken(client)).status === 200

  interface Disturbance {
    /** The former primary runs again, and does not know yet that it was replaced. */
    wake?(): void
    /** It becomes a standby of the new primary. */
    rejoin?(): void
  }

  const disturbances: Record<string, (primary: number) => Promise<Disturbance>> = {
    'killed while commits wait for its standby': async (primary) => {
      await cluster.holdReplication(primary)
      cluster.kill(primary)
      await cluster.failedOverFrom(primary)
      return { rejoin: () => cluster.start(primary) }
    },
    'frozen and wakes up': async (primary) => {
      cluster.freeze(primary)
      await cluster.failedOverFrom(primary)
      return { wake: () => cluster.wakeWithoutPatroni(primary), rejoin: () => cluster.start(primary) }
    },
    'switched over': async (primary) => {
      await cluster.switchover(primary)
      await cluster.failedOverFrom(primary)
      return {}
    },
  }

  const areServing = async () => {
    for (const node of nodes) await until(() => serves(node), MINUTES)
  }
  const areReady = async () => {
    for (const node of nodes) await until(async () => (await fetch(`${node.url}/readyz`)).status === 200, MINUTES)
  }

  test.each(Object.entries(disturbances))(
    'when the primary is %s, nothing answered is lost and no answer is 500',
    async (_, disturb) => {
      const primary = await cluster.whole()
      const ask = (loop: number, round: number) => issueAndRevoke(nodes[(loop + round) % 2]!, round % 2 === 1)
      const storm = startLoad(12, ask, { pause: 100 })
      await storm.reached(100)
      const former = await disturb(primary)
      await areServing()
      former.wake?.()
      await areServing()
      const outcomes = await storm.stop()

      const statuses = outcomes.flatMap((outcome) => outcome.statuses)
      expect(statuses.filter((status) => status !== 200 && status !== 503)).toEqual([])
      const kept = outcomes.filter((outcome) => outcome.token && !outcome.revoked).map(({ token }) => token!)
      const revoked = outcomes.filter((outcome) => outcome.revoked).map(({ token }) => token!)
      expect(kept.length).toBeGreaterThan(30)
      expect(revoked.length).toBeGreaterThan(30)
      const expectNothingLost = async () => {
        await areReady()
        // Connections can end at any moment while the members change their roles.
        const asked = nodes.map(retrying)
        expect(await activeAmong(asked, kept, api)).toEqual(kept)
        expect(await activeAmong(asked, revoked, api)).toEqual([])
      }
      await expectNothingLost()
      former.rejoin?.()
      await cluster.whole()
      await expectNothingLost()
    },
    4 * MINUTES,
  )

  test('no node was restarted', () => {
    for (const node of nodes) expect(node.stderr().match(/"msg":"listening"/g)).toHaveLength(1)
  })
})
