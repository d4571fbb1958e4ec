import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { startDurablePostgres } from '../support/durable-postgres.ts'
import { activeAmong, startLoad, together, until } from '../support/load.ts'
import { managementToken, managingApplication, rawManagement } from '../support/management.ts'
import { type Nodes, startNodes } from '../support/nodes.ts'
import { type Credentials, claimsOf, send } from '../support/requests.ts'
import { openSignedInBrowser, type SignedInBrowser } from '../support/signed-in-browsers.ts'

let postgres: Awaited<ReturnType<typeof startDurablePostgres>>
let on: Nodes
let api: Credentials & { identifier: string }
let client: Credentials
let refreshing: Credentials
let managing: string
let visitor: SignedInBrowser

beforeAll(async () => {
  postgres = await startDurablePostgres()
  on = await startNodes(1, { databaseUrl: postgres.url, env: { DATABASE_STATEMENT_TIMEOUT: '2000' } })
  api = await on.make.api()
  client = await on.make.client([api.identifier])
  refreshing = await on.make.client([api.identifier], { clientCredentialsRefresh: true })
  managing = await managementToken(on.nodes[0]!, await managingApplication(on, null))
  visitor = await openSignedInBrowser(on.nodes[0]!, await on.make.person())
})

afterEach(() => standBy(''))

afterAll(async () => {
  await on?.stop()
  await postgres?.stop()
})

async function standBy(name: string): Promise<void> {
  await on.knex.raw(`ALTER SYSTEM SET synchronous_standby_names = '${name}'`)
  await on.knex.raw('SELECT pg_reload_conf()')
}

/** Resolves when commits hang, which begins some time after PostgreSQL has read the name of a standby that does not exist. */
async function letCommitsHang(): Promise<void> {
  await standBy('nobody')
  let isCommitted = true
  await until(async () => {
    if (isCommitted) {
      isCommitted = false
      const done = () => {
        isCommitted = true
      }
      on.knex.raw('SELECT pg_current_xact_id()').then(done, done)
    }
    return (await commitsHanging()).length > 0
  })
  for (const pid of await commitsHanging()) await on.knex.raw('SELECT pg_cancel_backend(?)', [pid])
}

const hanging = { wait_event: 'SyncRep' }
const commitsHanging = async (): Promise<number[]> => await on.knex('pg_stat_activity').where(hanging).pluck('pid')

/** More changes than the pool has connections, again and again: commits hang for as long as it goes on. */
function startChanges(revocable: readonly string[]) {
  const node = on.nodes[0]!
  return startLoad(15 + revocable.length, (loop) => {
    const token = revocable[loop - 15]
    return token ? node.revoke(token, client) : node.machineToken(loop % 2 ? client : refreshing)
  })
}

const newTokens = async (count: number): Promise<string[]> =>
  (await together(count, () => on.nodes[0]!.machineToken(client))).map(({ body }) => body.access_token)

test('while commits hang, reads are answered, and the node says that it is not ready', async () => {
  const [kept, ...revocable] = await newTokens(16)
  await letCommitsHang()
  const changes = startChanges(revocable)
  await until(async () => (await commitsHanging()).length >= 4)
  const node = on.nodes[0]!
  for (let round = 0; round < 3; round++) {
    expect((await node.introspect(kept!, api)).body.active).toBe(true)
    // It answers, and says that this node cannot record tokens; a look of the node may be a quarter of a second old.
    await until(async () => (await send(`${node.url}/readyz`)).status === 503)
    expect((await rawManagement(node.url, managing).send('GET', '/applications')).status).toBe(200)
    expect((await visitor.visit('/account/applications')).status).toBe(200)
  }
  await until(async () => (await commitsHanging()).length > 0)
  await standBy('')
  const answers = await changes.stop()
  for (const { status } of answers) expect([200, 503]).toContain(status)
  const issued = answers.filter(({ status, body }) => status === 200 && body.access_token)
  const jtis = issued.map(({ body }) => claimsOf(body.access_token).jti as string)
  expect(await on.knex('access_tokens').whereIn('jti', jtis)).toHaveLength(jtis.length)
  await until(async () => (await node.machineToken(refreshing)).status === 200)
})

test('a commit whose wait for the synchronous standby is cancelled is answered 503', async () => {
  await letCommitsHang()
  const answers = together(4, (n) => on.nodes[0]!.machineToken(n % 2 ? client : refreshing))
  let cancelled = 0
  const isAnswered = answers.then(() => true)
  const cancelAll = async () => {
    for (const pid of await commitsHanging()) {
      await on.knex.raw('SELECT pg_cancel_backend(?)', [pid])
      cancelled++
    }
    return await Promise.race([isAnswered, false])
  }
  await until(cancelAll)
  expect(cancelled).toBeGreaterThan(0)
  expect((await answers).map(({ status }) => status)).toEqual([503, 503, 503, 503])
  await standBy('')
  await until(async () => (await on.nodes[0]!.machineToken(client)).status === 200)
  expect(await activeAmong(on.nodes, await newTokens(3), api)).toHaveLength(3)
})
