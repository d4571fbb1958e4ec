import { afterAll, beforeAll, expect, test } from 'vitest'
import { listSecrets } from '../../src/clients/client-secrets.ts'
import {
  deleteExcessSecretCallers,
  deleteOldSecretCallers,
  recordSecretCallers,
  type SecretCallerUse,
} from '../../src/clients/secret-callers.ts'
import { createSecretUses } from '../../src/clients/secret-uses.ts'
import { rotateSecret } from '../../src/management/client-secret-rotation.ts'
import { readApplicationSecrets } from '../../src/management/client-secrets-reading.ts'
import type { Management } from '../../src/management/operation.ts'
import { adminOf, operator } from '../management/principals.ts'
import { ACTOR } from '../support/factory.ts'
import { withoutJob } from '../support/jobs.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { together, until } from '../support/load.ts'

const DAY = 86_400_000

let server: Keywright
let api: { identifier: string }

beforeAll(async () => {
  server = await startKeywright({ env: { TRUST_PROXY: 'on' } })
  api = await server.make.api()
})

afterAll(() => server?.stop())

const from = (ip: string, userAgent: string) => ({ headers: { 'x-forwarded-for': ip, 'user-agent': userAgent } })
const management = () => ({ knex: server.knex }) as Management
const read = (clientId: string) => readApplicationSecrets(management(), operator, { clientId })

/** The callers of each secret by its last four characters, each as a short text. */
async function callersOf(clientId: string): Promise<Record<string, string[]>> {
  const { secrets } = await read(clientId)
  const toText = ({ ip, userAgent, api }: (typeof secrets)[number]['callers'][number]) =>
    `${ip} ${userAgent} ${api === null ? '' : api}`.trim()
  return Object.fromEntries(secrets.map(({ lastFour, callers }) => [lastFour, callers.map(toText).sort()]))
}

async function newClient(settings = {}) {
  const client = await server.make.client(settings, [api.identifier])
  const { id } = (await listSecrets(server.knex, client.key))[0]!
  return { ...client, secretId: id }
}

const use = (secretId: number, n: number, at = new Date()): SecretCallerUse => ({
  clientKey: 1,
  secretIds: [secretId],
  ip: `ip-${n}`,
  apiId: 0,
  userAgent: 'tool/1',
  at,
})

test('each secret of a client has its own callers, with address, API and user agent', async () => {
  const former = await newClient()
  const { clientSecret } = await rotateSecret(server.knex, former.clientId, 3600, ACTOR)
  const next = { ...former, clientSecret: clientSecret! }
  await server.machineToken(former, {}, from('192.0.2.1', 'former/1'))
  await server.machineToken(former, {}, from('192.0.2.1', 'former/2'))
  await server.machineToken(next, {}, from('192.0.2.2', 'next/1'))
  await server.introspect('x', next, from('192.0.2.3', 'next/1'))
  const expected = {
    [former.clientSecret.slice(-4)]: [`192.0.2.1 former/1 ${api.identifier}`, `192.0.2.1 former/2 ${api.identifier}`],
    [next.clientSecret.slice(-4)]: [`192.0.2.2 next/1 ${api.identifier}`, '192.0.2.3 next/1'],
  }
  await until(async () => Object.values(await callersOf(former.clientId)).flat().length === 4)
  expect(await callersOf(former.clientId)).toEqual(expected)
})

test('a use of a client that needs an API key is a use of both its client secret and its API key', async () => {
  const client = await newClient({ apiKeyRequired: true })
  const { headers } = from('192.0.2.9', 'tool/1')
  await server.machineToken(client, {}, { headers: { ...headers, 'x-api-key': client.apiKey } })
  await until(async () => Object.values(await callersOf(client.clientId)).flat().length === 2)
  expect((await read(client.clientId)).secrets.map(({ kind, lastUsedIp }) => ({ kind, lastUsedIp }))).toEqual([
    { kind: 'api_key', lastUsedIp: '192.0.2.9' },
    { kind: 'secret', lastUsedIp: '192.0.2.9' },
  ])
})

