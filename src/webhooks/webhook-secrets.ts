import { createHmac, randomBytes } from 'node:crypto'
import type { SealedColumn } from '../database/resealing.ts'
import type { EncryptionKeys } from '../shared/encryption-keys.ts'
import { seal, unseal } from '../shared/envelope.ts'

// Standard Webhooks (https://www.standardwebhooks.com): the form of secrets and signatures.

const PREFIX = 'whsec_'
const PURPOSE = 'webhook secret'

export const generateWebhookSecret = (): string => PREFIX + randomBytes(32).toString('base64')

/** @param webhookId ties the sealed secret to its webhook */
export const sealWebhookSecret = (keys: EncryptionKeys, webhookId: string, secret: string): Buffer =>
  seal(keys, { purpose: PURPOSE, context: webhookId }, Buffer.from(secret))

export const unsealWebhookSecret = (keys: EncryptionKeys, webhookId: string, sealed: Buffer): string =>
  unseal(keys, { purpose: PURPOSE, context: webhookId }, sealed).toString()

const sealedColumn = (column: string): SealedColumn => ({
  table: 'webhooks',
  key: ['id'],
  column,
  purpose: PURPOSE,
  contextOf: ({ id }) => id as string,
})

export const SEALED_WEBHOOK_SECRETS = [sealedColumn('sealed_secret'), sealedColumn('sealed_previous_secret')]

export interface WebhookMessage {
  /** The same in each attempt, so that a receiver can ignore what it has received before. */
  readonly id: string
  readonly body: string
}

function signatureBy(secret: string, content: string): string {
  const key = Buffer.from(secret.slice(PREFIX.length), 'base64')
  return `v1,${createHmac('sha256', key).update(content).digest('base64')}`
}

/** The headers of a request. @param secrets each signs; @param now milliseconds */
export function signatureHeaders({ id, body }: WebhookMessage, secrets: readonly string[], now: number) {
  const timestamp = String(Math.floor(now / 1000))
  const signatures = secrets.map((secret) => signatureBy(secret, `${id}.${timestamp}.${body}`))
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures.join(' ') }
}
