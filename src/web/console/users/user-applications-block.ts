/** The applications that a user created. They keep working when the user is disabled. */
import { type AddedApplication, MAX_ADDED_APPLICATIONS } from '../../../management/applications-by-creator.ts'
import type { UserDetails } from '../../../management/user-views.ts'
import { APPLICATIONS_PATH, applicationPath } from '../applications/application-list-page.ts'
import { actsForText, neverUsed } from '../applications/application-texts.ts'
import type { Block } from '../kit/blocks.ts'
import { actionsCell, type Cell, linkCell, quietCell, textCell, timeCell } from '../kit/cells.ts'
import { displayName } from '../kit/display-name.ts'
import { type Column, listView } from '../kit/list-page.ts'

const COLUMNS: readonly Column[] = [
  { heading: 'Name' },
  { heading: 'Used by' },
  { heading: 'Last used' },
  { heading: 'Actions', hiddenHeading: true },
]

function rowOf({ clientId, name, grants, lastUsedAt, isPublic }: AddedApplication): Cell[] {
  const whom = actsForText(grants)
  return [
    linkCell(name, applicationPath(clientId)),
    whom === undefined ? quietCell('none') : textCell(whom),
    timeCell(lastUsedAt === null ? null : new Date(lastUsedAt), neverUsed(isPublic)),
    actionsCell({ label: 'Archive', href: applicationPath(clientId, '/archive'), of: name }),
  ]
}

const LEADS = {
  active: 'These applications keep working if the user is disabled.',
  deleting: 'The user is being deleted, but these applications still work. Archive those that should stop.',
  disabled: 'The user is disabled, but these applications still work. Archive those that should stop.',
}

/** Empty when the user created no active application. */
export function addedApplicationsBlock(user: UserDetails): Block[] {
  const { id, status, addedApplications } = user
  if (addedApplications.length === 0) return []
  const caption = `Active applications created by ${displayName(user)}`
  const list = listView({
    caption,
    columns: COLUMNS,
    rows: addedApplications.map(rowOf),
    empty: { title: '', text: '' },
  })
  const all = { href: `${APPLICATIONS_PATH}?added_by=${id}&status=active`, label: 'Clear filters' }
  const actions = addedApplications.length < MAX_ADDED_APPLICATIONS ? [] : [all]
  return [{ part: 'list', heading: 'Applications created by this user', lead: LEADS[status], actions, list }]
}

/** The warning before a user is disabled; undefined when the user created no active application. */
export function keepsWorking({ addedApplications }: UserDetails): string | undefined {
  if (addedApplications.length === 0) return undefined
  const names = addedApplications.slice(0, 3).map(({ name }) => `“${name}”`)
  const listed = addedApplications.length > names.length ? [...names, 'others'] : names
  const which = new Intl.ListFormat('en').format(listed)
  return `Applications created by this user keep working: ${which}. You can archive them on the page of this user.`
}
