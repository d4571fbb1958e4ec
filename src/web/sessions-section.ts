import type { UserSession } from '../accounts/user-sessions.ts'
import { browserInWords } from '../shared/user-agents.ts'
import type { Block } from './console/kit/blocks.ts'
import { actionsCell, type Cell, quietCell, textCell, timeCell } from './console/kit/cells.ts'
import type { ConsolePage } from './console/kit/console-page.ts'
import { type Column, listView } from './console/kit/list-page.ts'
import { confirmPage } from './console/kit/panels.ts'
import { SECURITY_PATH } from './own-paths.ts'
import { momentOf } from './relative-time.ts'

/** The page that the section is on. */
const SECURITY = { href: SECURITY_PATH, label: 'Security' }

export const SESSIONS_PATH = `${SECURITY_PATH}/sessions`

const OTHERS_PATH = `${SESSIONS_PATH}/others`

export const SESSION_NOTICES = {
  'session-ended': 'Signed out of the session.',
  'others-ended': 'Signed out everywhere else.',
}

export const SESSION_COLUMNS: readonly Column[] = [
  { heading: 'Browser' },
  { heading: 'IP address' },
  { heading: 'Signed in', short: true, wideOnly: true },
  { heading: 'Last used', short: true },
]

/** @param detail below the browser */
export const sessionCells = (session: UserSession, detail?: string): Cell[] => [
  textCell(browserInWords(session), detail),
  session.address === null ? quietCell('unknown') : textCell(session.address),
  timeCell(session.signedInAt),
  timeCell(session.lastUsedAt),
]

const rowOf = (session: UserSession, present: string | null): Cell[] => {
  if (session.id === present) return [...sessionCells(session, 'This browser'), quietCell('')]
  const of = `${browserInWords(session)}, last used ${momentOf(session.lastUsedAt).words}`
  return [...sessionCells(session), actionsCell({ label: 'Sign out', href: `${SESSIONS_PATH}/${session.id}/end`, of })]
}

/** Where the user is signed in. @param present the session of this browser */
export const sessionsBlock = (sessions: readonly UserSession[], present: string | null): Block => ({
  part: 'list',
  heading: 'Sessions',
  lead: 'Where you are signed in. Signing out of a session does not stop applications that you connected.',
  actions: [{ href: OTHERS_PATH, label: 'Sign out everywhere else…' }],
  list: listView({
    caption: 'Sessions',
    columns: [...SESSION_COLUMNS, { heading: 'Actions', hiddenHeading: true }],
    rows: sessions.map((session) => rowOf(session, present)),
    empty: { title: 'No other session', text: 'You are signed in in this browser only.' },
  }),
})

/** What a session has to do with connected applications. */
const APPLICATIONS_STAY =
  'Applications that you connected keep their access. To stop one, revoke its access under Connected applications.'

const CANCEL = { href: SECURITY.href, label: 'Cancel' }

export const sessionEndPage = (session: UserSession): ConsolePage =>
  confirmPage({
    title: `Sign out of ${browserInWords(session)}?`,
    breadcrumbs: [SECURITY],
    text: APPLICATIONS_STAY,
    stops: ['end the session in that browser immediately', 'inform the applications that you signed in to there'],
    facts: [
      { term: 'IP address', cell: session.address === null ? quietCell('unknown') : textCell(session.address) },
      { term: 'Signed in', cell: timeCell(session.signedInAt) },
      { term: 'Last used', cell: timeCell(session.lastUsedAt) },
    ],
    action: `${SESSIONS_PATH}/${session.id}/end`,
    submit: 'Sign out',
    keep: CANCEL,
  })

export const otherSessionsEndPage = (): ConsolePage =>
  confirmPage({
    title: 'Sign out everywhere else?',
    breadcrumbs: [SECURITY],
    text: `${APPLICATIONS_STAY} If somebody else may know your password, change it as well.`,
    stops: [
      'end every session except that of this browser immediately',
      'inform the applications that you signed in to there',
    ],
    action: OTHERS_PATH,
    submit: 'Sign out everywhere else',
    keep: CANCEL,
  })
