import type { Context } from 'koa'
import type { Language } from '../languages/languages.ts'
import type { FormTargets } from './page-headers.ts'

export interface Page {
  /** The template's name below views/. */
  readonly view: string
  readonly title: string
  /** Absent: the language that the user prefers. */
  readonly language?: Language
  /** The languages in which the page can be shown. Absent: all, or only its `language`. */
  readonly languages?: readonly Language[]
  /** Whether the page is left by itself, so that no language can be selected on it. */
  readonly isPassing?: boolean
  /** Absent: as it was set before, or 200. */
  readonly status?: number
  /** Absent: this site only. */
  readonly formTargets?: FormTargets
  /** Whether a script updates the page while it is open. */
  readonly isLive?: boolean
  /** Whether a frame of the page shows another address of this site. */
  readonly hasFrame?: boolean
  readonly data?: object
  /** `#rrggbb`; absent: the accent of the instance. */
  readonly accent?: string
}

/** Answers with a page. */
export type Show = (ctx: Context, page: Page) => void
