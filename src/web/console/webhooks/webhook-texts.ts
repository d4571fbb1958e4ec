import { toConsoleEnglish } from '../../../languages/console/console-translator.ts'
import type { WebhookDelivery } from '../../../management/webhook-delivery-operations.ts'
import { WEBHOOK_STATUS_ATTRIBUTES } from '../../../webhooks/webhook-attributes.ts'
import type { Webhook } from '../../../webhooks/webhooks.ts'
import { valueText } from '../kit/attribute-facts.ts'
import type { Badge } from '../kit/console-page.ts'
import { counted } from '../kit/counts.ts'
import { WEBHOOKS_PATH } from '../kit/webhook-banner.ts'

export const WEBHOOKS = { href: WEBHOOKS_PATH, label: 'Webhooks' }

export const webhookPath = (id: string, step?: string): string =>
  step === undefined ? `${WEBHOOKS_PATH}/${id}` : `${WEBHOOKS_PATH}/${id}/${step}`

export const deliveryPath = (webhookId: string, deliveryId: string, step?: string): string =>
  webhookPath(webhookId, `deliveries/${deliveryId}${step === undefined ? '' : `/${step}`}`)

export const breadcrumbsTo = ({ id, name }: Pick<Webhook, 'id' | 'name'>) => [
  WEBHOOKS,
  { href: webhookPath(id), label: name },
]

export function webhookBadge({ status, disabledReason, failingSince }: Webhook): Badge {
  if (status === 'disabled') return { tone: disabledReason === 'by_user' ? 'neutral' : 'error', text: 'Disabled' }
  return failingSince === null ? { tone: 'success', text: 'Enabled' } : { tone: 'warning', text: 'Failing' }
}

export const eventsText = ({ actions }: Webhook): string =>
  actions === null ? 'All events' : counted(toConsoleEnglish(), actions.length, 'event')

/** Why a webhook sends nothing, or may soon; undefined: it works. */
export function webhookWarning({ status, disabledReason, failingSince }: Webhook): string | undefined {
  const enable = 'Repair the receiver, then enable the webhook.'
  if (disabledReason === 'failing' || disabledReason === 'gone')
    return `Keywright disabled this webhook: ${lowerFirst(valueText(toConsoleEnglish(), WEBHOOK_STATUS_ATTRIBUTES.disabledReason, disabledReason))}. ${enable}`
  if (status === 'enabled' && failingSince !== null)
    return 'The last attempt failed. Keywright retries, and disables the webhook when no attempt succeeds for five days.'
  return undefined
}

const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1)

const STATE_BADGES: Readonly<Record<WebhookDelivery['state'], Badge>> = {
  pending: { tone: 'warning', text: 'Pending' },
  delivered: { tone: 'success', text: 'Delivered' },
  failed: { tone: 'error', text: 'Failed' },
}

export const deliveryBadge = ({ state }: Pick<WebhookDelivery, 'state'>): Badge => STATE_BADGES[state]

/** `200`, or why there was no response. */
export const resultText = (result: string | null): string => (result === null ? 'not attempted yet' : result)
