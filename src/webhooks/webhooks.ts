import type { Knex } from 'knex'
import type { AuditEntry } from '../audit/audit-log.ts'
import { type AttributeRow, fromColumns, toColumns } from '../shared/attribute-columns.ts'
import { type AttributeChange, changesOfNew, type ValuesOf } from '../shared/attributes.ts'
import { KeywrightError, notFound } from '../shared/errors.ts'
import { isId, newId } from '../shared/ids.ts'
import { type DisabledReason, WEBHOOK_ATTRIBUTES, WEBHOOK_STATUS_ATTRIBUTES } from './webhook-attributes.ts'

export type WebhookValues = ValuesOf<typeof WEBHOOK_ATTRIBUTES>

export interface Webhook extends WebhookValues, ValuesOf<typeof WEBHOOK_STATUS_ATTRIBUTES> {
  readonly id: string
  /** Null: of the instance, it receives the events of all accounts. */
  readonly accountId: string | null
  readonly disabledAt: Date | null
  /** The first failed attempt since the last successful one. */
  readonly failingSince: Date | null
  /** Until then, the previous secret signs too; null: there is none, or it has expired. */
  readonly previousSecretExpiresAt: Date | null
  readonly createdAt: Date
  /** Increases with each change. */
  readonly revision: number
}

export interface WebhookRow extends AttributeRow {
  id: string
  account_id: string | null
  disabled_at: Date | null
  failing_since: Date | null
  sealed_secret: Buffer
  sealed_previous_secret: Buffer | null
  previous_expires_at: Date | null
  created_at: Date
  revision: number
}

/** A previous secret that has expired is deleted by a job a little later. */
const stillComing = (time: Date | null): Date | null => (time === null || time.getTime() <= Date.now() ? null : time)

export const toWebhook = (row: WebhookRow): Webhook => ({
  id: row.id,
  accountId: row.account_id,
  ...fromColumns({ ...WEBHOOK_ATTRIBUTES, ...WEBHOOK_STATUS_ATTRIBUTES }, row),
  disabledAt: row.disabled_at,
  failingSince: row.failing_since,
  previousSecretExpiresAt: stillComing(row.previous_expires_at),
  createdAt: row.created_at,
  revision: row.revision,
})

const timeIn = (value: unknown): Date | null => (value === null ? null : new Date(value as string))

/** A webhook that PostgreSQL returned as JSON, without its secrets. */
export function webhookFromJson(json: object): Webhook {
  const row = json as WebhookRow
  return toWebhook({
    ...row,
    disabled_at: timeIn(row.disabled_at),
    failing_since: timeIn(row.failing_since),
    previous_expires_at: timeIn(row.previous_expires_at),
    created_at: new Date(row.created_at),
  })
}

/** Each event costs a delivery per webhook. */
export const MAX_WEBHOOKS = 20

/** The end of the audit chain: a webhook receives the events after it. SQL. */
const CHAIN_HEAD = '(SELECT coalesce(max(head_seq), 0) FROM audit_chain)'

/** Waits for others who add a webhook to the same account. @throws KeywrightError `conflict` */
async function checkHasRoom(trx: Knex, accountId: string | null): Promise<void> {
  await trx.raw('SELECT pg_advisory_xact_lock(hashtext(?))', [`keywright webhooks of ${accountId}`])
  const [row] = await trx('webhooks').where({ account_id: accountId }).count({ count: '*' })
  if (Number(row!.count) < MAX_WEBHOOKS) return
  const whose = accountId === null ? 'the instance' : 'an account'
  throw new KeywrightError('conflict', `${whose} has at most ${MAX_WEBHOOKS} webhooks; delete one first`)
}

/** @throws KeywrightError `conflict` (there are too many) */
export async function insertWebhook(
  trx: Knex,
  accountId: string | null,
  values: WebhookValues,
  sealSecret: (id: string) => Buffer,
): Promise<Webhook> {
  await checkHasRoom(trx, accountId)
  const id = newId()
  const row = { id, account_id: accountId, ...toColumns(WEBHOOK_ATTRIBUTES, values), sealed_secret: sealSecret(id) }
  const [created] = await trx('webhooks')
    .insert({ ...row, from_seq: trx.raw(CHAIN_HEAD) })
    .returning<WebhookRow[]>('*')
  return toWebhook(created!)
}

