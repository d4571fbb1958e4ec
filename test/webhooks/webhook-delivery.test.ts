import { Webhook } from 'standardwebhooks'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { recordAudit } from '../../src/audit/audit-log.ts'
import {
  listWebhookDeliveries,
  readWebhookDelivery,
  resendWebhookDelivery,
  testWebhook,
} from '../../src/management/webhook-delivery-operations.ts'
import {
  deleteWebhook,
  rotateWebhookSecret,
  setWebhookStatus,
  updateWebhook,
} from '../../src/management/webhook-operations.ts'
import { type AttemptResult, finishAttempt } from '../../src/webhooks/attempt-results.ts'
import { createDeliveries } from '../../src/webhooks/delivery-creation.ts'
import { leaseDue } from '../../src/webhooks/delivery-queues.ts'
import { retryDelay } from '../../src/webhooks/retry-delays.ts'
import { getWebhook } from '../../src/webhooks/webhooks.ts'
import { adminOf, operator } from '../management/principals.ts'
import { ACTOR } from '../support/factory.ts'
import { statementsDuring } from '../support/statements.ts'
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

const FAILED: AttemptResult = { at: new Date(0), duration: 1, status: null, error: null, response: null, retryAfter: 0 }

const last = () => receiver.received.at(-1)!

const verified = (secret: string) => {
  const { headers, body } = last()
  return new Webhook(secret).verify(body, headers as Record<string, string>) as Record<string, unknown>
}

const targets = () => receiver.messages().map(({ data }) => data.target.id)

/** Events of one object by its name. */
const changed = (...names: string[]) => names.map((name) => ['client.updated', name] as const)

describe('a message', () => {
  test('verifies with the library of Standard Webhooks, and holds the event as the management API shows it', async () => {
    const account = await on.make.account()
    const { secret } = await on.create(adminOf(account))
    const [id] = await on.record(account, ['client.archived', 'kwc_1'])
    await on.deliver()
    expect(verified(secret)).toMatchObject({
      type: 'client.archived',
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      data: {
        id,
        action: 'client.archived',
        account_id: account,
        target: { type: 'client', id: 'kwc_1' },
        is_erased: false,
      },
    })
    expect(last().headers).toMatchObject({ 'webhook-id': id, 'content-type': 'application/json' })
  })

  test('is signed with both secrets while the previous one overlaps, and with the new one alone afterwards', async () => {
    const { secret: first, webhook } = await on.create()
    const { secret: second } = await rotateWebhookSecret(on.management, operator, {
      webhookId: webhook.id,
      overlap: 3600,
    })
    await on.record(null, ...changed('kwc_1'))
    await on.deliver()
    expect(last().headers['webhook-signature']).toMatch(/^v1,\S+ v1,\S+$/)
    for (const secret of [first, second]) expect(verified(secret)).toMatchObject({ type: 'client.updated' })
    expect((await getWebhook(on.knex, webhook.id)).previousSecretExpiresAt).not.toBeNull()
    await on.knex('webhooks').update({ previous_expires_at: on.knex.raw("now() - interval '1 second'") })
    expect((await getWebhook(on.knex, webhook.id)).previousSecretExpiresAt).toBeNull()
    await on.record(null, ...changed('kwc_1'))
    await on.deliver()
    expect(verified(second)).toMatchObject({ type: 'client.updated' })
    expect(() => verified(first)).toThrow()
  })

  test('of an account holds nothing that only operators read', async () => {
    const account = await on.make.account()
    const other = await on.make.account()
    await on.create(adminOf(account))
    const stranger = await on.make.user(other)
    const target = { type: 'client', id: 'kwc_1' }
    const changes = { rate_limit: { from: null, to: 1 }, name: { from: 'A', to: 'B' } }
    const actor = { type: 'user', id: stranger.id, ip: '192.0.2.9' } as const
    await recordAudit(on.knex, actor, { action: 'client.updated', target, accountId: account, detail: { changes } })
    await recordAudit(on.knex, actor, { action: 'client.updated', target, accountId: other })
    await recordAudit(on.knex, actor, { action: 'api.updated', target: { type: 'api', id: 'x' } })
    await on.deliver()
    expect(receiver.received).toHaveLength(1)
    const { data } = receiver.messages()[0]
    expect(data).toMatchObject({ account_id: account, actor: { label: null }, ip: null })
    expect(Object.keys(data.detail.changes)).toEqual(['name'])
  })

  test('of the instance is sent for every account, and only for the selected actions', async () => {
    await on.create(operator, { actions: ['client.archived'] })
    const account = await on.make.account()
    await on.record(account, ['client.archived', 'kwc_1'], ['client.restored', 'kwc_1'])
    await on.record(null, ['client.archived', 'kwc_2'])
    await on.deliver()
    expect(targets().sort()).toEqual(['kwc_1', 'kwc_2'])
  })
})

