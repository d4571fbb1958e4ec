import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { openDatabase } from '../../src/database/open-database.ts'
import { countRevoked } from '../../src/tokens/active-tokens.ts'
import { spawnKeywright } from '../support/cli.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { until } from '../support/load.ts'
import { managementToken, managingApplication, rawManagement } from '../support/management.ts'
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts'
import type { Answer } from '../support/requests.ts'
import { startTcpProxy, type TcpProxy, throughProxy } from '../support/tcp-proxy.ts'

let database: TestDatabase
let proxy: TcpProxy
let server: Keywright
let token: string

beforeAll(async () => {
  database = await createTestDatabase()
  proxy = await startTcpProxy(database.url)
  server = await startKeywright({ databaseUrl: throughProxy(database.url, proxy) })
  token = await managementToken(server, await managingApplication(server, null))
})

afterAll(async () => {
  await proxy.heal()
  await server.stop()
  await proxy.cut()
  await database.drop()
})

beforeEach(async () => {
  await proxy.heal()
  await until(async () => (await fetch(`${server.url}/readyz`)).status === 200)
})

/** The database goes away the moment that it has answered the commit of the change which writes this audit event. */
async function whileCommitIsLast<T>(event: string, change: () => Promise<T>): Promise<T> {
  const cut = proxy.cutAfterCommitOf(new RegExp(event.replace('.', '\\.')))
  const result = await change()
  await cut
  return result
}

const post = (path: string, body: object): Promise<Answer> => rawManagement(server.url, token).json('POST', path, body)

test('the response has the secret of a new key pair although the database fails right after the commit', async () => {
  const user = await server.make.user()
  await server.make.keyPair(user.id)
  const path = `/users/${user.id}/key-pair`
  const { status, body } = await whileCommitIsLast('key_pair.generated', () => post(path, {}))
  expect([status, body.revoked]).toEqual([201, null])
  await proxy.heal()
  await until(async () => {
    const pair = { clientId: body.client_id, clientSecret: body.client_secret }
    return (await server.machineToken(pair)).status === 200
  })
})

test('a response does not wait for a count of revoked tokens that takes too long, and omits it', async () => {
  const patient = openDatabase(database.url, { statementTimeoutMs: 600_000 })
  const holder = await patient.knex.transaction()
  await holder.raw('LOCK TABLE access_tokens IN ACCESS EXCLUSIVE MODE')
  const waiting = await patient.knex.transaction()
  await waiting.raw('SET LOCAL lock_timeout = 0')
  expect(await countRevoked(waiting, [{ clientKey: 1, revocationEpoch: 0 }])).toBeNull()
  await holder.rollback()
  await waiting.rollback()
  await patient.close()
})

test('the response has the rotated signing keys although the database fails right after the commit', async () => {
  const rotated = await whileCommitIsLast('signing_key.rotated', () => post('/signing-keys/rotate', {}))
  expect(rotated.status, rotated.text).toBe(200)
})

/** A command of its own process by way of the proxy. */
async function command(args: string[]): Promise<Record<string, string>> {
  const child = spawnKeywright([...args, '--json'], server.env)
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)])
  if (!out) throw new Error(err)
  return JSON.parse(out)
}

test('the command line prints a new secret although the database fails right after the commit', async () => {
  const account = await server.make.accountId()
  const create = ['client', 'create', '--account', account, '--name', 'Nightly', '--grants', 'client_credentials']
  const created = await whileCommitIsLast('client.created', () => command(create))
  expect(created.client_secret).toMatch(/^kw/)
  await proxy.heal()
  const rotate = ['client', 'rotate-secret', created.client_id!]
  const rotated = await whileCommitIsLast('client.secret_rotated', () => command(rotate))
  expect(rotated.client_secret).not.toBe(created.client_secret)
  await proxy.heal()
  const change = ['client', 'update', created.client_id!, '--api-key', 'on']
  expect((await whileCommitIsLast('client.updated', () => command(change))).api_key).toMatch(/^kw/)
})

test('the response shows the API as disabled although the database fails right after the commit', async () => {
  const disabled = await whileCommitIsLast('instance.api_disabled', () => post('/instance/api/disable', {}))
  expect(disabled.status, disabled.text).toBe(200)
})
