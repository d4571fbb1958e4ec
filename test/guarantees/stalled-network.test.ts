import { afterAll, beforeAll, test } from 'vitest'
import { mapBounded, startLoad, until } from '../support/load.ts'
import { type Nodes, startNode, startNodes } from '../support/nodes.ts'
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts'
import { startTcpProxy, type TcpProxy, throughProxy } from '../support/tcp-proxy.ts'
import { type Change, changesOf, NotAnswered } from './state-changes.ts'

let database: TestDatabase
let proxies: TcpProxy[]
let on: Nodes
let changes: Record<string, Change>

/** After half a second PostgreSQL gives a statement up, and five seconds later the node gives up PostgreSQL. */
const QUICK = { DATABASE_STATEMENT_TIMEOUT: '500', DATABASE_POOL_MAX: '10' }

beforeAll(async () => {
  database = await createTestDatabase()
  proxies = [await startTcpProxy(database.url), await startTcpProxy(database.url)]
  const [first, second] = proxies.map((proxy) => throughProxy(database.url, proxy))
  on = await startNodes(1, { databaseUrl: database.url, env: { ...QUICK, DATABASE_URL: first! } })
  on.nodes.push(await startNode({ ...on.env, DATABASE_URL: second! }))
  changes = await changesOf(on, await on.make.api())
})

afterAll(async () => {
  for (const proxy of proxies) proxy.release()
  await on?.stop()
  for (const proxy of proxies) await proxy.cut()
  await database?.drop()
})

/** Every change by a loop of its own at each node. */
function startChanges() {
  const checks: { kind: string; check: () => Promise<void> }[] = []
  const refused = new Map<string, string>()
  const all = Object.entries(changes).flatMap(([kind, change]) =>
    on.nodes.map((node, n) => ({ kind, change, node, n })),
  )
  const ask = async (loop: number) => {
    const { kind, change, node, n } = all[loop]!
    try {
      checks.push({ kind, check: await change(node) })
    } catch (error) {
      if (!(error instanceof NotAnswered)) throw error
      refused.set(`${kind} at ${n}`, error.message)
    }
  }
  const storm = startLoad(all.length, ask, { pause: 1000 })
  return { ...storm, checks, refused }
}

type Changes = ReturnType<typeof startChanges>

/** Waits until every kind of change was answered once more. */
async function untilAllAnswered(storm: Changes): Promise<void> {
  const { checks, refused } = storm
  const from = checks.length
  const isMissing = (kind: string) => !checks.slice(from).some((one) => one.kind === kind)
  const missing = () => Object.keys(changes).filter(isMissing)
  await until(() => missing().length === 0).catch(async () => {
    await storm.reached(0)
    throw new Error(`not answered: ${missing()}\n${[...refused].join('\n')}`)
  })
}

/** Everything through these proxies is kept until every kind of change was refused there, and then delivered. */
async function stallOnce(storm: Changes, stalled: readonly TcpProxy[]): Promise<void> {
  await untilAllAnswered(storm)
  storm.refused.clear()
  for (const proxy of stalled) proxy.stall()
  const awaited = stalled.flatMap((proxy) => Object.keys(changes).map((kind) => `${kind} at ${proxies.indexOf(proxy)}`))
  const missing = () => awaited.filter((one) => !storm.refused.has(one))
  await until(() => missing().length === 0).catch(async () => {
    await storm.reached(0)
    throw new Error(`neither answered nor refused: ${missing()}`)
  })
  for (const proxy of stalled) proxy.release()
  await untilAllAnswered(storm)
}

test('after a network delivers late what it kept, everything that either node answered is in the database', async () => {
  const storm = startChanges()
  for (const stalled of [[0], [0, 1]])
    await stallOnce(
      storm,
      stalled.map((n) => proxies[n]!),
    )
  await storm.stop()
  await mapBounded(storm.checks, ({ kind, check }) =>
    check().catch((cause: unknown) => {
      throw new Error(`an answered change does not hold: ${kind}`, { cause })
    }),
  )
})
