import type { Role } from '../../../accounts/users.ts'
import type { UserDetails, UserSummary } from '../../../management/user-operations.ts'
import type { Badge } from '../kit/console-page.ts'
import { displayName } from '../kit/display-name.ts'

export const ROLE_NAMES = { admin: 'Admin', member: 'Member', operator: 'Operator' } as const

/** Descriptions of the roles. */
export const ROLE_MEANINGS: Readonly<Record<Role, string>> = {
  admin: 'Has a key pair. Manages the applications and users of the account.',
  member: 'Signs in to applications and manages their own connected applications.',
  operator: 'Manages all accounts, APIs and settings of this instance. Has no account.',
}

export function userStatusBadge({ status, isInvited, hasPassword }: UserSummary): Badge {
  if (status === 'disabled') return { tone: 'error', text: 'Disabled' }
  if (!hasPassword) return { tone: 'warning', text: 'No password yet' }
  return isInvited ? { tone: 'warning', text: 'Invited' } : { tone: 'success', text: 'Active' }
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
