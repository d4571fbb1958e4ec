import type { ClientStatus } from '../../../clients/clients.ts'
import { actsFor, findGrantType } from '../../../clients/grant-types.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import type { Badge } from '../kit/console-page.ts'

/** Whom an application acts for; undefined: it only renews tokens. */
export function actsForText(t: ConsoleTranslate, grants: readonly string[]): string | undefined {
  const isForItself = actsFor('client', grants)
  if (actsFor('user', grants)) return isForItself ? t('Users, itself') : t('Users')
  return isForItself ? t('Itself') : undefined
}

/** The same below the type of an application. */
export function actsForDetail(t: ConsoleTranslate, grants: readonly string[]): string | undefined {
  const isForItself = actsFor('client', grants)
  if (actsFor('user', grants)) return isForItself ? t('for users and itself') : t('for users')
  return isForItself ? t('for itself') : undefined
}

export const grantWords = (t: ConsoleTranslate, grants: readonly string[]): string[] =>
  grants.map((grant) => t.declared(findGrantType(grant)?.label ?? grant))

export function statusBadge(t: ConsoleTranslate, status: ClientStatus): Badge {
  if (status === 'active') return { tone: 'success', text: t('Active') }
  return { tone: 'neutral', text: status === 'deleting' ? t('Deleting') : t('Archived') }
}

/** In place of a time: the use of a public application is known for 30 days, and that of a secret for good. */
export const neverUsed = (t: ConsoleTranslate, isPublic: boolean): string =>
  isPublic ? t('not in the last 30 days') : t('never')
