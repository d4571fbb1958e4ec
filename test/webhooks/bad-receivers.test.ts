import { setImmediate } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { createSsrfSafeFetch } from '../../src/http/ssrf-safe-fetch.ts'
import { readWebhookDelivery } from '../../src/management/webhook-delivery-operations.ts'
import { createWebhook } from '../../src/management/webhook-operations.ts'
import { createDeliveries } from '../../src/webhooks/delivery-creation.ts'
import { leaseDue } from '../../src/webhooks/delivery-queues.ts'
import { WEBHOOK_LIMITS } from '../../src/webhooks/webhook-sender.ts'
import { adminOf, operator } from '../management/principals.ts'
import { until } from '../support/load.ts'
import { type Receiver, startReceiver } from './receiver.ts'
import { openWebhooks, type Webhooks } from './webhook-environment.ts'

let on: Webhooks
let receiver: Receiver

beforeAll(async () => {
  on = await openWebhooks()
  receiver = on.receiver
})

afterEach(() => on.reset())

afterAll(() => on?.close())

/** Delivers one event to the URL; returns what became of it. */
async function deliveredTo(url: string, sender = on.newSender()) {
  const { webhook } = await on.create(operator, { url })
  await on.record(null, ['client.updated', 'kwc_1'])
  await on.deliver(sender)
  const [{ id }] = await on.deliveries(webhook.id)
  return await readWebhookDelivery(on.management, operator, { webhookId: webhook.id, deliveryId: id })
}

test('a receiver that hangs ends the attempt after the time limit, and delays no other receiver', async () => {
  receiver.respondWith(() => {})
  const quick = await startReceiver()
  const other = await on.create(operator, { url: quick.url })
  const limited = createSsrfSafeFetch({ allow: ['127.0.0.1'] })
  const timeOf = (url: unknown) => (url === receiver.url ? 300 : 15_000)
  const outgoing = {
    ...limited,
    fetch: (url: string | URL, init?: RequestInit) =>
      limited.fetch(url, init, { ...WEBHOOK_LIMITS, time: timeOf(url) }),
  }
  const sender = on.newSender({ outgoing })
  const delivery = await deliveredTo(receiver.url, sender)
  expect(delivery).toMatchObject({
    state: 'pending',
    attempts: 1,
    lastResult: expect.stringContaining('did not answer within'),
  })
  expect(await on.deliveries(other.webhook.id)).toMatchObject([{ state: 'delivered' }, { state: 'delivered' }])
  quick.stop()
  await limited.close()
})

test('while a receiver hangs, no transaction is open and at most four requests are under way', async () => {
  receiver.respondWith(() => {})
  await on.create()
  await on.record(null, ...Array.from({ length: 9 }, (_, n) => ['client.updated', `kwc_${n}`] as const))
  await on.seal()
  const sender = on.newSender()
  await sender.run(false)
  await sender.run(false)
  expect(await on.knex('webhook_queues').whereNotNull('lease')).toHaveLength(4)
  const open = await on
    .knex('pg_stat_activity')
    .whereRaw("datname = current_database() AND state LIKE 'idle in transaction%'")
  expect(open).toEqual([])
  // A server that stops gives back what it has begun.
  await sender.run(true)
  expect(await on.knex('webhook_queues').whereNotNull('lease')).toEqual([])
  expect(await on.knex('webhook_attempts')).toEqual([])
})

test('an account whose receivers hang leaves the attempts of a node to others', async () => {
  receiver.respondWith(() => {})
  const quick = await startReceiver()
  const [slow, other] = [await on.make.account(), await on.make.account()]
  for (let n = 0; n < 12; n++) await on.create(adminOf(slow))
  await on.create(adminOf(other), { url: quick.url })
  const changed = Array.from({ length: 4 }, (_, n) => ['client.updated', `kwc_${n}`] as const)
  await on.record(slow, ...changed)
  await on.seal()
  await on.record(other, ...changed)
  await on.seal()
  const sender = on.newSender()
  await sender.run(false)
  await until(async () => {
    await sender.run(false)
    return quick.received.length === changed.length
  })
  const ofSlow = on.knex('webhooks').where({ account_id: slow }).select('id')
  expect(await on.knex('webhook_queues').whereNotNull('lease').whereIn('webhook_id', ofSlow)).toHaveLength(8)
  await sender.run(true)
  quick.stop()
})

test('attempts alternate between accounts with many events that are due', async () => {
  const accounts = [await on.make.account(), await on.make.account(), await on.make.account()]
  for (const account of accounts) {
    for (let n = 0; n < 2; n++) await on.create(adminOf(account))
    await on.record(account, ...Array.from({ length: 4 }, (_, n) => ['client.updated', `kwc_${n}`] as const))
    await on.seal()
    await createDeliveries(on.knex, 500)
  }
  const taken = async (underWay: Parameters<typeof leaseDue>[2]) =>
    (await leaseDue(on.knex, 4, underWay)).map(({ accountId }) => accountId)
  const underWay = Array.from({ length: 2 }, () => ({ webhookId: 'another', accountId: accounts[0]! }))
  const others = accounts.slice(1)
  expect((await taken(underWay)).toSorted()).toEqual([...others, ...others].toSorted())
})

