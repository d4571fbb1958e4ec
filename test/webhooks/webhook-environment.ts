import { recordAudit } from '../../src/audit/audit-log.ts'
import { sealAudit } from '../../src/audit/audit-sealing.ts'
import { createSsrfSafeFetch } from '../../src/http/ssrf-safe-fetch.ts'
import type { Principal } from '../../src/management/principal.ts'
import { readMessage } from '../../src/management/webhook-messages.ts'
import { createWebhook } from '../../src/management/webhook-operations.ts'
import { createLog } from '../../src/shared/log.ts'
import { WEBHOOK_LIMITS, WebhookSender } from '../../src/webhooks/webhook-sender.ts'
import { openManagement, operator } from '../management/principals.ts'
import { ACTOR } from '../support/factory.ts'
import { until } from '../support/load.ts'
import { startReceiver } from './receiver.ts'

type Limits = Parameters<ReturnType<typeof createSsrfSafeFetch>['fetch']>[2]

interface SenderOptions {
  readonly limits?: Limits
  readonly outgoing?: ReturnType<typeof createSsrfSafeFetch>
  readonly hidesResponses?: boolean
}

/** Operations, a receiver, and a sender that runs only when a test says so. */
export async function openWebhooks() {
  const opened = await openManagement()
  const { knex, management } = opened
  const receiver = await startReceiver()
  // A webhook also receives what was recorded before it and is not sealed yet.
  await sealAudit(knex, management.encryptionKeys, 500)
  const fetch = createSsrfSafeFetch({ allow: ['127.0.0.1'] })
  const senders: WebhookSender[] = []

  /** As on one node. */
  function newSender({ limits = WEBHOOK_LIMITS, outgoing = fetch, hidesResponses = false }: SenderOptions = {}) {
    const sender = new WebhookSender({
      knex,
      encryptionKeys: management.encryptionKeys,
      fetch: (url, init) => outgoing.fetch(url, init, limits),
      loadReadMessage: async () => readMessage,
      hidesResponses,
      log: createLog('silent'),
      now: Date.now,
    })
    senders.push(sender)
    return sender
  }

  const sender = newSender()
  const due = async () => {
    const queues = knex('webhook_queues AS q').join('webhooks AS w', 'w.id', 'q.webhook_id')
    return await queues.whereRaw("(q.due_at <= now() AND w.status = 'enabled' OR q.lease IS NOT NULL)").first('q.queue')
  }

  return {
    ...opened,
    receiver,
    newSender,
    seal: () => sealAudit(knex, management.encryptionKeys, 500),
    /** Events of an account, or of the instance; returns their IDs. */
    async record(account: string | null, ...events: readonly (readonly [action: string, target: string])[]) {
      const entries = events.map(([action, id]) => ({ action, target: { type: 'client', id }, accountId: account }))
      return await recordAudit(knex, ACTOR, ...entries)
    },
    create: (who: Principal = operator, values: object = {}) =>
      createWebhook(management, who, { name: 'Billing', url: receiver.url, ...values }),
    /** Seals the events, and delivers until nothing is due. */
    async deliver(by = sender): Promise<void> {
      await sealAudit(knex, management.encryptionKeys, 500)
      await until(async () => {
        await by.run(false)
        return (await due()) === undefined
      })
    },
    /** Makes the next attempt of each queue due. */
    hasten: () => knex('webhook_queues').update({ due_at: knex.fn.now(), lease: null }),
    /** Leaves nothing of a test to the next one. */
    async reset(): Promise<void> {
      receiver.accept()
      receiver.received.length = 0
      await sealAudit(knex, management.encryptionKeys, 500)
      for (const table of ['webhooks', 'webhook_queues', 'webhook_deliveries']) await knex(table).delete()
    },
    webhook: (id: string) => knex('webhooks').where({ id }).first(),
    deliveries: (id: string) => knex('webhook_deliveries').where({ webhook_id: id }).orderBy(['seq', 'created_at']),
    async close() {
      await Promise.all(senders.map((one) => one.run(true)))
      await fetch.close()
      receiver.stop()
      await opened.close()
    },
  }
}

export type Webhooks = Awaited<ReturnType<typeof openWebhooks>>
