import type { Bounded } from '../../../management/live-tokens.ts'
import { type Moment, momentOf } from '../../relative-time.ts'
import type { Badge } from './console-page.ts'

/** A value as tables and facts show it; each kind has its template below views/console/cells. */
export type Cell =
  | { readonly kind: 'text'; readonly text: string; readonly detail?: string; readonly quiet?: boolean }
  | { readonly kind: 'link'; readonly text: string; readonly href: string; readonly detail?: string }
  | { readonly kind: 'time'; readonly moment: Moment; readonly detail?: string }
  | { readonly kind: 'badge'; readonly badge: Badge }
  | { readonly kind: 'id'; readonly value: string; readonly label: string }
  | { readonly kind: 'lines'; readonly lines: readonly string[] }
  | { readonly kind: 'actions'; readonly acts: readonly Act[] }
  | { readonly kind: 'activity'; readonly phrases: readonly Phrase[]; readonly details: readonly Fact[] }

/** A piece of a sentence; what somebody or something is called stands out, and leads to its page where there is one. */
export interface Phrase {
  readonly text: string
  readonly isName?: boolean
  readonly href?: string
}

/** Something to do about one row; `of` tells screen readers which. */
export interface Act {
  readonly label: string
  readonly href: string
  readonly of: string
}

const NUMBER = new Intl.NumberFormat('en')

/** @param detail smaller, below */
export const textCell = (text: string, detail?: string): Cell => ({ kind: 'text', text, detail })

/** Says that there is nothing: `never`, `the default`. */
export const quietCell = (text: string): Cell => ({ kind: 'text', text, quiet: true })

export const linkCell = (text: string, href: string, detail?: string): Cell => ({ kind: 'link', text, href, detail })

export const numberCell = (count: number): Cell => ({ kind: 'text', text: NUMBER.format(count) })

/** `1,000+` beyond where nobody counts any more. */
export const boundedText = ({ count, isMore }: Bounded): string => `${NUMBER.format(count)}${isMore ? '+' : ''}`

export const boundedCell = (count: Bounded): Cell => ({ kind: 'text', text: boundedText(count) })

/** @param otherwise what is said where it never was */
export const timeCell = (at: Date | null | undefined, otherwise = 'never', detail?: string): Cell =>
  at ? { kind: 'time', moment: momentOf(at), detail } : quietCell(otherwise)

export const badgeCell = (tone: Badge['tone'], text: string): Cell => ({ kind: 'badge', badge: { tone, text } })

/** Whatever machines name things by: monospaced, and copied by a button. @param label what it is: `client ID` */
export const idCell = (value: string, label: string): Cell => ({ kind: 'id', value, label })

export const linesCell = (lines: readonly string[], otherwise = 'none'): Cell =>
  lines.length > 0 ? { kind: 'lines', lines } : quietCell(otherwise)

export const actionsCell = (...acts: readonly Act[]): Cell => ({ kind: 'actions', acts })

/** Something about one thing, drawn by views/console/parts/facts.eta. */
export interface Fact {
  readonly term: string
  readonly cell: Cell
}

export const fact = (term: string, cell: Cell): Fact => ({ term, cell })
