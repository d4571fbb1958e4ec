import { CONSOLE_LANGUAGES, ENGLISH, LANGUAGES, type Language } from '../../../languages/languages.ts'
import { type Translate, translateTo } from '../../../languages/translator.ts'
import { noticeOf, noticesIn } from '../../notices.ts'
import type { Page } from '../../page.ts'

export interface PageLink {
  readonly href: string
  readonly label: string
}

export interface Tab extends PageLink {
  readonly current: boolean
}

/** A link that looks like a button; one of a page's is the `primary` one. */
export interface PageAction extends PageLink {
  readonly primary?: boolean
}

/** Head and content of a console page. Its view uses `/console/layout`. */
export interface ConsolePage extends Page {
  /** One or two sentences under the title. */
  readonly lead?: string
  /** Breadcrumbs without this page. */
  readonly breadcrumbs?: readonly PageLink[]
  readonly actions?: readonly PageAction[]
  readonly tabs?: readonly Tab[]
  /** Success messages by their name in `?notice=`. */
  readonly notices?: Readonly<Record<string, string>>
  /** Status of the object, next to the title. */
  readonly badge?: Badge
  /** Warning at the top of the page. */
  readonly warning?: string
}

export interface Badge {
  readonly tone: 'success' | 'warning' | 'error' | 'neutral'
  readonly text: string
}

/**
 * The page within the console.
 * @param notice as it was in the query
 * @param t the texts of the page; absent: it is in English only
 */
export function inConsole(page: ConsolePage, notice?: unknown, t?: { readonly language: Language }): Page {
  const { title, lead, breadcrumbs, actions, tabs, badge, warning } = page
  const head = { title, lead, breadcrumbs, actions, tabs, badge, warning }
  const failed = page.status !== undefined && page.status >= 400
  const language = t?.language ?? ENGLISH
  const notices = { ...noticesIn(translateTo(language)), ...page.notices }
  const data = { ...page.data, head, failed, notice: noticeOf(notice, notices) }
  return { ...page, language, languages: t && CONSOLE_LANGUAGES, data }
}

/** A page of a user's own account within the console, in every language. @param notice as it was in the query */
export const inOwnAccount = (t: Translate, page: ConsolePage, notice?: unknown): Page => ({
  ...inConsole(page, notice, t),
  languages: LANGUAGES,
})