test('an admin reads the secrets of an application of the account only', async () => {
  const { clientId } = await newClient()
  const stranger = adminOf(await server.make.account())
  await expect(readApplicationSecrets(management(), stranger, { clientId })).rejects.toMatchObject({
    code: 'not_found',
  })
})

test('a user agent that looks like a secret is masked, and at most 20 further user agents of a client are recorded', async () => {
  const { key, clientId, secretId, clientSecret } = await newClient()
  const uses = createSecretUses()
  const record = (userAgent: string) =>
    uses.record([secretId], { ip: '192.0.2.1', userAgent }, { clientKey: key, apiId: null })
  for (const userAgent of [`tool ${clientSecret}`, ...Array.from({ length: 50 }, (_, n) => `tool/${n}`)])
    record(userAgent)
  await uses.flush(server.knex)
  const [callers] = Object.values(await callersOf(clientId))
  expect(callers).toHaveLength(21)
  expect(JSON.stringify(callers)).not.toContain(clientSecret)
})

test('at most 50 callers of a secret stay, and those of 30 days ago are deleted', async () => {
  const { secretId, clientId } = await newClient()
  await withoutJob(server.knex, 'sweep rows that expired long ago', async () => {
    await recordSecretCallers(
      server.knex,
      Array.from({ length: 90 }, (_, n) => use(secretId, n, new Date(Date.now() - n * 1000))),
    )
    expect([
      await deleteExcessSecretCallers(server.knex, 30),
      await deleteExcessSecretCallers(server.knex, 30),
    ]).toEqual([30, 10])
    expect((await read(clientId)).secrets[0]!.callers.map(({ ip }) => ip)).toEqual(
      Array.from({ length: 50 }, (_, n) => `ip-${n}`),
    )
    await recordSecretCallers(server.knex, [use(secretId, -1, new Date(Date.now() - 31 * DAY))])
    expect([await deleteOldSecretCallers(server.knex, 100), await deleteOldSecretCallers(server.knex, 100)]).toEqual([
      1, 0,
    ])
  })
})

test('callers of a deleted secret are not recorded, and those of the others are', async () => {
  const { secretId, clientId } = await newClient()
  await recordSecretCallers(server.knex, [use(secretId + 1_000_000, 1), use(secretId, 2)])
  expect(Object.values(await callersOf(clientId))).toEqual([['ip-2 tool/1']])
})

test('processes that write the same callers concurrently do not deadlock', async () => {
  const { secretId } = await newClient()
  const callers = Array.from({ length: 200 }, (_, n) => use(secretId, n))
  await together(6, (n) => recordSecretCallers(server.knex, n % 2 ? callers : callers.toReversed()))
  expect(await server.knex('secret_callers').where({ secret_id: secretId })).toHaveLength(200)
})

test('a use of a secret whose row is locked is written after the lock, and an earlier use does not replace a later one', async () => {
  const { key, secretId } = await newClient()
  const uses = createSecretUses()
  const lastUse = async () => (await listSecrets(server.knex, key))[0]!.lastUsedIp
  const record = (to: typeof uses, ip: string) =>
    to.record([secretId], { ip, userAgent: '' }, { clientKey: key, apiId: null })
  const trx = await server.knex.transaction()
  await trx('client_secrets').where({ id: secretId }).forNoKeyUpdate()
  record(uses, '192.0.2.1')
  await uses.flush(server.knex)
  await trx.commit()
  expect(await lastUse()).toBeNull()
  await uses.flush(server.knex)
  expect(await lastUse()).toBe('192.0.2.1')
  const late = createSecretUses({ now: () => Date.now() - 60_000 })
  record(late, '192.0.2.2')
  await late.flush(server.knex)
  expect(await lastUse()).toBe('192.0.2.1')
})
