/** The actions on the page of a user that pause their access or end it. */
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import type { UserDetails } from '../../../management/user-views.ts'
import type { Change } from '../kit/changes.ts'
import { offboarding } from './user-offboarding-pages.ts'
import { removal } from './user-removal-pages.ts'
import { userPath } from './user-texts.ts'

function statusChange(t: ConsoleTranslate, { id, status }: UserDetails, protection: string | undefined): Change {
  const href = userPath(id, 'status')
  if (status === 'disabled') {
    const text = t('The user can sign in again and get new tokens.')
    return { title: t('Enable user'), text, action: { href, label: t('Enable…') } }
  }
  if (protection) return { title: t('Disable or off-board user'), text: protection }
  const title = t('Disable user')
  const text = t(
    'Temporary: the user cannot sign in and key pairs do not work until you enable the user again. All sessions and tokens are revoked immediately.',
  )
  return { title, text, action: { href, label: t('Disable…'), danger: true } }
}

/** The status in this account, of a user who belongs to another one as well. */
function statusHere(t: ConsoleTranslate, user: UserDetails, protection: string | undefined): Change {
  if (user.status !== 'disabled' && protection) return { title: t('Disable user'), text: protection }
  const text =
    user.status === 'disabled'
      ? t('The user can work in this account again.')
      : t(
          'Temporary: the user cannot work in this account until you enable them again. Their key pairs and tokens of this account end immediately.',
        )
  return { ...statusChange(t, user, undefined), text }
}

function deletion(t: ConsoleTranslate, { id, status }: UserDetails): Change {
  const title = t('Delete user')
  if (status === 'active') return { title, text: t('Disable or off-board the user first.') }
  const text = t('Deletes the user, and erases their personal data in the activity log.')
  return { title, text, action: { href: userPath(id, 'delete'), label: t('Delete…'), danger: true } }
}

/** From a pause to the end, in this order. */
export const accessChanges = (t: ConsoleTranslate, user: UserDetails, protection: string | undefined): Change[] => [
  statusChange(t, user, protection),
  ...(protection ? [] : offboarding(t, user)),
  deletion(t, user),
]

/** Of a user who belongs to another account as well: what an admin of this one may change. */
export const accessHere = (t: ConsoleTranslate, user: UserDetails, protection: string | undefined): Change[] => [
  statusHere(t, user, protection),
  removal(t, user, protection),
]
