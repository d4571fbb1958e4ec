import type { Knex } from 'knex'
import { findAuditEvent } from '../audit/audit-events.ts'
import { auditFields } from '../audit/audit-lines.ts'
import type { AuditRecord } from '../audit/audit-query.ts'
import type { LeasedDelivery } from '../webhooks/delivery-queues.ts'
import type { WebhookMessage } from '../webhooks/webhook-secrets.ts'
import { visibleRecord } from './attribute-changes.ts'

/** What a message is made of. */
type DeliveredEvent = Pick<LeasedDelivery, 'id' | 'eventId' | 'action' | 'createdAt' | 'accountId' | 'webhookId'>

/** An event with the names of the management API. */
function eventFields(record: AuditRecord) {
  const { erased, ...fields } = auditFields(record)
  return { ...fields, is_erased: erased }
}

/** Who reads the messages of a webhook: the admins of its account, or the operators. */
const readerOf = ({ accountId }: Pick<DeliveredEvent, 'accountId'>) => ({
  role: accountId === null ? ('operator' as const) : ('admin' as const),
})

const toMessage = (id: string, type: string, timestamp: string, data: object): WebhookMessage => ({
  id,
  body: JSON.stringify({ type, timestamp, data }),
})

const testMessage = ({ id, action, createdAt, webhookId }: DeliveredEvent): WebhookMessage =>
  toMessage(id, action, createdAt.toISOString(), { webhook_id: webhookId })

/** @param record the event as an admin of the webhook's account, or an operator, reads it; not of a test */
export function messageOf(delivery: DeliveredEvent, record: AuditRecord | undefined): WebhookMessage | undefined {
  if (delivery.eventId === null) return testMessage(delivery)
  const visible = record && visibleRecord(record, readerOf(delivery))
  return visible && toMessage(visible.id, visible.action, visible.place, eventFields(visible))
}

/**
 * The message of a delivery, made when it is sent: nothing of an event is stored twice, and what was erased since is not sent.
 * Undefined: the event was deleted by age.
 */
export async function readMessage(knex: Knex, delivery: DeliveredEvent): Promise<WebhookMessage | undefined> {
  const { eventId, accountId } = delivery
  const record = eventId === null ? undefined : await findAuditEvent(knex, eventId, accountId !== null)
  return messageOf(delivery, record)
}
