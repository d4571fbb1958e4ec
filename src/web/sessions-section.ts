import type { UserSession } from '../accounts/user-sessions.ts'
import { type ConsoleTranslate, translateLayoutTo } from '../languages/console/console-translator.ts'
import type { Translate } from '../languages/translator.ts'
import type { BrowserName } from '../shared/user-agents.ts'
import type { Block } from './console/kit/blocks.ts'
import { actionsCell, type Cell, fact, quietCell, textCell, timeCell } from './console/kit/cells.ts'
import type { ConsolePage } from './console/kit/console-page.ts'
import { type Column, listView } from './console/kit/list-page.ts'
import { confirmPage } from './console/kit/panels.ts'
import { SECURITY_PATH } from './own-paths.ts'

export const SESSIONS_PATH = `${SECURITY_PATH}/sessions`

const OTHERS_PATH = `${SESSIONS_PATH}/others`

/** The columns of a list of sessions, in the console too. */
export const sessionColumns = (t: ConsoleTranslate): readonly Column[] => [
  { heading: t('Browser') },
  { heading: t('IP address') },
  { heading: t('Signed in'), short: true, wideOnly: true },
  { heading: t('Last used'), short: true },
]

/** `Firefox on Windows`. */
function browserText(t: ConsoleTranslate, { browser, system }: BrowserName): string {
  if (browser === null) return system === null ? t('Unknown browser') : t('Unknown browser on {system}', { system })
  return system === null ? browser : t('{browser} on {system}', { browser, system })
}

const addressCell = (t: ConsoleTranslate, { address }: UserSession): Cell =>
  address === null ? quietCell(t('unknown')) : textCell(address)

/** @param detail below the browser */
export const sessionCells = (t: ConsoleTranslate, session: UserSession, detail?: string): Cell[] => [
  textCell(browserText(t, session), detail),
  addressCell(t, session),
  timeCell(session.signedInAt),
  timeCell(session.lastUsedAt),
]

function rowOf(t: Translate, session: UserSession, present: string | null): Cell[] {
  const layout = translateLayoutTo(t.language)
  if (session.id === present) return [...sessionCells(layout, session, t('sessions.present')), quietCell('')]
  const browser = browserText(layout, session)
  const of = t('sessions.lastUsed', { browser, time: layout.moment(session.lastUsedAt).words })
  const end = { label: t('signOut.submit'), href: `${SESSIONS_PATH}/${session.id}/end`, of }
  return [...sessionCells(layout, session), actionsCell(end)]
}

/** Where the user is signed in. @param present the session of this browser */
export const sessionsBlock = (t: Translate, sessions: readonly UserSession[], present: string | null): Block => ({
  part: 'list',
  heading: t('sessions.title'),
  lead: t('sessions.lead'),
  actions: [{ href: OTHERS_PATH, label: t('sessions.endOthers') }],
  list: listView({
    caption: t('sessions.title'),
    columns: [
      ...sessionColumns(translateLayoutTo(t.language)),
      { heading: t('security.actions'), hiddenHeading: true },
    ],
    rows: sessions.map((session) => rowOf(t, session, present)),
    empty: { title: t('sessions.none'), text: t('sessions.noneText') },
  }),
})

/** Where the confirmations lead back to. */
const backIn = (t: Translate) => ({
  breadcrumbs: [{ href: SECURITY_PATH, label: t('security.title') }],
  keep: { href: SECURITY_PATH, label: t('common.cancel') },
})

export function sessionEndPage(t: Translate, session: UserSession): ConsolePage {
  const layout = translateLayoutTo(t.language)
  return confirmPage({
    ...backIn(t),
    title: t('endSession.title', { browser: browserText(layout, session) }),
    text: t('endSession.applications'),
    stops: [t('endSession.ends'), t('endSession.informs')],
    facts: [
      fact(t('sessions.ip'), addressCell(layout, session)),
      fact(t('sessions.signedIn'), timeCell(session.signedInAt)),
      fact(t('security.lastUsed'), timeCell(session.lastUsedAt)),
    ],
    action: `${SESSIONS_PATH}/${session.id}/end`,
    submit: t('signOut.submit'),
  })
}

export const otherSessionsEndPage = (t: Translate): ConsolePage =>
  confirmPage({
    ...backIn(t),
    title: t('endOthers.title'),
    text: t('endOthers.text'),
    stops: [t('endOthers.ends'), t('endSession.informs')],
    action: OTHERS_PATH,
    submit: t('endOthers.submit'),
  })
