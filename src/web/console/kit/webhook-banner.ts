import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import type { WebUser } from '../../sign-in-directory.ts'

export const WEBHOOKS_PATH = '/webhooks'

/** The banner of every console page while a webhook is disabled because its receiver failed; undefined for members. */
export function webhookBanner(
  t: ConsoleTranslate,
  { role, hasFailedWebhook }: WebUser,
  path: string,
): string | undefined {
  if (!hasFailedWebhook || role === 'member' || path === WEBHOOKS_PATH) return undefined
  return role === 'operator'
    ? t('A webhook of this instance was disabled because its receiver failed.')
    : t('A webhook of your account was disabled because its receiver failed.')
}