test('recording an event takes one statement, with webhooks as without', async () => {
  const count = async () => (await statementsDuring(() => on.record(null, ...changed('kwc_1', 'kwc_2')))).length
  const without = await count()
  await on.create()
  expect([without, await count()]).toEqual([1, 1])
})

describe('deliveries', () => {
  test('of one object come in the order of the events; a failed one holds back later ones of this object only', async () => {
    await on.create()
    receiver.respondWith((response, { body }) => response.writeHead(body.includes('kwc_bad') ? 500 : 200).end())
    await on.record(null, ...changed('kwc_bad', 'kwc_good', 'kwc_bad', 'kwc_good', 'kwc_good'))
    await on.deliver()
    expect(targets().sort()).toEqual(['kwc_bad', 'kwc_good', 'kwc_good', 'kwc_good'])
    const [failed] = receiver.messages().filter(({ data }) => data.target.id === 'kwc_bad')
    receiver.accept()
    await on.hasten()
    await on.deliver()
    const bad = receiver.messages().filter(({ data }) => data.target.id === 'kwc_bad')
    expect(bad.map(({ data }) => data.seq)).toEqual([failed.data.seq, failed.data.seq, bad.at(-1).data.seq])
    expect(bad.at(-1).data.seq).toBeGreaterThan(failed.data.seq)
  })

  test('of a transaction that committed late are sent, and after what its object waited for', async () => {
    await on.create()
    const late = await on.knex.transaction()
    await late.raw('SELECT 1')
    await on.record(null, ...changed('kwc_1', 'kwc_2'))
    await on.seal()
    await on.deliver()
    await recordAudit(late, ACTOR, { action: 'client.archived', target: { type: 'client', id: 'kwc_1' } })
    await late.commit()
    await on.deliver()
    expect(receiver.messages().map(({ type }) => type)).toEqual(['client.updated', 'client.updated', 'client.archived'])
  })

  test('are made once by several nodes at once', async () => {
    await on.create()
    const nodes = [on.newSender(), on.newSender(), on.newSender()]
    await on.record(null, ...changed(...Array.from({ length: 40 }, (_, n) => `kwc_${n % 10}`)))
    await on.seal()
    await Promise.all(nodes.map((node) => on.deliver(node)))
    const ids = receiver.received.map(({ headers }) => headers['webhook-id'])
    expect(new Set(ids).size).toBe(40)
    expect(ids).toHaveLength(40)
    for (let n = 0; n < 10; n++) {
      const order = receiver
        .messages()
        .filter(({ data }) => data.target.id === `kwc_${n}`)
        .map(({ data }) => data.seq)
      expect(order).toEqual(order.toSorted((a, b) => a - b))
    }
  })

  test('of a node that was killed in an attempt are taken over when its lease ends', async () => {
    await on.create()
    await on.record(null, ...changed('kwc_1'))
    await on.seal()
    await createDeliveries(on.knex, 500)
    const [leased] = await leaseDue(on.knex, 10, [])
    expect(await leaseDue(on.knex, 10, [])).toEqual([])
    await on.knex('webhook_queues').update({ due_at: on.knex.raw("now() - interval '1 s'") })
    await on.deliver()
    expect(targets()).toEqual(['kwc_1'])
    // The killed node was only slow: what it writes now changes nothing.
    await finishAttempt(on.knex, leased!, { ...FAILED, status: 500 })
    expect(await on.deliveries(leased!.webhookId)).toMatchObject([{ state: 'delivered', attempts: 1 }])
  })

  test('of an event that was deleted by age fail at once, and are no sign of the health of the receiver', async () => {
    const { webhook } = await on.create()
    const [id] = await on.record(null, ...changed('kwc_1', 'kwc_1'))
    await on.seal()
    await createDeliveries(on.knex, 500)
    await on.knex('audit_log').where({ id }).delete()
    await on.deliver()
    expect(await on.webhook(webhook.id)).toMatchObject({ status: 'enabled', failing_since: null })
    expect(await on.deliveries(webhook.id)).toMatchObject([
      { event_id: id, state: 'failed', attempts: 0, last_result: 'the event was deleted from the activity log' },
      { state: 'delivered', attempts: 1 },
    ])
  })

  test('are retried later and later with jitter, for more than five days', () => {
    const total = (random: number) => {
      let seconds = 0
      for (let n = 1; retryDelay(n, 0, random) !== undefined; n++) seconds += retryDelay(n, 0, random)!
      return seconds / 86_400
    }
    expect(retryDelay(1, 0, 0.5)).toBe(5)
    expect(retryDelay(1, 0, 0)).toBe(4)
    expect(retryDelay(1, 600, 0.5)).toBe(600)
    expect(retryDelay(1, 9_999_999, 0.5)).toBe(86_400)
    expect(total(0.5)).toBeGreaterThan(5)
    expect(total(0.5)).toBeLessThan(7)
  })

  test('end after the last attempt, and the next of the object is sent', async () => {
    const { webhook } = await on.create()
    receiver.respondWith((response, { body }) => response.writeHead(body.includes('archived') ? 400 : 200).end('no'))
    await on.record(null, ['client.archived', 'kwc_1'], ['client.restored', 'kwc_1'])
    await on.deliver()
    await on.knex('webhook_deliveries').where({ action: 'client.archived' }).update({ attempts: 12 })
    await on.hasten()
    await on.deliver()
    expect(await on.deliveries(webhook.id)).toMatchObject([
      { action: 'client.archived', state: 'failed', attempts: 13, last_result: '400' },
      { action: 'client.restored', state: 'delivered', attempts: 1, last_result: '200' },
    ])
  })
})

