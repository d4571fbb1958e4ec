import type { Knex } from 'knex'
import { lockAccountShared } from '../accounts/accounts.ts'
import { PERMISSIONS } from '../accounts/permissions.ts'
import { recordAudit } from '../audit/audit-log.ts'
import { lockSealingKey } from '../database/sealing-key.ts'
import { checkSomeGiven, checkValues, differingValues, normalizedValues } from '../shared/attribute-values.ts'
import { changesBetween, initialValues } from '../shared/attributes.ts'
import type { EncryptionKeys } from '../shared/encryption-keys.ts'
import { expectRevision, invalidInput } from '../shared/errors.ts'
import { WEBHOOK_ATTRIBUTES } from '../webhooks/webhook-attributes.ts'
import { generateWebhookSecret, sealWebhookSecret } from '../webhooks/webhook-secrets.ts'
import {
  changesOfNewWebhook,
  deleteWebhook as deleteRow,
  disableWebhook,
  enableWebhook,
  getWebhook,
  insertWebhook,
  lockWebhook,
  replaceSecret,
  saveWebhook,
  toWebhook,
  type Webhook,
  type WebhookRow,
  type WebhookValues,
  webhookEntry,
} from '../webhooks/webhooks.ts'
import { idKey, momentKey } from './list-order.ts'
import { operation } from './operation.ts'
import { type PagedRow, type PageOf, type PageRequest, readPage } from './paging.ts'
import type { Principal } from './principal.ts'
import { accountInScope, checkTenant } from './tenant-isolation.ts'

/** A webhook with the name of its account; null: it is of the instance. */
export interface WebhookOfAccount extends Webhook {
  readonly accountName: string | null
}

type ViewRow = WebhookRow & PagedRow & { account_name: string | null }

const toView = (row: ViewRow): WebhookOfAccount => ({ ...toWebhook(row), accountName: row.account_name })

const ORDER = { keys: [momentKey('w.created_at'), idKey('w.id')], isDescending: true }

const withAccount = (query: Knex.QueryBuilder): Knex.QueryBuilder =>
  query.leftJoin('accounts AS a', 'a.id', 'w.account_id').select('w.*', 'a.name AS account_name')

/** Newest first: those of the own account; for an operator those of the instance and of all accounts, or of the named one. */
export const listWebhooks = operation<PageRequest & { accountId?: string | undefined }, PageOf<WebhookOfAccount>>(
  PERMISSIONS.viewWebhooks,
  async ({ knex }, principal, { accountId, ...request }) => {
    const base = knex('webhooks AS w')
    const account = accountInScope(principal, accountId)
    if (account !== undefined) base.where('w.account_id', account)
    return await readPage<ViewRow, WebhookOfAccount>(knex, { base, order: ORDER }, request, withAccount, toView)
  },
)

export interface WebhookSelector {
  readonly webhookId: string
}

/** @throws KeywrightError `not_found` */
export async function webhookFor(db: Knex, principal: Principal, webhookId: string): Promise<Webhook> {
  const webhook = await getWebhook(db, webhookId)
  checkTenant(principal, webhook.accountId, 'webhook', webhookId)
  return webhook
}

/** @throws KeywrightError `not_found` */
async function lockedWebhookFor(trx: Knex, principal: Principal, webhookId: string): Promise<Webhook> {
  const webhook = await lockWebhook(trx, webhookId)
  checkTenant(principal, webhook.accountId, 'webhook', webhookId)
  return webhook
}

export const readWebhook = operation<WebhookSelector, Webhook>(
  PERMISSIONS.viewWebhooks,
  async ({ knex }, principal, { webhookId }) => await webhookFor(knex, principal, webhookId),
)

/** The secret is shown once. */
export interface WebhookWithSecret {
  readonly webhook: Webhook
  readonly secret: string
}

type NewWebhook = Partial<WebhookValues> &
  Pick<WebhookValues, 'name' | 'url'> & {
    /** Absent: the own account; for an operator the instance. */
    readonly accountId?: string | undefined
  }

async function newSecret(trx: Knex, keys: EncryptionKeys): Promise<{ secret: string; seal: (id: string) => Buffer }> {
  await lockSealingKey(trx, keys)
  const secret = generateWebhookSecret()
  return { secret, seal: (id) => sealWebhookSecret(keys, id, secret) }
}

/** Validates the given part of a webhook without adding it. @throws KeywrightError `invalid_input` */
export const checkNewWebhook = operation<Partial<WebhookValues>, void>(
  PERMISSIONS.manageWebhooks,
  async (_management, _principal, values) => checkValues(WEBHOOK_ATTRIBUTES, values),
)

