import { type Role, USER_STATUS } from '../../../accounts/user-attributes.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import type { UserDetails, UserSummary } from '../../../management/user-views.ts'
import { valueText } from '../kit/attribute-facts.ts'
import type { Badge } from '../kit/console-page.ts'
import { displayName } from '../kit/display-name.ts'

export function userStatusBadge(
  t: ConsoleTranslate,
  { status, isInvited, hasPassword, isPending }: UserSummary,
): Badge {
  const text = valueText(t, USER_STATUS, status)
  if (status === 'deleting') return { tone: 'neutral', text }
  if (status === 'disabled') return { tone: 'error', text }
  if (isPending) return { tone: 'warning', text: t('Pending') }
  if (!hasPassword) return { tone: 'warning', text: t('No password yet') }
  return isInvited ? { tone: 'warning', text: t('Invited') } : { tone: 'success', text }
}

/** Why the viewer cannot change the role of this user or disable them; undefined when it is allowed. */
export function protectionReason(
  t: ConsoleTranslate,
  user: UserDetails,
  viewer: { id: string; role: Role },
): string | undefined {
  if (user.id === viewer.id) {
    return viewer.role === 'operator'
      ? t('You cannot do this to yourself. Ask another operator.')
      : t('You cannot do this to yourself. Ask another admin.')
  }
  if (!user.isLastAdmin || viewer.role === 'operator') return undefined
  return t('This user is the last active admin of the account. Make another user an admin first.')
}

export const userPath = (userId: string, step = ''): string => `/users/${userId}${step && `/${step}`}`

/** Breadcrumbs of the pages of a user. */
export const breadcrumbsTo = (t: ConsoleTranslate, user: UserSummary) => [
  { href: '/users', label: t('Users') },
  { href: userPath(user.id), label: displayName(user) },
]
