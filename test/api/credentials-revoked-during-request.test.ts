/** A token that ends while its request is on its way does nothing more. */
import { randomUUID } from 'node:crypto'
import { connect } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { repeatable } from '../../src/api/idempotency.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { until } from '../support/load.ts'
import { managementToken, managingApplication, rawManagement } from '../support/management.ts'

let server: Keywright

beforeAll(async () => {
  server = await startKeywright()
})

afterAll(() => server?.stop())

async function operator() {
  const client = await managingApplication(server, null)
  const token = await managementToken(server, client)
  return { client, token, revoke: () => server.revoke(token, client) }
}

/** Each caller has a row of its own from the moment on when it was judged for the first time. */
async function judgedCallers(): Promise<number> {
  const [row] = await server.knex('sign_in_limits').count('* AS all')
  return Number(row!.all)
}

/** Sends all but the end of a body, and that when `meanwhile` is over. Answers what came back. */
async function sendSlowly(head: string, body: string, meanwhile: () => Promise<unknown>): Promise<string> {
  const judged = await judgedCallers()
  const { hostname, port } = new URL(server.url)
  const socket = connect(Number(port), hostname)
  let answer = ''
  socket.on('data', (chunk) => {
    answer += chunk
  })
  socket.write(`${head}Host: x\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(0, -1)}`)
  await until(async () => (await judgedCallers()) > judged)
  await meanwhile()
  socket.write(body.slice(-1))
  await new Promise((resolve) => socket.once('close', resolve))
  return answer
}

const postAccount = (token: string, type = 'application/json') =>
  `POST /api/v1/accounts HTTP/1.1\r\nAuthorization: Bearer ${token}\r\nContent-Type: ${type}\r\n`

test('a token that is revoked while the body comes does nothing', async () => {
  const { token, revoke } = await operator()
  const name = `Slow ${randomUUID()}`
  const answer = await sendSlowly(postAccount(token), JSON.stringify({ name }), revoke)
  expect(answer).toMatch(/^HTTP\/1.1 401 /)
  expect(await server.knex('accounts').where({ name })).toEqual([])
})

test('one that is not, does it', async () => {
  const { token } = await operator()
  const name = `Slow ${randomUUID()}`
  expect(await sendSlowly(postAccount(token), JSON.stringify({ name }), async () => {})).toMatch(/^HTTP\/1.1 201 /)
  expect(await server.knex('accounts').where({ name })).toHaveLength(1)
})

test('what is wrong with the body is told to nobody whose token ended meanwhile', async () => {
  for (const [type, body] of [
    ['application/json', '{"name":'],
    ['text/plain', 'name'],
    ['application/json', `"${'x'.repeat(500_000)}"`],
  ] as const) {
    const { token, revoke } = await operator()
    expect(await sendSlowly(postAccount(token, type), body, revoke), body.slice(0, 9)).toMatch(/^HTTP\/1.1 401 /)
  }
})

test('nobody without a token is told either', async () => {
  for (const body of ['{', `"${'x'.repeat(500_000)}"`]) {
    expect((await rawManagement(server.url).json('POST', '/accounts', body)).status).toBe(401)
  }
})

/** Holds an idempotency key as a request does that is under way; `release` false: that one was refused. */
async function holdKey(clientId: string, key: string) {
  const trx = await server.knex.transaction()
  const { keyHash, requestHash } = repeatable({ clientId, subject: null }, key, 'held')
  await trx('idempotency_keys').insert({
    key_hash: keyHash,
    request_hash: requestHash,
    expires_at: trx.raw("now() + interval '1 hour'"),
  })
  return trx
}

const waitForWaiting = () =>
  until(async () => {
    const { rows } = await server.knex.raw(
      `SELECT 1 FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%idempotency_keys%'`,
    )
    return rows.length > 0
  })

test.each(['rollback', 'commit'] as const)('one that ends while it waits for its key is dead (%s)', async (end) => {
  const { client, token, revoke } = await operator()
  const name = `Waiting ${randomUUID()}`
  const key = randomUUID()
  const trx = await holdKey(client.clientId, key)
  const pending = rawManagement(server.url, token).json('POST', '/accounts', { name }, { 'idempotency-key': key })
  await waitForWaiting()
  await revoke()
  await trx[end]()
  expect((await pending).status).toBe(401)
  expect(await server.knex('accounts').where({ name })).toEqual([])
})
