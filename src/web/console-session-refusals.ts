import type { MessageKey, Translate } from '../languages/translator.ts'
import type { ConsoleSessionError, ConsoleSessionRefusal } from './console-session-errors.ts'
import { messagePage } from './messages.ts'
import type { Page } from './page.ts'

interface RefusalTexts {
  readonly status: number
  readonly title: MessageKey
  readonly text: MessageKey
}

const TEXTS: Readonly<Record<ConsoleSessionRefusal, RefusalTexts>> = {
  not_included: { status: 403, title: 'consoleSession.notIncluded', text: 'consoleSession.notIncludedText' },
  not_recent: { status: 403, title: 'consoleSession.notRecent', text: 'consoleSession.notRecentText' },
  ended: { status: 401, title: 'consoleSession.ended', text: 'consoleSession.endedText' },
  not_framed: { status: 403, title: 'consoleSession.notIncluded', text: 'consoleSession.notFramedText' },
  link_over: { status: 410, title: 'consoleSession.linkOver', text: 'consoleSession.linkOverText' },
}

/** @param company the name of the instance */
export function consoleSessionRefusalPage(t: Translate, error: ConsoleSessionError, company: string): Page {
  const { status, title, text } = TEXTS[error.refusal]
  const back = error.returnUrl === null ? [] : [{ label: t('consoleSession.back', { company }), href: error.returnUrl }]
  const page = messagePage({ title: t(title), status, paragraphs: [t(text, { company })], actions: back })
  const isOver = error.refusal !== 'not_included' && error.refusal !== 'not_framed'
  return { ...page, data: { ...page.data, ...(isOver && { embedState: error.refusal }) } }
}
