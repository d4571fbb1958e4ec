import type { Context } from 'koa'
import type { FormTargets } from './page-headers.ts'

export interface Page {
  /** The template's name below views/. */
  readonly view: string
  readonly title: string
  /** Absent: as it was set before, or 200. */
  readonly status?: number
  /** Absent: this site only. */
  readonly formTargets?: FormTargets
  /** Whether a script updates the page while it is open. */
  readonly isLive?: boolean
  /** Whether a frame of the page shows another address of this site. */
  readonly hasFrame?: boolean
  readonly data?: object
}

/** Answers with a page. */
export type Show = (ctx: Context, page: Page) => void
