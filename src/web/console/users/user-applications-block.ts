/** The applications that a user created. They keep working when the user is disabled. */
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import { type AddedApplication, MAX_ADDED_APPLICATIONS } from '../../../management/applications-by-creator.ts'
import type { UserDetails } from '../../../management/user-views.ts'
import { APPLICATIONS_PATH, applicationPath } from '../applications/application-list-page.ts'
import { actsForText, neverUsed } from '../applications/application-texts.ts'
import type { Block } from '../kit/blocks.ts'
import { actionsCell, type Cell, linkCell, quietCell, textCell, timeCell } from '../kit/cells.ts'
import { displayName } from '../kit/display-name.ts'
import { type Column, listView } from '../kit/list-page.ts'

const columnsIn = (t: ConsoleTranslate): readonly Column[] => [
  { heading: t('Name') },
  { heading: t('Used by') },
  { heading: t('Last used') },
  { heading: t('Actions'), hiddenHeading: true },
]

function rowOf(t: ConsoleTranslate, { clientId, name, grants, lastUsedAt, isPublic }: AddedApplication): Cell[] {
  const whom = actsForText(t, grants)
  return [
    linkCell(name, applicationPath(clientId)),
    whom === undefined ? quietCell(t('nobody')) : textCell(whom),
    timeCell(lastUsedAt === null ? null : new Date(lastUsedAt), neverUsed(t, isPublic)),
    actionsCell({ label: t('Archive'), href: applicationPath(clientId, '/archive'), of: name }),
  ]
}

const leadOf = (t: ConsoleTranslate, { status }: UserDetails): string =>
  ({
    active: t('These applications keep working if the user is disabled.'),
    deleting: t('The user is being deleted, but these applications still work. Archive those that should stop.'),
    disabled: t('The user is disabled, but these applications still work. Archive those that should stop.'),
  })[status]

/** Empty when the user created no active application. */
export function addedApplicationsBlock(t: ConsoleTranslate, user: UserDetails): Block[] {
  const { id, addedApplications } = user
  if (addedApplications.length === 0) return []
  const list = listView({
    caption: t('Active applications created by {name}', { name: displayName(user) }),
    columns: columnsIn(t),
    rows: addedApplications.map((application) => rowOf(t, application)),
    empty: { title: '', text: '' },
  })
  const all = { href: `${APPLICATIONS_PATH}?added_by=${id}&status=active`, label: t('Clear filters') }
  const actions = addedApplications.length < MAX_ADDED_APPLICATIONS ? [] : [all]
  return [{ part: 'list', heading: t('Applications created by this user'), lead: leadOf(t, user), actions, list }]
}

/** The warning before a user is disabled; undefined when the user created no active application. */
export function keepsWorking(t: ConsoleTranslate, { addedApplications }: UserDetails): string | undefined {
  if (addedApplications.length === 0) return undefined
  const names = addedApplications.slice(0, 3).map(({ name }) => t('“{name}”', { name }))
  const listed = addedApplications.length > names.length ? [...names, t('others')] : names
  const applications = t.list(listed)
  return t(
    'Applications created by this user keep working: {applications}. You can archive them on the page of this user.',
    { applications },
  )
}
