import type { ConsoleText } from '../../../languages/console/console-text.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import type { WebhookDelivery } from '../../../management/webhook-delivery-operations.ts'
import type { Webhook } from '../../../webhooks/webhooks.ts'
import type { Badge, PageLink } from '../kit/console-page.ts'
import { counted } from '../kit/counts.ts'
import { WEBHOOKS_PATH } from '../kit/webhook-banner.ts'

export const webhooksLink = (t: ConsoleTranslate): PageLink => ({ href: WEBHOOKS_PATH, label: t('Webhooks') })

export const webhookPath = (id: string, step?: string): string =>
  step === undefined ? `${WEBHOOKS_PATH}/${id}` : `${WEBHOOKS_PATH}/${id}/${step}`

export const deliveryPath = (webhookId: string, deliveryId: string, step?: string): string =>
  webhookPath(webhookId, `deliveries/${deliveryId}${step === undefined ? '' : `/${step}`}`)

export const breadcrumbsTo = (t: ConsoleTranslate, { id, name }: Pick<Webhook, 'id' | 'name'>): PageLink[] => [
  webhooksLink(t),
  { href: webhookPath(id), label: name },
]

export function webhookBadge(t: ConsoleTranslate, { status, disabledReason, failingSince }: Webhook): Badge {
  if (status === 'disabled') return { tone: disabledReason === 'by_user' ? 'neutral' : 'error', text: t('Disabled') }
  return failingSince === null ? { tone: 'success', text: t('Enabled') } : { tone: 'warning', text: t('Failing') }
}

export const eventsText = (t: ConsoleTranslate, { actions }: Webhook): string =>
  actions === null ? t('All events') : counted(t, actions.length, 'event')

const FAILING =
  'Keywright disabled this webhook: the receiver failed for five days. Repair the receiver, then enable the webhook.'

const GONE =
  'Keywright disabled this webhook: the receiver responded 410 Gone. Repair the receiver, then enable the webhook.'

/** Why a webhook sends nothing, or may soon; undefined: it works. */
export function webhookWarning(
  t: ConsoleTranslate,
  { status, disabledReason, failingSince }: Webhook,
): string | undefined {
  if (disabledReason === 'failing') return t(FAILING)
  if (disabledReason === 'gone') return t(GONE)
  if (status === 'enabled' && failingSince !== null)
    return t(
      'The last attempt failed. Keywright retries, and disables the webhook when no attempt succeeds for five days.',
    )
  return undefined
}

const STATES = {
  pending: { tone: 'warning', text: 'Pending' },
  delivered: { tone: 'success', text: 'Delivered' },
  failed: { tone: 'error', text: 'Failed' },
} as const satisfies Record<WebhookDelivery['state'], { tone: Badge['tone']; text: ConsoleText }>

export function deliveryBadge(t: ConsoleTranslate, { state }: Pick<WebhookDelivery, 'state'>): Badge {
  const { tone, text } = STATES[state]
  return { tone, text: t(text) }
}