describe('a webhook', () => {
  const disabled = () =>
    on.knex('audit_log').where({ action: 'webhook.disabled' }).orderBy('recorded_at', 'desc').first()

  test('whose receiver has failed for five days is disabled, with an event in the activity log', async () => {
    const { webhook } = await on.create()
    receiver.respondWith((response) => response.writeHead(503).end())
    await on.record(null, ...changed('kwc_1'))
    await on.deliver()
    expect(await on.webhook(webhook.id)).toMatchObject({ status: 'enabled', failing_since: expect.any(Date) })
    await on.knex('webhooks').update({ failing_since: on.knex.raw("now() - interval '5 days 1 minute'") })
    await on.hasten()
    await on.deliver()
    expect(await on.webhook(webhook.id)).toMatchObject({ status: 'disabled', disabled_reason: 'failing' })
    expect(await disabled()).toMatchObject({ target_id: webhook.id, detail: { reason: 'failing' } })
  })

  test('whose receiver responds 410 is disabled at once; enabled again, it sends what was pending, and later events', async () => {
    const { webhook } = await on.create()
    const selector = { webhookId: webhook.id }
    receiver.respondWith((response) => response.writeHead(410).end())
    await on.record(null, ...changed('kwc_1', 'kwc_2'))
    await on.deliver()
    expect(await on.webhook(webhook.id)).toMatchObject({ status: 'disabled', disabled_reason: 'gone' })
    receiver.accept()
    await on.record(null, ...changed('kwc_missed'))
    await on.deliver()
    receiver.received.length = 0
    await setWebhookStatus(on.management, operator, { ...selector, status: 'enabled' })
    await on.record(null, ...changed('kwc_later'))
    await on.deliver()
    expect(new Set(targets())).toEqual(new Set(['kwc_1', 'kwc_2', 'kwc_later']))
    expect(await on.webhook(webhook.id)).toMatchObject({ status: 'enabled', failing_since: null })
  })

  test('that was enabled or changed is not disabled by an attempt that began before', async () => {
    const { webhook } = await on.create()
    await on.record(null, ...changed('kwc_1'))
    await on.seal()
    await createDeliveries(on.knex, 500)
    const [leased] = await leaseDue(on.knex, 10, [])
    for (const status of ['disabled', 'enabled'] as const)
      await setWebhookStatus(on.management, operator, { webhookId: webhook.id, status })
    await finishAttempt(on.knex, leased!, { ...FAILED, status: 410 })
    expect(await on.webhook(webhook.id)).toMatchObject({ status: 'enabled', failing_since: null })
    expect(await on.deliveries(webhook.id)).toMatchObject([{ state: 'pending', attempts: 1 }])
  })

  test('one success ends the time in which its receiver failed', async () => {
    const { webhook } = await on.create()
    await on.knex('webhooks').update({ failing_since: on.knex.raw("now() - interval '4 days'") })
    await on.record(null, ...changed('kwc_1'))
    await on.deliver()
    expect(await on.webhook(webhook.id)).toMatchObject({ failing_since: null })
  })

  test('of a disabled account waits until the account is enabled', async () => {
    const account = await on.make.account()
    await on.create(adminOf(account))
    await on.knex('accounts').where({ id: account }).update({ status: 'disabled' })
    await on.record(account, ...changed('kwc_1'))
    await on.seal()
    await on.newSender().run(false)
    expect(await on.knex('webhook_queues').whereNotNull('lease')).toEqual([])
    await on.knex('accounts').where({ id: account }).update({ status: 'active' })
    await on.deliver()
    expect(targets()).toEqual(['kwc_1'])
  })

  test('that is changed sends pending events to the new URL, and nothing once it is deleted', async () => {
    const { webhook } = await on.create()
    const selector = { webhookId: webhook.id }
    receiver.respondWith((response) => response.writeHead(500).end())
    await on.record(null, ...changed('kwc_1'))
    await on.deliver()
    const other = await startReceiver()
    await updateWebhook(on.management, operator, { ...selector, url: other.url })
    await on.hasten()
    await on.deliver()
    expect(other.messages().map(({ data }) => data.target.id)).toContain('kwc_1')
    other.respondWith((response) => response.writeHead(500).end())
    await on.record(null, ...changed('kwc_2'))
    await on.deliver()
    const count = other.received.length
    await deleteWebhook(on.management, operator, selector)
    await on.hasten()
    await on.record(null, ...changed('kwc_3'))
    await on.deliver()
    expect(other.received).toHaveLength(count)
    other.stop()
  })
})