/** @throws KeywrightError `not_found` */
export async function getWebhook(db: Knex, id: string): Promise<Webhook> {
  const row = isId(id) ? await db<WebhookRow>('webhooks').where({ id }).first() : undefined
  if (!row) throw notFound('webhook', id)
  return toWebhook(row)
}

/** The webhook, locked until the transaction ends. @throws KeywrightError `not_found` */
export async function lockWebhook(trx: Knex, id: string): Promise<Webhook> {
  const row = isId(id) ? await trx<WebhookRow>('webhooks').where({ id }).forUpdate().first() : undefined
  if (!row) throw notFound('webhook', id)
  return toWebhook(row)
}

async function changeRow(trx: Knex, id: string, change: Record<string, unknown>): Promise<Webhook> {
  const columns = { ...change, revision: trx.raw('revision + 1') }
  const [row] = await trx('webhooks').where({ id }).update(columns).returning<WebhookRow[]>('*')
  return toWebhook(row!)
}

export const saveWebhook = (trx: Knex, id: string, values: Partial<WebhookValues>): Promise<Webhook> =>
  changeRow(trx, id, { ...toColumns(WEBHOOK_ATTRIBUTES, values) })

/** The present secret becomes the previous one, which signs for `overlap` more seconds. An earlier previous one ends. */
export async function replaceSecret(trx: Knex, id: string, sealed: Buffer, overlap: number): Promise<Webhook> {
  const kept = { sealed_previous_secret: trx.raw('sealed_secret'), previous_expires_at: expiryIn(trx, overlap) }
  const ended = { sealed_previous_secret: null, previous_expires_at: null }
  return await changeRow(trx, id, { sealed_secret: sealed, ...(overlap > 0 ? kept : ended) })
}

const expiryIn = (trx: Knex, overlap: number) => trx.raw('now() + make_interval(secs => ?)', [overlap])

/** Pending deliveries stay, and wait. */
export const disableWebhook = (trx: Knex, id: string, reason: DisabledReason): Promise<Webhook> =>
  changeRow(trx, id, { status: 'disabled', disabled_reason: reason, disabled_at: trx.fn.now() })

/** Pending deliveries are due at once. Events that occurred while it was disabled are not delivered. */
export async function enableWebhook(trx: Knex, id: string): Promise<Webhook> {
  // Without waiting for a locked queue: a node that finishes an attempt locks the queue before the webhook.
  await trx.raw(
    `UPDATE webhook_queues SET due_at = now() WHERE ctid = ANY (ARRAY(
       SELECT ctid FROM webhook_queues WHERE webhook_id = ? AND lease IS NULL FOR UPDATE SKIP LOCKED))`,
    [id],
  )
  const enabled = { status: 'enabled', disabled_reason: null, disabled_at: null, failing_since: null }
  return await changeRow(trx, id, { ...enabled, from_seq: trx.raw(CHAIN_HEAD) })
}

/** A job deletes its deliveries when they are old. */
export async function deleteWebhook(trx: Knex, id: string): Promise<void> {
  await trx('webhooks').where({ id }).delete()
  // As in `enableWebhook`; a job deletes what is left.
  await trx.raw(
    `DELETE FROM webhook_queues WHERE ctid = ANY (ARRAY(
       SELECT ctid FROM webhook_queues WHERE webhook_id = ? FOR UPDATE SKIP LOCKED))`,
    [id],
  )
}

/** The audit event of a change of a webhook. */
export const webhookEntry = (
  action: string,
  { id, accountId, name }: Webhook,
  detail: Record<string, unknown> = {},
): AuditEntry => ({ action, target: { type: 'webhook', id }, accountId, detail: { name, ...detail } })

export const changesOfNewWebhook = (webhook: Webhook): Record<string, AttributeChange> =>
  changesOfNew(WEBHOOK_ATTRIBUTES, webhook)
