import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { connect } from 'node:net'
import { afterEach, beforeAll, expect, test } from 'vitest'
import { loadConfig } from '../../src/config/load-config.ts'
import { runCliProcess } from '../support/cli.ts'
import { createDataDirectory, isGoneWithin, postmasterOf } from '../support/data-directory.ts'
import { newEncryptionKey } from '../support/encryption-key.ts'
import type { Environment } from '../support/environment.ts'
import { activeAmong, startLoad, until } from '../support/load.ts'
import { ISSUER, launchServer, type ServerNode, type SharedNodes, shareNodes, startNode } from '../support/nodes.ts'
import { basicHeader, type Credentials, metricOf } from '../support/requests.ts'

/** They go on while the servers of the tests stop. */
let on: SharedNodes
let started: ServerNode[] = []

beforeAll(async () => {
  on = await shareNodes()
})

afterEach(async () => {
  await Promise.all(started.map((node) => node.kill()))
  started = []
})

/** One more server on the database of the shared nodes. */
async function startOwn(env: Environment): Promise<ServerNode> {
  const node = await startNode({ ...on.env, ...env })
  started.push(node)
  return node
}

interface Sent {
  /** Undefined: the answer did not come, or not whole. */
  readonly token?: string
  readonly error?: string
}

/** Requests a token; never rejects. */
function ask(url: string, client: Credentials, agent: Agent): Promise<Sent> {
  const headers = { authorization: basicHeader(client), 'content-type': 'application/x-www-form-urlencoded' }
  return new Promise((resolve) => {
    const sent = request(`${url}/oauth2/token`, { method: 'POST', headers, agent }, (response) => {
      let text = ''
      response.on('data', (chunk) => {
        text += chunk
      })
      response.on('end', () => resolve({ token: JSON.parse(text).access_token }))
      response.on('error', (error) => resolve({ error: error.message }))
    })
    sent.on('error', (error: NodeJS.ErrnoException) => resolve({ error: error.code }))
    sent.end('grant_type=client_credentials')
  })
}

/**
 * Stops a server while 12 loops request tokens, and returns the outcome of every request. Half of the loops keep their
 * connection alive. The others open a connection for each request, so that connections wait to be accepted at any moment.
 */
async function stopInStorm(node: ServerNode, client: Credentials, signal: () => unknown): Promise<Sent[]> {
  const agents = [new Agent({ keepAlive: true }), new Agent({ keepAlive: false })] as const
  let gone = false
  const storm = startLoad(12, async (loop) => {
    // After a refused connection the loops wait until the server has ended.
    if (gone) await node.ended
    const sent = await ask(node.url, client, agents[loop % 2]!)
    gone ||= sent.error === 'ECONNREFUSED'
    return sent
  })
  await storm.reached(80)
  await signal()
  const { code } = await node.ended
  const sent = await storm.stop()
  for (const agent of agents) agent.destroy()
  expect(code).toBe(0)
  return sent
}

/** A connection may be refused, because no request was sent on it; every other request must have got its answer. */
async function expectNothingLost(sent: Sent[], watchers: readonly ServerNode[], api: Credentials): Promise<void> {
  expect(sent.filter(({ token, error }) => !token && error !== 'ECONNREFUSED')).toEqual([])
  const tokens = sent.map(({ token }) => token).filter((token) => token !== undefined)
  expect(await activeAmong(watchers, tokens, api)).toEqual(tokens)
}

/**
 * When the listener closes without waiting for connections, three of four rounds cut requests. Two more tests below stop two
 * workers under load.
 */
const ROUNDS = [3, 2] as const

test.each([
  ['one process', {}, ROUNDS[0]],
  ['two workers', { WORKERS: '2', DATABASE_POOL_MAX: '5' }, ROUNDS[1]],
])(
  'SIGTERM to %s under load cuts no request, including requests on connections that wait to be accepted',
  async (_name, env, rounds) => {
    const api = await on.make.api()
    const client = await on.make.client([api.identifier])
    const start = () => startOwn(env)
    let next = start()
    for (let round = 0; round < rounds; round++) {
      const node = await next
      if (round < rounds - 1) next = start()
      // If this round fails, nobody awaits the next server.
      next.catch(() => undefined)
      const sent = await stopInStorm(node, client, () => node.signal('SIGTERM'))
      await expectNothingLost(sent, on.nodes.slice(0, 1), api)
    }
  },
)

test('readyz says no, and requests are still served, for as long as SHUTDOWN_DELAY', async () => {
  const node = await startOwn({ SHUTDOWN_DELAY: '3' })
  const api = await on.make.api()
  const client = await on.make.client([api.identifier])
  expect((await fetch(`${node.url}/readyz`)).status).toBe(200)
  node.signal('SIGTERM')
  await until(async () => (await fetch(`${node.url}/readyz`)).status === 503)
  expect((await node.machineToken(client)).status).toBe(200)
  expect(await node.ended).toMatchObject({ code: 0 })
})

test('readyz answers 503 as soon as the server receives SIGTERM, however long SHUTDOWN_DELAY is', async () => {
  const node = await startOwn({ SHUTDOWN_DELAY: '600' })
  node.signal('SIGTERM')
  await until(async () => (await fetch(`${node.url}/readyz`)).status === 503)
  // A second signal ends the process at once.
  expect(await node.stop()).toMatchObject({ code: 1 })
})

