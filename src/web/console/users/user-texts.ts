import { type Role, USER_STATUS } from '../../../accounts/user-attributes.ts'
import { toConsoleEnglish } from '../../../languages/console/console-translator.ts'
import type { UserDetails, UserSummary } from '../../../management/user-views.ts'
import { valueText } from '../kit/attribute-facts.ts'
import type { Badge } from '../kit/console-page.ts'
import { displayName } from '../kit/display-name.ts'

export function userStatusBadge({ status, isInvited, hasPassword }: UserSummary): Badge {
  const text = valueText(toConsoleEnglish(), USER_STATUS, status)
  if (status === 'deleting') return { tone: 'neutral', text }
  if (status === 'disabled') return { tone: 'error', text }
  if (!hasPassword) return { tone: 'warning', text: 'No password yet' }
  return isInvited ? { tone: 'warning', text: 'Invited' } : { tone: 'success', text }
}

/** Why the viewer cannot change the role of this user or disable them; undefined when it is allowed. */
export function protectionReason(user: UserDetails, viewer: { id: string; role: Role }): string | undefined {
  if (user.id === viewer.id) {
    return viewer.role === 'operator'
      ? 'You cannot do this to yourself. Ask another operator.'
      : 'You cannot do this to yourself. Ask another admin.'
  }
  if (!user.isLastAdmin || viewer.role === 'operator') return undefined
  return 'This user is the last active admin of the account. Make another user an admin first.'
}

export const userPath = (userId: string, step = ''): string => `/users/${userId}${step && `/${step}`}`

/** Breadcrumbs of the pages of a user. */
export const breadcrumbsTo = (user: UserSummary) => [
  { href: '/users', label: 'Users' },
  { href: userPath(user.id), label: displayName(user) },
]
