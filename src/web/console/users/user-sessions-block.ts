/** Where a user is signed in. */
import type { UserDetails } from '../../../management/user-views.ts'
import { SESSION_COLUMNS, sessionCells } from '../../sessions-section.ts'
import type { Block } from '../kit/blocks.ts'
import { displayName } from '../kit/display-name.ts'
import { listView } from '../kit/list-page.ts'
import { userPath } from './user-texts.ts'

/** Empty while the user is not signed in. */
export function userSessionsBlock(user: UserDetails, isOwn: boolean): Block[] {
  const { id, sessions } = user
  if (sessions.length === 0) return []
  const list = listView({
    caption: `Sessions of ${displayName(user)}`,
    columns: SESSION_COLUMNS,
    rows: sessions.map((session) => sessionCells(session)),
    empty: { title: '', text: '' },
  })
  const action = isOwn
    ? { href: '/account/security', label: 'Manage sessions' }
    : { href: userPath(id, 'sessions'), label: 'Sign out of all sessions…' }
  return [{ part: 'list', heading: 'Sessions', actions: [action], list }]
}
