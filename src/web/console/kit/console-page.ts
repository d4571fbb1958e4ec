import { NOTICES, noticeOf } from '../../notices.ts'
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

/** What a page of the console says beside its content, which its view draws below `/console/layout`. */
export interface ConsolePage extends Page {
  /** One or two sentences under the title. */
  readonly lead?: string
  /** The way to here, without this page. */
  readonly crumbs?: readonly PageLink[]
  readonly actions?: readonly PageAction[]
  readonly tabs?: readonly Tab[]
  /** By their name in `?notice=`: what was just done. */
  readonly notices?: Readonly<Record<string, string>>
  /** Of what the page is about, beside its title. */
  readonly badge?: Badge
  /** Said before all else, where `notices` does not serve. */
  readonly caution?: string
}

export interface Badge {
  readonly tone: 'success' | 'warning' | 'error' | 'neutral'
  readonly text: string
}

/** @param notice as it was in the query */
export function inConsole(page: ConsolePage, notice?: unknown): Page {
  const { title, lead, crumbs, actions, tabs, badge, caution } = page
  const head = { title, lead, crumbs, actions, tabs, badge, caution }
  const failed = page.status !== undefined && page.status >= 400
  return { ...page, data: { ...page.data, head, failed, notice: noticeOf(notice, { ...NOTICES, ...page.notices }) } }
}
