/** A token that is revoked while its request is in progress has no effect. */
import { randomUUID } from 'node:crypto'
import { connect } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { idempotentRequest } from '../../src/api/idempotency.ts'
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

/** Each caller has its own rate-limit row after its first authorization. A job deletes old rows, so their number says nothing. */
async function limitKeys(): Promise<string[]> {
  const keys: Buffer[] = await server.knex('sign_in_limits').pluck('key')
  return keys.map((key) => key.toString('hex'))
}

/** Sends all but the last byte of a body, runs `meanwhile`, then sends the last byte. Returns the response. */
async function sendSlowly(head: string, body: string, meanwhile: () => Promise<unknown>): Promise<string> {
  const before = new Set(await limitKeys())
  const { hostname, port } = new URL(server.url)
  const socket = connect(Number(port), hostname)
  let response = ''
  socket.on('data', (chunk) => {
    response += chunk
  })
  socket.write(`${head}Host: x\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(0, -1)}`)
  await until(async () => (await limitKeys()).some((key) => !before.has(key)))
  await meanwhile()
  socket.write(body.slice(-1))
  await new Promise((resolve) => socket.once('close', resolve))
  return response
}

const postAccount = (token: string, type = 'application/json') =>
  `POST /api/v1/accounts HTTP/1.1\r\nAuthorization: Bearer ${token}\r\nContent-Type: ${type}\r\n`

test('a token that is revoked while the body arrives has no effect', async () => {
  const { token, revoke } = await operator()
  const name = `Slow ${randomUUID()}`
  const response = await sendSlowly(postAccount(token), JSON.stringify({ name }), revoke)
  expect(response).toMatch(/^HTTP\/1.1 401 /)
  expect(await server.knex('accounts').where({ name })).toEqual([])
})

test('a request with a slow body and a valid token succeeds', async () => {
  const { token } = await operator()
  const name = `Slow ${randomUUID()}`
  expect(await sendSlowly(postAccount(token), JSON.stringify({ name }), async () => {})).toMatch(/^HTTP\/1.1 201 /)
  expect(await server.knex('accounts').where({ name })).toHaveLength(1)
})

test('a request whose token was revoked meanwhile gets 401 instead of the error of its body', async () => {
  for (const [type, body] of [
    ['application/json', '{"name":'],
    ['text/plain', 'name'],
    ['application/json', `"${'x'.repeat(500_000)}"`],
  ] as const) {
    const { token, revoke } = await operator()
    expect(await sendSlowly(postAccount(token, type), body, revoke), body.slice(0, 9)).toMatch(/^HTTP\/1.1 401 /)
  }
})

test('a request without a token gets 401 instead of the error of its body', async () => {
  for (const body of ['{', `"${'x'.repeat(500_000)}"`]) {
    expect((await rawManagement(server.url).json('POST', '/accounts', body)).status).toBe(401)
  }
})

/** Claims an idempotency key in an open transaction, as a request in progress does. */
async function claimKey(clientId: string, key: string) {
  const trx = await server.knex.transaction()
  const { keyHash, requestHash } = idempotentRequest({ clientId, subject: null }, key, 'claimed')
  await trx('idempotency_keys').insert({
    key_hash: keyHash,
    request_hash: requestHash,
    expires_at: trx.raw("now() + interval '1 hour'"),
  })
  return trx
}

const waitForLockWait = () =>
  until(async () => {
    const { rows } = await server.knex.raw(
      `SELECT 1 FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%idempotency_keys%'`,
    )
    return rows.length > 0
  })

test.each(['rollback', 'commit'] as const)(
  'a token that is revoked while its request waits for an idempotency key has no effect (%s)',
  async (end) => {
    const { client, token, revoke } = await operator()
    const name = `Waiting ${randomUUID()}`
    const key = randomUUID()
    const trx = await claimKey(client.clientId, key)
    const pending = rawManagement(server.url, token).json('POST', '/accounts', { name }, { 'idempotency-key': key })
    await waitForLockWait()
    await revoke()
    await trx[end]()
    expect((await pending).status).toBe(401)
    expect(await server.knex('accounts').where({ name })).toEqual([])
  },
)