test('pages of deliveries hold no position among the events of all accounts, and follow the order of the events', async () => {
  const account = await on.make.account()
  const { webhook } = await on.create(adminOf(account))
  await on.record(account, ...changed('kwc_1', 'kwc_2', 'kwc_3'))
  await on.deliver()
  await on.knex('webhook_deliveries').update({ seq: on.knex.raw('seq + 7654000000'), created_at: on.knex.fn.now() })
  const order = (await on.deliveries(webhook.id)).map(({ id }) => id)
  const found: string[] = []
  let after: string | undefined
  do {
    const request = { webhookId: webhook.id, limit: 1, ...(after && { after }) }
    const { deliveries } = await listWebhookDeliveries(on.management, adminOf(account), request)
    found.push(...deliveries.items.map(({ id }) => id))
    after = deliveries.next ?? undefined
    expect(Buffer.from(after ?? '', 'base64url').toString()).not.toContain('7654')
  } while (after)
  expect(found).toEqual(order.toReversed())
})

describe('on request', () => {
  test('a test message is sent once, also if it fails, and is no sign of the health of the receiver', async () => {
    const { webhook, secret } = await on.create()
    const selector = { webhookId: webhook.id }
    await testWebhook(on.management, operator, selector)
    await on.deliver()
    expect(verified(secret)).toMatchObject({ type: 'webhook.test', data: { webhook_id: webhook.id } })
    receiver.respondWith((response) => response.writeHead(500).end())
    const { deliveryId } = await testWebhook(on.management, operator, selector)
    await on.deliver()
    expect(await readWebhookDelivery(on.management, operator, { ...selector, deliveryId })).toMatchObject({
      state: 'failed',
      lastResult: '500',
      attemptLog: [{ status: 500, response: '' }],
    })
    expect(await on.webhook(webhook.id)).toMatchObject({ failing_since: null })
  })

  test('a delivered event is sent again with the same ID; a failed attempt is made again at once', async () => {
    const { webhook } = await on.create()
    await on.record(null, ...changed('kwc_1'))
    await on.deliver()
    const [delivery] = await on.deliveries(webhook.id)
    const selector = { webhookId: webhook.id, deliveryId: delivery.id }
    await resendWebhookDelivery(on.management, operator, selector)
    receiver.respondWith((response) => response.writeHead(500).end())
    await on.deliver()
    expect(await on.deliveries(webhook.id)).toMatchObject([{ state: 'pending', attempts: 2 }])
    receiver.accept()
    await resendWebhookDelivery(on.management, operator, selector)
    await on.deliver()
    expect(await on.deliveries(webhook.id)).toMatchObject([{ state: 'delivered', attempts: 3 }])
    expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(1)
    expect(receiver.received).toHaveLength(3)
  })

  test('nothing is sent by a disabled webhook', async () => {
    const { webhook } = await on.create()
    await setWebhookStatus(on.management, operator, { webhookId: webhook.id, status: 'disabled' })
    await expect(testWebhook(on.management, operator, { webhookId: webhook.id })).rejects.toMatchObject({
      code: 'conflict',
    })
  })
})