test('a server that stops while it takes queues gives them back before it ends', async () => {
  await on.create()
  await on.record(null, ['client.updated', 'kwc_1'])
  await on.seal()
  await createDeliveries(on.knex, 500)
  const lock = await on.knex.transaction()
  await lock.raw('LOCK TABLE webhook_queues IN ACCESS EXCLUSIVE MODE')
  const sender = on.newSender()
  const running = sender.run(false)
  await until(async () => (await on.knex('pg_locks').where({ granted: false }).first('pid')) !== undefined)
  let hasEnded = false
  const ending = sender.run(true).then(() => {
    hasEnded = true
  })
  await setImmediate()
  expect(hasEnded).toBe(false)
  await lock.commit()
  await Promise.all([ending, running])
  expect(await on.knex('webhook_queues').whereNotNull('lease')).toEqual([])
  expect(await on.knex('webhook_queues')).toHaveLength(1)
  expect(receiver.received).toEqual([])
})

test('of an endless response the beginning is kept, and the connection is closed', async () => {
  let closed = false
  receiver.respondWith((response) => {
    const pour = () => response.writable && response.write('x'.repeat(65_536), () => setImmediate(pour))
    response.on('close', () => {
      closed = true
    })
    response.writeHead(200)
    pour()
  })
  const { state, attemptLog } = await deliveredTo(receiver.url)
  expect([state, attemptLog[0]!.response!.length, closed]).toEqual(['delivered', 2000, true])
})

test('a response that PostgreSQL cannot store is kept without what it cannot store', async () => {
  receiver.respondWith((response) => response.writeHead(500).end(Buffer.from([0x61, 0, 0xff, 0x62])))
  const { attemptLog } = await deliveredTo(receiver.url)
  expect(attemptLog).toMatchObject([{ status: 500, response: 'a\ufffd\ufffdb' }])
})

test('where the operator opens private networks, admins do not read the responses that come from there', async () => {
  receiver.respondWith((response) => response.writeHead(200).end('from inside'))
  const account = await on.make.account()
  const sender = on.newSender({ hidesResponses: true })
  const own = await on.create(adminOf(account))
  const ofInstance = await on.create()
  await on.record(account, ['client.updated', 'kwc_1'])
  await on.deliver(sender)
  const responsesOf = async (webhookId: string) =>
    await on
      .knex('webhook_attempts')
      .whereIn('delivery_id', on.knex('webhook_deliveries').where({ webhook_id: webhookId }).select('id'))
      .distinct()
      .pluck('response')
  expect([await responsesOf(own.webhook.id), await responsesOf(ofInstance.webhook.id)]).toEqual([
    [null],
    ['from inside'],
  ])
})

test('a redirect to a private address is not followed, and counts as failed', async () => {
  const inside = await startReceiver()
  receiver.respondWith((response) => response.writeHead(307, { location: inside.url }).end())
  expect(await deliveredTo(receiver.url)).toMatchObject({ state: 'pending', lastResult: '307' })
  expect(inside.received).toEqual([])
  inside.stop()
})

test.each([
  ['a private address', '10.0.0.1'],
  ['a metadata address', '169.254.169.254'],
  ['a mapped loopback address', '::ffff:127.0.0.1'],
  ['a loopback address', '::1'],
  ['a multicast address', '224.0.0.1'],
  ['a unique local address', 'fd00::1'],
])('a name that resolves to %s is not called', async (_, address) => {
  const lookup = async () => [{ address, family: address.includes(':') ? 6 : 4 }]
  const outgoing = createSsrfSafeFetch({ allow: [] }, { lookup })
  const { lastResult, attemptLog } = await deliveredTo(
    `https://inside.example:${receiver.port}/`,
    on.newSender({ outgoing }),
  )
  expect(lastResult).toBe('inside.example is not at a public address; the operator can allow it with OUTGOING_ALLOW')
  expect(attemptLog).toMatchObject([{ status: null, response: null }])
  expect(receiver.received).toEqual([])
  await outgoing.close()
})

test.each([
  ['without TLS', 'http://example.com/hook'],
  ['with a password', 'https://user:secret@example.com/'],
  ['with a fragment', 'https://example.com/#part'],
  ['of another scheme', 'ftp://example.com/'],
  ['without a scheme', 'example.com'],
  ['that is too long', `https://example.com/${'x'.repeat(2000)}`],
])('a URL %s is refused', async (_, url) => {
  await expect(createWebhook(on.management, operator, { name: 'Bad', url })).rejects.toMatchObject({
    code: 'invalid_input',
    fieldErrors: [{ field: 'url' }],
  })
})

test('unknown events, no events and too many webhooks are refused', async () => {
  const refused = (values: object) => expect(on.create(operator, values)).rejects
  await refused({ actions: ['client.exploded'] }).toMatchObject({ code: 'invalid_input' })
  await refused({ actions: [] }).toMatchObject({ code: 'invalid_input' })
  for (let n = 0; n < 20; n++) await on.create()
  await refused({}).toMatchObject({ code: 'conflict' })
})