/** @throws KeywrightError `invalid_input`, `not_found` (the account), `conflict` (too many) */
export const createWebhook = operation<NewWebhook, WebhookWithSecret>(
  PERMISSIONS.manageWebhooks,
  async ({ knex, encryptionKeys }, principal, { accountId: named, ...given }) => {
    const accountId = accountInScope(principal, named) ?? null
    const all = { ...initialValues(WEBHOOK_ATTRIBUTES), ...given }
    const values = normalizedValues(WEBHOOK_ATTRIBUTES, all) as WebhookValues
    checkValues(WEBHOOK_ATTRIBUTES, values)
    return await knex.transaction(async (trx) => {
      if (accountId !== null) await lockAccountShared(trx, accountId)
      const { secret, seal } = await newSecret(trx, encryptionKeys)
      const webhook = await insertWebhook(trx, accountId, values, seal)
      const changes = changesOfNewWebhook(webhook)
      await recordAudit(trx, principal.actor, webhookEntry('webhook.created', webhook, { changes }))
      return { webhook, secret }
    })
  },
)

interface WebhookChange extends WebhookSelector, Partial<WebhookValues> {
  readonly revision?: number | undefined
}

/** Pending deliveries go to the new URL. @throws KeywrightError `not_found`, `invalid_input`, `stale` */
export const updateWebhook = operation<WebhookChange, Webhook>(
  PERMISSIONS.manageWebhooks,
  async ({ knex }, principal, { webhookId, revision, ...values }) => {
    checkSomeGiven(values)
    checkValues(WEBHOOK_ATTRIBUTES, normalizedValues(WEBHOOK_ATTRIBUTES, values))
    return await knex.transaction(async (trx) => {
      const before = await lockedWebhookFor(trx, principal, webhookId)
      expectRevision('the webhook', before.revision, revision)
      const differing = differingValues(WEBHOOK_ATTRIBUTES, before, values)
      if (Object.keys(differing).length === 0) return before
      const webhook = await saveWebhook(trx, webhookId, differing)
      const changes = changesBetween(WEBHOOK_ATTRIBUTES, before, webhook)
      await recordAudit(trx, principal.actor, webhookEntry('webhook.updated', webhook, { changes }))
      return webhook
    })
  },
)

/** Doing it again changes nothing. @throws KeywrightError `not_found` */
export const setWebhookStatus = operation<WebhookSelector & Pick<Webhook, 'status'>, Webhook>(
  PERMISSIONS.manageWebhooks,
  async ({ knex }, principal, { webhookId, status }) => {
    return await knex.transaction(async (trx) => {
      const before = await lockedWebhookFor(trx, principal, webhookId)
      // A user who disables a webhook that was disabled by Keywright has seen the notice.
      const isSame = before.status === status && before.disabledReason !== 'failing' && before.disabledReason !== 'gone'
      if (isSame) return before
      const enable = status === 'enabled'
      const webhook = await (enable ? enableWebhook(trx, webhookId) : disableWebhook(trx, webhookId, 'by_user'))
      const entry = webhookEntry(enable ? 'webhook.enabled' : 'webhook.disabled', webhook, { reason: 'by_user' })
      await recordAudit(trx, principal.actor, entry)
      return webhook
    })
  },
)

/** Seconds. */
export const LONGEST_OVERLAP = 7 * 86_400

interface SecretRotation extends WebhookSelector {
  /** Seconds for which the previous secret signs too. */
  readonly overlap: number
}

/** @throws KeywrightError `not_found`, `invalid_input` */
export const rotateWebhookSecret = operation<SecretRotation, WebhookWithSecret>(
  PERMISSIONS.manageWebhooks,
  async ({ knex, encryptionKeys }, principal, { webhookId, overlap }) => {
    if (!Number.isInteger(overlap) || overlap < 0 || overlap > LONGEST_OVERLAP)
      throw invalidInput(`the overlap is 0 to ${LONGEST_OVERLAP} seconds`, 'overlap')
    return await knex.transaction(async (trx) => {
      await lockedWebhookFor(trx, principal, webhookId)
      const { secret, seal } = await newSecret(trx, encryptionKeys)
      const webhook = await replaceSecret(trx, webhookId, seal(webhookId), overlap)
      await recordAudit(trx, principal.actor, webhookEntry('webhook.secret_rotated', webhook, { overlap }))
      return { webhook, secret }
    })
  },
)

/** Pending events are not delivered. @throws KeywrightError `not_found` */
export const deleteWebhook = operation<WebhookSelector, void>(
  PERMISSIONS.manageWebhooks,
  async ({ knex }, principal, { webhookId }) => {
    await knex.transaction(async (trx) => {
      const webhook = await lockedWebhookFor(trx, principal, webhookId)
      await deleteRow(trx, webhookId)
      await recordAudit(trx, principal.actor, webhookEntry('webhook.deleted', webhook))
    })
  },
)
