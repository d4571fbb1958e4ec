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
    caption: t('Sessions of {name}', { name: displayName(user) }),
    columns: sessionColumns(t),
    rows: sessions.map((session) => sessionCells(t, session)),
    empty: { title: '', text: '' },
  })
  const action = isOwn
    ? { href: '/account/security', label: t('Manage sessions') }
    : { href: userPath(id, 'sessions'), label: t('Sign out of all sessions…') }
  return [{ part: 'list', heading: t('Sessions'), actions: [action], list }]
}
