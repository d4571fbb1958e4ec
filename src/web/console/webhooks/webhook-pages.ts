import type { RequiredPermission } from '../../../management/operation.ts'
import {
  listWebhookDeliveries,
  readWebhookDelivery,
  resendWebhookDelivery,
  testWebhook,
} from '../../../management/webhook-delivery-operations.ts'
import {
  createWebhook,
  deleteWebhook,
  listWebhooks,
  rotateWebhookSecret,
  setWebhookStatus,
  updateWebhook,
} from '../../../management/webhook-operations.ts'
import type { ConsoleRoute } from '../kit/console-route.ts'
import { WEBHOOKS_PATH } from '../kit/webhook-banner.ts'
import {
  askTest,
  askWebhookDeletion,
  askWebhookStatus,
  changeWebhookStatus,
  deleteWebhookNow,
  sendTest,
} from './webhook-action-pages.ts'
import { askResend, resend, showDelivery } from './webhook-delivery-pages.ts'
import {
  addWebhook,
  askSecretRotation,
  askWebhook,
  askWebhookChange,
  changeWebhook,
  rotateSecretNow,
} from './webhook-form-pages.ts'
import { showWebhooks } from './webhook-list-page.ts'
import { showWebhook } from './webhook-page.ts'

type Handle = ConsoleRoute['handle']

/** A page that asks, and the POST that does it. */
const step = (path: string, permission: RequiredPermission, ask: Handle, act: Handle): ConsoleRoute[] => [
  { method: 'get', path, permission, handle: ask },
  { method: 'post', path, permission, handle: act },
]

const ONE = `${WEBHOOKS_PATH}/:webhookId`
const DELIVERY = `${ONE}/deliveries/:deliveryId`

export const WEBHOOK_PAGES: readonly ConsoleRoute[] = [
  { method: 'get', path: WEBHOOKS_PATH, permission: listWebhooks.permission, handle: showWebhooks },
  ...step(`${WEBHOOKS_PATH}/new`, createWebhook.permission, askWebhook, addWebhook),
  { method: 'get', path: ONE, permission: listWebhookDeliveries.permission, handle: showWebhook },
  ...step(`${ONE}/edit`, updateWebhook.permission, askWebhookChange, changeWebhook),
  ...step(`${ONE}/secret`, rotateWebhookSecret.permission, askSecretRotation, rotateSecretNow),
  ...step(`${ONE}/status`, setWebhookStatus.permission, askWebhookStatus, changeWebhookStatus),
  ...step(`${ONE}/test`, testWebhook.permission, askTest, sendTest),
  ...step(`${ONE}/delete`, deleteWebhook.permission, askWebhookDeletion, deleteWebhookNow),
  { method: 'get', path: DELIVERY, permission: readWebhookDelivery.permission, handle: showDelivery },
  ...step(`${DELIVERY}/resend`, resendWebhookDelivery.permission, askResend, resend),
]
