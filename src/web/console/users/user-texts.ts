import type { Role } from '../../../accounts/users.ts'
import type { UserDetails, UserSummary } from '../../../management/user-operations.ts'
import type { Badge } from '../kit/console-page.ts'
import { displayName } from '../kit/display-name.ts'

export const ROLE_NAMES = { admin: 'Admin', member: 'Member', operator: 'Operator' } as const

/** What each may do, for whoever chooses. */
export const ROLE_MEANINGS: Readonly<Record<Role, string>> = {
  admin: 'Has a key pair of their own, and manages the applications and people of the account.',
  member: 'Signs in to applications and sees which of them they allowed. Manages nothing.',
  operator: 'Runs this instance: sees and changes every account, API and setting. Belongs to no account.',
}

export function userStatusBadge({ status, isInvited, hasPassword }: UserSummary): Badge {
  if (status === 'disabled') return { tone: 'error', text: 'Switched off' }
  if (!hasPassword) return { tone: 'warning', text: 'No password yet' }
  return isInvited ? { tone: 'warning', text: 'Invited' } : { tone: 'success', text: 'Active' }
}

/** Why they can neither be made a member nor switched off by this person; undefined: they can. */
export function protectionReason(person: UserDetails, viewer: { id: string; role: Role }): string | undefined {
  if (person.id === viewer.id) {
    return viewer.role === 'operator'
      ? 'Nobody can do this to themselves. Ask another operator.'
      : 'Nobody can do this to themselves. Ask another admin.'
  }
  if (!person.isLastAdmin || viewer.role === 'operator') return undefined
  return 'They are the last active admin of the account. Make somebody else an admin first.'
}

export const userPath = (userId: string, step = ''): string => `/users/${userId}${step && `/${step}`}`

/** The way to a page about somebody, or to one of its steps. */
export const crumbsTo = (person: UserSummary) => [
  { href: '/users', label: 'People' },
  { href: userPath(person.id), label: displayName(person) },
]
