import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import type { WebUser } from '../../sign-in-directory.ts'

export const LEAKS_PATH = '/leaks'

/** The banner of every console page while a report of a leaked credential is open; undefined for members. */
export function leakBanner(t: ConsoleTranslate, { role, hasOpenLeak }: WebUser, path: string): string | undefined {
  if (!hasOpenLeak || role === 'member' || path === LEAKS_PATH) return undefined
  return role === 'operator'
    ? t('A client secret, API key or token of this instance was reported as leaked.')
    : t('A client secret, API key or token of your account was reported as leaked.')
}
