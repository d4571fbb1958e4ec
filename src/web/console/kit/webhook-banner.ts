import type { WebUser } from '../../sign-in-directory.ts'

export const WEBHOOKS_PATH = '/webhooks'

/** The banner of every console page while a webhook is disabled because its receiver failed; undefined for members. */
export function webhookBanner({ role, hasFailedWebhook }: WebUser, path: string): string | undefined {
  if (!hasFailedWebhook || role === 'member' || path === WEBHOOKS_PATH) return undefined
  const whose = role === 'operator' ? 'this instance' : 'your account'
  return `A webhook of ${whose} was disabled because its receiver failed.`
}