test('with DATABASE_URL the default of SHUTDOWN_DELAY gives load balancers 5 s; the embedded database needs none', () => {
  const url = { DATABASE_URL: 'postgresql://db/keywright', ENCRYPTION_KEY: newEncryptionKey() }
  expect(loadConfig(url).shutdownDelay).toBe(5)
  expect(loadConfig({ ...url, SHUTDOWN_DELAY: '0' }).shutdownDelay).toBe(0)
  expect(loadConfig({}).shutdownDelay).toBe(0)
})

test('connections on which nothing was asked hold up no stop', async () => {
  const node = await startOwn({ SHUTDOWN_TIMEOUT: '600' })
  const silent = connect(Number(new URL(node.url).port), '127.0.0.1')
  await once(silent, 'connect')
  // It was accepted, because the one after it was.
  expect((await fetch(`${node.url}/healthz`)).status).toBe(200)
  expect(await node.stop()).toMatchObject({ code: 0 })
  silent.destroy()
})

const workerPids = (node: ServerNode): number[] =>
  [...node.stderr().matchAll(/"pid":(\d+),"worker":\d+,"url":[^}]*"msg":"listening"/g)].map((match) => Number(match[1]))

test('two workers share the port, /metrics counts for both, and SIGTERM loses no request', async () => {
  const node = await startOwn({ WORKERS: '2', DATABASE_POOL_MAX: '5' })
  const api = await on.make.api()
  const client = await on.make.client([api.identifier])
  const before = startLoad(8, () => fetch(`${node.url}/healthz`))
  const tokens = []
  for (let n = 0; n < 40; n++) tokens.push((await node.machineToken(client)).status)
  await before.stop()
  expect(tokens.filter((status) => status !== 200)).toEqual([])
  const issued = () => metricOf(node.url, 'keywright_tokens_issued_total', 'grant_type="client_credentials"')
  expect(await issued()).toBe(40)
  await until(() => workerPids(node).every((pid) => new RegExp(`"pid":${pid}.*"msg":"request"`).test(node.stderr())))
  const sent = await stopInStorm(node, client, () => node.signal('SIGTERM'))
  await expectNothingLost(sent, on.nodes.slice(0, 1), api)
})

test('a supervisor that sends SIGTERM to all processes of the service, as systemd does, loses no request either', async () => {
  const node = await startOwn({ WORKERS: '2', DATABASE_POOL_MAX: '5' })
  const api = await on.make.api()
  const client = await on.make.client([api.identifier])
  const all = [...workerPids(node), node.pid]
  expect(all).toHaveLength(3)
  const sent = await stopInStorm(node, client, async () => {
    // Requests are under way until all three got the signal, and the workers once more from their primary.
    const holding = await on.knex.transaction()
    await holding('clients').where('id', client.key).forUpdate()
    const waiting = { datname: on.knex.raw('current_database()'), wait_event_type: 'Lock' }
    await until(async () => (await on.knex('pg_stat_activity').where(waiting)).length > 0)
    for (const pid of all) process.kill(pid, 'SIGTERM')
    await until(() => all.every((pid) => new RegExp(`"pid":${pid},[^}]*"msg":"stopping"`).test(node.stderr())))
    await holding.commit()
  })
  await expectNothingLost(sent, on.nodes.slice(0, 1), api)
})

test('on the embedded database: the CLI works beside the server, SIGTERM leaves no PostgreSQL, a restart keeps all', async () => {
  const data = createDataDirectory()
  const env = { DATA_DIR: data.path, PORT: '0', LOG_LEVEL: 'info', ISSUER }
  const first = await startNode(env)
  const [, form] = await first.prints(/curl --silent --data "([^"]+)"/)
  const clientId = /client_id=(\w+)/.exec(form!)![1]!
  const curl = (node: ServerNode) =>
    fetch(`${node.url}/oauth2/token`, { method: 'POST', body: new URLSearchParams(form) })
  expect((await curl(first)).status).toBe(200)
  const rotated = await runCliProcess(['client', 'rotate-secret', clientId, '--overlap', '600', '--json'], env)
  const client = { clientId, clientSecret: rotated.json.client_secret }
  const { access_token } = (await first.machineToken(client)).body
  const postmaster = postmasterOf(data.path)!
  expect(await first.stop()).toMatchObject({ code: 0 })
  expect(await isGoneWithin(0, postmaster)).toBe(true)
  const second = await startNode(env)
  await second.prints(/user reset-password/)
  expect(second.stdout()).not.toContain('kws_')
  expect((await second.introspect(access_token, client)).body.active).toBe(true)
  expect((await curl(second)).status).toBe(200)
  // The key pair's policy is `single`: the new token ended the one before.
  expect((await second.introspect(access_token, client)).body.active).toBe(false)
  const last = postmasterOf(data.path)!
  await second.kill()
  expect(await isGoneWithin(60_000, last)).toBe(true)
  data.remove()
})

test('a second server on the same embedded database is refused, and the first one serves on', async () => {
  const data = createDataDirectory()
  const env = { DATA_DIR: data.path, PORT: '0', LOG_LEVEL: 'info' }
  const first = await startNode(env)
  const second = launchServer(env)
  expect(await second.ended).toMatchObject({ code: 1 })
  expect(second.stderr()).toMatch(/a Keywright server \(pid \d+\) already holds/)
  expect((await fetch(`${first.url}/readyz`)).status).toBe(200)
  await first.stop()
  data.remove()
})
