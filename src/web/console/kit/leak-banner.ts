import type { WebUser } from '../../sign-in-directory.ts'

export const LEAKS_PATH = '/leaks'

/** The banner of every console page while a report of a leaked credential is open; undefined for members. */
export function leakBanner({ role, hasOpenLeak }: WebUser, path: string): string | undefined {
  if (!hasOpenLeak || role === 'member' || path === LEAKS_PATH) return undefined
  const whose = role === 'operator' ? 'this instance' : 'your account'
  return `A client secret, API key or token of ${whose} was reported as leaked.`
}
