/** Where a user is signed in. */
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import type { UserDetails } from '../../../management/user-views.ts'
import { sessionCells, sessionColumns } from '../../sessions-section.ts'
import type { Block } from '../kit/blocks.ts'
import { displayName } from '../kit/display-name.ts'
import { listView } from '../kit/list-page.ts'
import { userPath } from './user-texts.ts'

/** Empty while the user is not signed in. */
export function userSessionsBlock(t: ConsoleTranslate, user: UserDetails, isOwn: boolean): Block[] {
  const { id, sessions } = user
  if (sessions.length === 0) return []
  const list = listView({
    caption: `Sessions of ${displayName(user)}`,
    columns: sessionColumns(t),
    rows: sessions.map((session) => sessionCells(t, session)),
    empty: { title: '', text: '' },
  })
  const action = isOwn
    ? { href: '/account/security', label: 'Manage sessions' }
    : { href: userPath(id, 'sessions'), label: 'Sign out of all sessions…' }
  return [{ part: 'list', heading: 'Sessions', actions: [action], list }]
}
